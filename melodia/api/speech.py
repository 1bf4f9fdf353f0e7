"""Speech, written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from melodia.checkpoint import DEFAULTS
from melodia.device import resolve_device
from melodia.errors import ConfigError
from melodia.language.checkpoint import load_language
from melodia.language.model import LanguageModel
from melodia.recognition.checkpoint import load_recognizer
from melodia.recognition.model import Recognizer
from melodia.recognition.recognize import RecognizeConfig
from melodia.recognition.recognize import recognize as hear_words
from melodia.recognition.transcript import Transcript
from melodia.recognition.words import WordList, word_list


def recognize(
    recording: str | Path,
    *,
    start: float = 0.0,
    end: float | None = None,
    words: str | Sequence[str] | WordList | None = None,
    only_words: bool = False,
    beam: int | None = None,
    lm: str | Path | LanguageModel | None = "auto",
    model: str | Path | Recognizer = DEFAULTS["recognition"],
    device: str = "cpu",
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> Transcript:
    """Writes down what is said in a recording, in English.

    Args:
        recording: a sound file: WAV, FLAC, OGG, MP3, of any rate and length.
        start: seconds into the recording to begin at.
        end: second of the recording to stop at; None goes to its end.
        words: words to expect, such as names, one by one or between commas; or a list made of them once for many recordings.
        only_words: hear none but those.
        beam: texts compared at a time; 0 takes each letter alone; None takes what the model was found to do best with.
        lm: name or folder of a language model, or one that `load_checkpoint` gave, which stays on the CPU; None or "none" does
            without; "auto" takes the shipped one, but none with `only_words` or a beam of 0.
        model: name or folder of a checkpoint, or one that `load_checkpoint` gave.
        device: "cpu", "cuda", "mps" or "auto".
        progress: called with seconds done and in all.

    Returns:
        the words, each with its times in seconds of the recording and how sure it is.

    Raises:
        AudioError: the recording is missing, no sound file, damaged, or the span is not in it.
        ConfigError: a setting is out of range, or there are no words in the list.
        CheckpointError: a model cannot be loaded.
    """
    config = RecognizeConfig(start=start, end=end, width=beam)
    words = words.split(",") if isinstance(words, str) else words
    listed = words if isinstance(words, WordList) else word_list(words, only_words)
    recognizer = model if isinstance(model, Recognizer) else load_recognizer(model).to(resolve_device(device))
    if isinstance(lm, str | Path):
        name = language_name(str(lm), listed is not None and listed.only, beam)
        lm = load_language(name) if name else None
    elif lm is not None and not isinstance(lm, LanguageModel):
        raise ConfigError(f"lm: {type(lm).__name__} is no language model; give a name, or one that load_checkpoint gave")
    return hear_words(recording, recognizer, config, lm, listed, progress)


def language_name(lm: str, only_words: bool, beam: int | None) -> str | None:
    """The language model that is meant, None for none. See `recognize`.

    Raises:
        ConfigError: one is given for a beam of 0, which has no use for it.
    """
    if lm == "auto":
        return None if only_words or beam == 0 else DEFAULTS["language"]
    if lm == "none":
        return None
    if beam == 0:
        raise ConfigError("lm: means nothing with --beam 0, which takes each letter alone; leave one of them out")
    return lm

"""Text, spoken and sung."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from melodia.checkpoint import DEFAULTS
from melodia.device import resolve_device
from melodia.errors import CheckpointError
from melodia.synthesis.checkpoint import load_voice
from melodia.synthesis.config import SONG, SPEECH, SUNG_TEMPERATURE, SongConfig, SpeakConfig
from melodia.synthesis.model import Voice
from melodia.synthesis.reading import Sentence, emphasised, read, read_phonemes
from melodia.synthesis.song import Song, set_to
from melodia.synthesis.spoken import Piece, Speech, pieces, speech_of, words_of
from melodia.synthesis.words import Speller
from melodia.synthesis.written import text_of

if TYPE_CHECKING:
    import torch

    from melodia.api.primer import Music


def speak(
    text: str | Path,
    *,
    voice: str | Path | Voice = DEFAULTS["synthesis"],
    rate: float = SPEECH.rate,
    pitch: float = SPEECH.semitones,
    temperature: float = SPEECH.temperature,
    random_seed: int = 0,
    emphasis: str | Sequence[str] = (),
    markup: bool | None = None,
    phonemes: bool = False,
    device: str = "cpu",
) -> Speech:
    """Says a text in English.

    Args:
        text: a text, or a .txt file; with the marks of `melodia.synthesis.spans`, or the markup of `melodia.synthesis.markup`.
        voice: name or folder of a checkpoint, or one that `load_checkpoint` gave.
        rate: times as fast, 0.25 to 4.
        pitch: semitones higher, -24 to 24.
        temperature: 0 reads in the likeliest way, 1 with all the variety of the voice.
        random_seed: the same gives the same speech.
        emphasis: words to stress.
        markup: whether the text has any; None looks whether it has.
        phonemes: whether the text is phonemes.
        device: "cpu", "cuda", "mps" or "auto".

    Raises:
        MelodiaError: the file cannot be read.
        ConfigError: a setting is out of range, or there is nothing in the text that can be read aloud.
        CheckpointError: the voice cannot be loaded.
    """
    config = SpeakConfig(temperature=temperature, rate=rate, semitones=pitch, random_seed=random_seed)
    messages: list[str] = []
    sentences = sentences_of(text_of(text), markup=markup, phonemes=phonemes, emphasis=emphasis, notices=messages.append)
    speech = speech_of(said(sentences, voice_of(voice, device), config))
    speech.messages = messages
    return speech


def sing(
    lyrics: str | Path,
    melody: Music,
    *,
    voice: str | Path | Voice = DEFAULTS["synthesis"],
    part: str | int | None = None,
    transpose: int | None = None,
    tempo: float | None = None,
    repeat: bool = False,
    vibrato: float = SONG.vibrato,
    temperature: float = SUNG_TEMPERATURE,
    random_seed: int = 0,
    device: str = "cpu",
) -> Speech:
    """Sings lyrics to the melody of a score.

    Args:
        lyrics: a text, or a .txt file: English, a syllable a note; `_` holds one over the next note.
        melody: MIDI file, recording, score or PrettyMIDI.
        voice: name or folder of a checkpoint, or one that `load_checkpoint` gave.
        part: number from 1, or name, of the part to sing; None finds it.
        transpose: semitones; None moves it by octaves to where the voice is at ease.
        tempo: quarter notes a minute; None for the score's.
        repeat: begin anew as long as there are notes.
        vibrato: cents to either side.
        temperature: 0 sings in the likeliest way.
        random_seed: the same gives the same song.
        device: "cpu", "cuda", "mps" or "auto".

    Raises:
        MelodiaError: the file of the lyrics cannot be read.
        MidiError: the melody cannot be read, or has no notes.
        AudioError: the recording that is the melody cannot be read, or nothing is heard in it.
        ConfigError: a setting is out of range, or the lyrics have no words, or more syllables than there are notes.
        CheckpointError: the voice cannot be loaded.
    """
    from melodia.api.primer import read_primer

    how = SpeakConfig(temperature=temperature, random_seed=random_seed)
    config = SongConfig(part=part, transpose=transpose, tempo=tempo, repeat=repeat, vibrato=vibrato)
    score, messages = read_primer(melody, device)
    song = set_to(text_of(lyrics), score, config, speller=speller_of(messages.append), notices=messages.append)
    speech = sung(song, voice_of(voice, device), how)
    speech.messages = messages
    return speech


def sentences_of(
    text: str,
    *,
    markup: bool | None = None,
    phonemes: bool = False,
    emphasis: str | Sequence[str] = (),
    notices: Callable[[str], None] = lambda notice: None,
) -> Iterator[Sentence]:
    """The sentences of a text, or of phonemes, with some words stressed; errors are those of `melodia.synthesis.reading`."""
    sentences = read_phonemes(text) if phonemes else read(text, markup=markup, speller=speller_of(notices), notices=notices)
    wanted = {word.strip().lower() for word in ([emphasis] if isinstance(emphasis, str) else emphasis)}
    return _emphasised(sentences, wanted, notices) if wanted else sentences


def _emphasised(sentences: Iterator[Sentence], wanted: set[str], notices: Callable[[str], None]) -> Iterator[Sentence]:
    missing = set(wanted)
    for sentence in sentences:
        missing -= set(sentence.words)
        yield emphasised(sentence, wanted)
    for word in sorted(missing):
        notices(f"emphasis: {word!r} is not in the text")


def said(sentences: Iterator[Sentence], voice: Voice, config: SpeakConfig) -> Iterator[Piece]:
    """Sentences, said one by one as they are asked for."""
    return pieces(voice, sentences, config, generator_of(config.random_seed))


def sung(song: Song, voice: Voice, config: SpeakConfig) -> Speech:
    """A song as it is sung; of the config temperature and random seed count."""
    from melodia.synthesis.sing import sing as voiced

    found = voiced(voice, song, config, generator_of(config.random_seed))
    words = words_of(song.words, [one.unit for one in song.sung], found.spans)
    return Speech(waveform=found.waveform, sample_rate=found.sample_rate, pitch=found.pitch, words=words)


def voice_of(voice: str | Path | Voice, device: str) -> Voice:
    """A voice, loaded if it is a name.

    Raises:
        CheckpointError: it cannot be loaded.
        ConfigError: there is no such device.
    """
    return voice if isinstance(voice, Voice) else load_voice(voice).to(resolve_device(device))


def generator_of(random_seed: int) -> torch.Generator:
    """A generator on the CPU."""
    import torch

    return torch.Generator().manual_seed(random_seed)


def speller_of(notices: Callable[[str], None]) -> Speller:
    """What gives words their phonemes that no lexicon has: loaded with the first of them; letter by letter where it is missing."""
    missing = False

    def spelled(words: Sequence[str]) -> dict[str, str]:
        nonlocal missing
        try:
            return {} if missing else _speller()(words)
        except CheckpointError as error:
            missing = True
            notices(f"words that no lexicon has are read letter by letter, such as {words[0]!r}: {error}")
            return {}

    return spelled


@cache
def _speller() -> Speller:
    """The speller that ships, loaded once."""
    from melodia.spelling.spell import load_speller

    return load_speller()

"""A recording -> what is said in it: file, spectrogram, pieces between pauses, network, search, words with their times.

Each part is a stream, so that an hour takes the memory of a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from torch import Tensor

from melodia.audio import LONGEST, SILENCE, Meter, audio_info, check_span, read_blocks
from melodia.config import check_range
from melodia.errors import AudioError, ConfigError
from melodia.features import stream_log_mel
from melodia.recognition.ctc import LogProbs, align, greedy
from melodia.recognition.model import Heard, Recognizer, heard_in
from melodia.recognition.rescore import second_look
from melodia.recognition.search import Language, Search, Words
from melodia.recognition.segments import SegmentConfig, levels, pieces, trimmed
from melodia.recognition.transcript import Segment, Transcript, Word
from melodia.recognition.words import Vocabulary, WordList
from melodia.text import text_of

SILENT_DB = -85.0  # level of a piece's loudest frame below which nothing can be said in it
UNHEARD = -10.0  # log-probability of a letter that has no frame of its own

Report = Callable[[float, float], None]  # seconds done, seconds in all


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizeConfig:
    """`start` and `end` in seconds of the recording; `width`: texts that the search keeps, 0 to take the likeliest letters."""

    start: float = 0.0
    end: float | None = None
    width: int | None = None
    segment: SegmentConfig = field(default_factory=SegmentConfig)

    def __post_init__(self) -> None:
        check_span(self.start, self.end)
        if self.width is not None:
            check_range("beam", self.width, 0, 10_000)


class Reader:
    """What turns the probabilities of a piece into letters.

    Raises:
        ConfigError: words are given to a reading that takes the likeliest letters.
    """

    def __init__(
        self, model: Recognizer, config: RecognizeConfig, language: Language | None = None, words: WordList | None = None
    ) -> None:
        search = model.config.search
        width = search.width if config.width is None else config.width
        if not language:
            search = replace(search, letter_bonus=0.0)
        plain = width == 0 or (width == 1 and not language and not words)
        if plain and words:
            raise ConfigError("beam: 0 takes the likeliest letters, whatever the words; leave it out")
        weighed: Words | None = words
        if language and search.unknown_word and not (words and words.only):
            weighed = Vocabulary(search.unknown_word, words)
        self.word_model = language.trigrams if language else None
        self.looks_twice = language is not None and not words  # which may be in no dictionary and in no text
        self.search = None if plain else Search(replace(search, width=max(width, 1)), language, weighed)

    def __call__(self, heard: Heard) -> list[int]:
        """The letters of what is heard."""
        if not self.search:
            return greedy(heard.letters)
        texts = self.search.texts(heard.letters)
        return second_look(texts, heard.sounds, self.word_model, self.search.config) if self.looks_twice else texts[0]


def recognize(
    path: str | Path,
    model: Recognizer,
    config: RecognizeConfig,
    language: Language | None = None,
    words: WordList | None = None,
    progress: Report = lambda done, total: None,
) -> Transcript:
    """Writes down what is said in a sound file.

    Raises:
        AudioError: it is missing, no sound file, damaged, or the span is not in it.
        ConfigError: the settings do not go together.
    """
    features, read = model.config.features, Reader(model, config, language, words)
    total = min(audio_info(path).seconds, config.end or LONGEST) - config.start
    sound = Meter()
    blocks = sound.watch(read_blocks(path, features.sample_rate, config.start, config.end))
    segments: list[Segment] = []
    for segment, seconds in segments_in(model, stream_log_mel(blocks, features), read, config.segment, config.start):
        segments += [segment] if segment else []
        progress(min(seconds, total), total)
    if not sound.samples:
        raise AudioError(f"{path}: there is no sound in it")
    progress(total, total)
    segments = segments if sound.loudest > SILENCE else []
    return Transcript(
        segments=segments,
        seconds=config.start + sound.samples / features.sample_rate,
        start=config.start,
        messages=_messages(segments, sound),
    )


def segments_in(
    model: Recognizer, spectrogram: Iterable[Tensor], read: Reader, config: SegmentConfig, start: float = 0.0
) -> Iterator[tuple[Segment | None, float]]:
    """What is said in each piece of a log-mel spectrogram that comes in parts, if anything, and the seconds read so far."""
    frame_rate = model.config.features.frame_rate
    for whole in pieces(spectrogram, frame_rate, config):
        said, piece = None, trimmed(whole, round(config.pause / 2 * frame_rate), config.depth_db)
        if float(levels(piece.decibels).max()) > SILENT_DB:
            heard = heard_in(model, piece.decibels)
            words = timed(heard.letters, read(heard), start + piece.first / frame_rate, len(piece.decibels) / frame_rate, model)
            said = Segment(words=words, onset=words[0].onset, offset=words[-1].offset) if words else None
        yield said, (whole.first + len(whole.decibels)) / frame_rate


def text_in(model: Recognizer, spectrogram: Iterable[Tensor], read: Reader) -> str:
    """What is said in a log-mel spectrogram that comes in parts."""
    return " ".join(segment.text for segment, _ in segments_in(model, spectrogram, read, SegmentConfig()) if segment)


def timed(log_probs: LogProbs, letters: Sequence[int], onset: float, seconds: float, model: Recognizer) -> list[Word]:
    """Words with their times, each between its neighbours, and the geometric mean of their letters' probabilities.

    Args:
        log_probs: (frames, letters) of a piece.
        letters: what is said in it.
        onset: of the piece, in seconds.
        seconds: of the piece, which no word leaves.
        model: whose margins are taken.
    """
    spans, each = align(log_probs, letters), 1 / model.config.frame_rate  # seconds a frame
    before, after = model.config.word_margins
    spoken = zip(spans.tolist(), letters, strict=True)
    best = [float(log_probs[a:b, letter].max()) if b > a else UNHEARD for (a, b), letter in spoken]
    place, found = 0, []
    for text in text_of(letters).split(" "):
        own = slice(place, place + len(text))
        if text:
            first, last = int(spans[own][0, 0]), int(spans[own][-1, 1])
            found.append(Word(text, first * each - before, last * each + after, float(np.exp(np.mean(best[own])))))
        place += len(text) + 1
    for i, word in enumerate(found):
        earliest = found[i - 1].offset if i else 0.0
        latest = found[i + 1].onset if i + 1 < len(found) else seconds
        middle = (word.offset + latest) / 2 if word.offset > latest else word.offset
        found[i] = word._replace(onset=max(word.onset, earliest), offset=min(max(middle, word.onset + each), seconds))
    return [word._replace(onset=onset + word.onset, offset=onset + max(word.offset, word.onset)) for word in found]


def _messages(segments: Sequence[Segment], sound: Meter) -> list[str]:
    """What the person should know."""
    if sound.loudest <= SILENCE:
        return ["silence: the text is empty"]
    if not segments:
        return ["no words were heard: the text is empty"]
    return []

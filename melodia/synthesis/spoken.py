"""What a voice has said or sung: its sound, and its words with their times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from melodia.audio import Waveform, trimmed
from melodia.soundfiles import write_sound
from melodia.synthesis.config import SpeakConfig
from melodia.synthesis.reading import Sentence, Unit
from melodia.synthesis.signs import STRESSES
from melodia.synthesis.speak import AFTER_SECONDS, Said, speak_sentence

if TYPE_CHECKING:
    import torch

    from melodia.synthesis.model import Voice


SILENT_DB = -50.0  # of the loudest sample, below which a voice has died away


class SpokenWord(NamedTuple):
    """A word, its phonemes, and when it is said, in seconds."""

    text: str
    phonemes: str
    onset: float
    offset: float


@dataclass(slots=True, kw_only=True, repr=False)
class Speech:
    """(samples,) float32 at its rate; (frames,) its pitch in Hz, evenly over it, 0 for none; its words; messages for a person."""

    waveform: Waveform
    sample_rate: int
    pitch: Waveform
    words: list[SpokenWord]
    messages: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Speech({self.seconds:.2f} s, {len(self.words)} words, {self.sample_rate} Hz)"

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.waveform) / self.sample_rate

    def write(self, path: str | Path) -> Path:
        """Writes a sound file of the kind that its suffix names, whole or not at all, and returns its path.

        Raises:
            ConfigError: no such kind is known.
            AudioError: it cannot be written.
        """
        return write_sound(path, self.waveform, self.sample_rate)


class Piece(NamedTuple):
    """A sentence that is said, and its words, whose times count from the beginning of the whole."""

    sentence: Sentence
    said: Said
    words: list[SpokenWord]


def pieces(voice: Voice, sentences: Iterable[Sentence], config: SpeakConfig, generator: torch.Generator) -> Iterator[Piece]:
    """Says sentences one by one, as they are asked for; after the last one it is silent for no longer than it must."""
    samples = 0
    for sentence, after in pairwise(chain(sentences, [None])):
        assert sentence is not None
        said = speak_sentence(voice, sentence, config, generator)
        if after is None and sentence.units[-1].pause is None:
            said = ended(said)
        yield Piece(sentence, said, words_of(sentence.words, sentence.units, said.spans, samples / said.sample_rate))
        samples += len(said.waveform)


def ended(said: Said) -> Said:
    """What is said up to `AFTER_SECONDS` after it has died away: the voice's own pause is meant for between sentences."""
    hop = round(said.sample_rate / said.frame_rate)
    heard = trimmed(said.waveform, SILENT_DB, round(AFTER_SECONDS * said.sample_rate))
    frames = -(-len(heard) // hop)
    over = max(frames / said.frame_rate - AFTER_SECONDS, 0.0)
    spans = [(min(onset, over), min(offset, over)) for onset, offset in said.spans]
    return said._replace(waveform=said.waveform[: frames * hop], spans=spans, pitch=said.pitch[:frames])


def speech_of(said: Iterable[Piece]) -> Speech:
    """Pieces as a whole; there is at least one."""
    found = list(said)
    waveform, pitch = (np.concatenate(of) for of in zip(*((p.said.waveform, p.said.pitch) for p in found), strict=True))
    words = [word for piece in found for word in piece.words]
    return Speech(waveform=waveform, sample_rate=found[0].said.sample_rate, pitch=pitch, words=words)


def words_of(
    words: Sequence[str], units: Sequence[Unit], spans: Sequence[tuple[float, float]], later: float = 0.0
) -> list[SpokenWord]:
    """Words with their times, of units with theirs; a vowel that goes on is written once.

    Args:
        words: those that units have places of.
        units: in the order in which they are said.
        spans: onset and offset of each, seconds.
        later: seconds to add to all.
    """
    found: list[SpokenWord] = []
    last = Unit("")
    for unit, (onset, offset) in zip(units, spans, strict=True):
        if unit.word < 0:
            continue
        sign = STRESSES[unit.stress] + unit.sign
        if unit.word == last.word:
            said = found[-1].phonemes + ("" if unit == last and unit.sign == found[-1].phonemes[-1:] else sign)
            found[-1] = found[-1]._replace(phonemes=said, offset=offset + later)
        else:
            found.append(SpokenWord(words[unit.word], sign, onset + later, offset + later))
        last = unit
    return found


def timings(words: Sequence[SpokenWord], seconds: float) -> dict[str, Any]:
    """Words with their times as JSON has them, milliseconds exact."""
    rows = [{"text": w.text, "onset": round(w.onset, 3), "offset": round(w.offset, 3), "phonemes": w.phonemes} for w in words]
    return {"seconds": round(seconds, 3), "words": rows}

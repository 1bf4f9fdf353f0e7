"""Prepared speech as batches for the trainer: utterances of like length together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from melodia.config import check_range
from melodia.corpus import Corpus
from melodia.features import unpacked
from melodia.hertz import pitch_of
from melodia.synthesis.analysis import Floats, Sound
from melodia.synthesis.layout import PITCH, contour, lay_out, readings_of
from melodia.synthesis.model import Batch
from melodia.synthesis.prepare import HISS_STEPS
from melodia.training.lots import in_batches
from melodia.training.task import Loaded, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A batch holds utterances of about `batch_seconds` in all, of at most `longest_seconds` each."""

    batch_seconds: float = 48.0
    longest_seconds: float = 16.0
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_seconds", self.batch_seconds, 1, 1e6)
        check_range("longest_seconds", self.longest_seconds, 0.5, 600)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


class Utterance(NamedTuple):
    """A prepared recording: (frames, n_mels), (frames, num_hiss), (frames,) Hz, (signs, 3): sign, stress, frames."""

    bands: NDArray[np.uint8]
    hiss: NDArray[np.uint8]
    pitch: Floats
    signs: NDArray[np.int32]

    def sound(self) -> Sound:
        """Its frames, in decibels."""
        hiss = -np.asarray(self.hiss, np.float32) / np.float32(HISS_STEPS)
        return Sound(unpacked(np.asarray(self.bands)), hiss, np.asarray(self.pitch))


def utterances_of(corpus: Corpus, split: str) -> list[Utterance]:
    """The pieces of a split, memory-mapped.

    Raises:
        CorpusError: there are none.
    """
    arrays = [corpus.pieces(split, name) for name in ("bands", "hiss", "pitch", "signs")]
    return [Utterance(*rows) for rows in zip(*arrays, strict=True)]


def batches(
    utterances: Sequence[Utterance],
    lengths: NDArray[np.int64],
    most: int,
    config: DataConfig,
    part: int = 0,
    num_parts: int = 1,
    position: Position | None = None,
) -> Iterator[Loaded]:
    """Batches without end, from a position on; a part has every `num_parts`-th utterance of each.

    Args:
        utterances: of the training split.
        lengths: their frames.
        most: frames of a batch.
        config: see there.
        part: which part.
        num_parts: of how many.
        position: epoch and batch to begin at.
    """
    epoch, number = position[0] if position else (0, 0)
    everyone = np.arange(len(utterances))
    while True:
        lots = in_batches(everyone, lengths, most, [config.random_seed, epoch])
        while number < len(lots):
            mine = lots[number][part::num_parts]
            mine = mine if len(mine) else lots[number][:1]  # fewer than parts: one is heard twice
            number += 1
            yield Loaded(
                collated([utterances[i] for i in mine.tolist()]), [[epoch, number]], epoch + number / len(lots), carried=False
            )
        epoch, number = epoch + 1, 0


def collated(utterances: Sequence[Utterance]) -> Batch:
    """Utterances as a batch."""
    rows = []
    for utterance in utterances:
        sound, signs = utterance.sound(), np.asarray(utterance.signs, np.int64)
        readings, counts = readings_of(sound, signs[:, 2]), signs[:, 2]
        layout = lay_out(counts)
        semitones = pitch_of(sound.pitch).astype(np.float32)
        line = contour(readings[:, PITCH], counts)
        rows.append((signs[:, 0], signs[:, 1], readings, *layout, line, semitones, sound.bands, sound.hiss))
    columns = [
        pad_sequence([torch.from_numpy(np.ascontiguousarray(x)) for x in of], batch_first=True) for of in zip(*rows, strict=True)
    ]
    num_signs, num_frames = (torch.tensor([len(row[i]) for row in rows]) for i in (0, 3))
    return Batch(*columns[:3], num_signs, *columns[3:], num_frames)  # type: ignore[call-arg]

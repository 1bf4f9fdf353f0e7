"""Prepared piano rolls as batches for the trainer: stretches of pieces, of like length together, transposed.

A stretch begins with nothing remembered, wherever in its piece it is; a piece that is scored is read from its first frame on.
Where pieces are cut, and by how much they are transposed, is drawn anew in each epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.corpus import Corpus
from melodia.polyphony.model import collated, stretch
from melodia.polyphony.prepare import KEYS, Frames, unpacked
from melodia.training.lots import in_batches
from melodia.training.task import Loaded, Position, share_of_batch


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A batch is `batch_size` x `length` frames, in stretches of at most `length`; pieces move by up to `transpose` semitones."""

    batch_size: int = 8
    length: int = 128
    transpose: int = 6
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1, 65_536)
        check_range("length", self.length, 2, 100_000)
        check_range("transpose", self.transpose, 0, 24)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


class Stretch(NamedTuple):
    """Frames of a piece to learn from: from `first` on, moved up by `shift` semitones."""

    piece: int
    first: int
    length: int
    shift: int


def pieces_of(corpus: Corpus, split: str) -> list[Frames]:
    """The pieces of a split.

    Raises:
        CorpusError: there are none.
    """
    return [unpacked(piece) for piece in corpus.pieces(split)]


def keys_of(pieces: Sequence[Frames]) -> tuple[int, int]:
    """The lowest and the highest key that sounds; all keys if none does."""
    found = np.flatnonzero(np.any([piece.any(axis=0) for piece in pieces], axis=0))
    return (int(found[0]), int(found[-1])) if len(found) else (0, KEYS - 1)


class Pieces:
    """The pieces of train, and how far each may be moved within the keys from `first` to before `last`."""

    def __init__(self, pieces: Sequence[Frames], config: DataConfig, first: int, last: int) -> None:
        self.pieces, self.config = pieces, config
        self.room: list[tuple[int, int]] = []  # semitones down and up
        for piece in pieces:
            low, high = keys_of([piece])
            down, up = max(low - first, 0), max(last - 1 - high, 0)
            self.room.append((-min(down, config.transpose), min(up, config.transpose)))

    def stretches(self, epoch: int) -> list[Stretch]:
        """Each frame of each piece but the first, once."""
        random, found = np.random.default_rng([self.config.random_seed, epoch]), []
        length = self.config.length
        for i, (piece, (down, up)) in enumerate(zip(self.pieces, self.room, strict=True)):
            shift, scored = int(random.integers(down, up + 1)), len(piece) - 1
            cut = int(random.integers(1, length + 1)) if scored > length else scored
            edges = [1, *range(1 + cut, 1 + scored, length), 1 + scored]
            found += [Stretch(i, first, end - first, shift) for first, end in pairwise(edges)]
        return found

    def frames(self, chosen: Stretch) -> Frames:
        """A stretch as `melodia.polyphony.model.stretch` has it, moved."""
        return transposed(stretch(self.pieces[chosen.piece], chosen.first, chosen.length), chosen.shift)

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """Batches without end, from a position on: epoch and batch; a part has every `num_parts`-th stretch of each.

        Raises:
            ConfigError: the batch cannot be cut into so many parts.
        """
        share_of_batch(self.config.batch_size, num_parts)
        epoch, number = position[0] if position else (0, 0)
        while True:
            found = self.stretches(epoch)
            lots = _lots(found, self.config, epoch)
            while number < len(lots):
                mine = lots[number][part::num_parts]
                mine = mine if len(mine) else lots[number][:1]  # fewer than parts: one is read twice
                chosen = [found[i] for i in mine.tolist()]
                batch = collated([self.frames(one) for one in chosen], [one.first for one in chosen])
                number += 1
                yield Loaded(batch, [[epoch, number]], epoch + number / len(lots), carried=False)
            epoch, number = epoch + 1, 0


def _lots(found: Sequence[Stretch], config: DataConfig, epoch: int) -> list[NDArray[np.int64]]:
    counts = np.array([one.length for one in found])
    return in_batches(np.arange(len(found)), counts, config.batch_size * config.length, [config.random_seed, epoch, 1])


def transposed(frames: Frames, shift: int) -> Frames:
    """Frames moved up by semitones; what leaves the keys is lost."""
    moved = np.zeros_like(frames)
    low, high = max(shift, 0), KEYS + min(shift, 0)
    moved[:, low:high] = frames[:, low - shift : high - shift]
    return moved

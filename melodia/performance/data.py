"""Prepared performances as batches for the trainer: windows of streams, the state carried from one to the next.

Every item of a batch reads one performance after another from its first event to its last, a window at a time (truncated
back-propagation). Stream s of B reads the turns s, s + B, s + 2B ... of one endless row of shuffled epochs. In the first epoch
performances are heard as they were played; after that each time transposed, and a little slower or faster, by chance that
depends on the random seed and the turn alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.corpus import Corpus
from melodia.performance.codec import Events, stretched, transposed
from melodia.performance.model import collated
from melodia.performance.recall import heard
from melodia.training.task import Loaded, Position, share_of_batch


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """`batch_size` streams in windows of `length` events; moved by up to `transpose` semitones, slower or faster by `stretch`."""

    batch_size: int = 64
    length: int = 128
    transpose: int = 6
    stretch: float = 0.05  # of all durations
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1, 65_536)
        check_range("length", self.length, 2, 65_536)
        check_range("transpose", self.transpose, 0, 24)
        check_range("stretch", self.stretch, 0, 0.5)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


def pieces_of(corpus: Corpus, split: str) -> Sequence[Events]:
    """The performances of a split, read from the disk when they are asked for.

    Raises:
        CorpusError: there are none.
    """
    return corpus.pieces(split)


class Performances:
    """Those of train, as they are heard."""

    def __init__(self, pieces: Sequence[Events], config: DataConfig) -> None:
        self.pieces, self.config = pieces, config
        self._order: dict[int, NDArray[np.int64]] = {}

    def changed(self, turn: int) -> Events:
        """The performance of a turn, changed by chance."""
        epoch, place = divmod(turn, len(self.pieces))
        if epoch not in self._order:
            self._order = dict(list(self._order.items())[-3:])  # streams are seldom further apart
            self._order[epoch] = np.random.default_rng([self.config.random_seed, epoch]).permutation(len(self.pieces))
        piece = int(self._order[epoch][place])
        events: Events = np.asarray(self.pieces[piece])
        if not epoch:
            return events
        random = np.random.default_rng([self.config.random_seed, epoch, piece])
        events = transposed(events, int(random.integers(-self.config.transpose, self.config.transpose + 1)))
        factor = 1 + float(random.uniform(-self.config.stretch, self.config.stretch))
        return stretched(events, factor) if self.config.stretch else events

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """Windows of a part of the streams, without end, from a position on: the turn and the place of each.

        Raises:
            ConfigError: the streams cannot be shared out evenly.
        """
        size, length = self.config.batch_size, self.config.length
        share = share_of_batch(size, num_parts)
        turns, places = position or [list(range(part * share, (part + 1) * share)), [0] * share]
        turns, places = list(turns), list(places)
        reading = [heard(self.changed(turn)) for turn in turns]
        while True:
            windows = [whole.window(place, length) for whole, place in zip(reading, places, strict=True)]
            batch = collated(windows, [place == 0 for place in places])
            for i, whole in enumerate(reading):
                places[i] += length
                if places[i] >= len(whole.events):
                    turns[i], places[i] = turns[i] + size, 0
                    reading[i] = heard(self.changed(turns[i]))
            done = sum(turn + place / len(whole.events) for turn, place, whole in zip(turns, places, reading, strict=True))
            yield Loaded(batch, [turns.copy(), places.copy()], max(done / share - size / 2, 0.0) / len(self.pieces))

"""Prepared pieces as batches for the trainer: windows of streams, or whole pieces.

Streams: every item of a batch reads one piece after another from its beginning, a window at a time, so
the state carried from window to window (truncated back-propagation) is always that of the piece
being read. Stream s of B reads the turns s, s + B, s + 2B ... of one endless row of shuffled epochs,
so none ever waits for another, and the few cells of padding are those at the ends of pieces.

Whole: every batch holds whole pieces of about the same length, read from a state of zeros (full
back-propagation through time); of a piece longer than that, an excerpt that begins at a bar line.

In training each piece is heard transposed, a little faster or slower, louder or softer and, at
times, on other instruments; the draw depends on the random seed and the piece's turn alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.composition.augment import AugmentConfig, augment, excerpt
from melodia.composition.codec import (
    KIND,
    KIND_PART,
    MAX_PARTS,
    NUM_COLUMNS,
    PART,
    PROGRAM,
    Events,
)
from melodia.composition.model import Batch
from melodia.composition.recall import NUM_SOURCES, look_up, recall
from melodia.config import check_range
from melodia.training.task import Loaded, Position, share_of_batch

MOST_PADDING = 0.08
SHORTEST_WINDOW = 32
MOST_CELLS = 2**20  # events in a batch
LIKE = 0.85  # of the longest piece of a batch, which the others have at least


class Piece(NamedTuple):
    """One piece as it is read."""

    events: Events
    pointers: NDArray[np.int64]  # (events, NUM_SOURCES)
    programs: NDArray[np.int64]  # (MAX_PARTS,)


def make_piece(events: Events) -> Piece:
    """A piece with its recall and the list of its parts."""
    programs = np.full(MAX_PARTS, -1, dtype=np.int64)
    header = events[events[:, KIND] == KIND_PART]
    programs[header[:, PART]] = header[:, PROGRAM]
    return Piece(events, recall(events), programs)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """How pieces come as batches: `batch_size` streams in windows of `length` events, or as many events of whole pieces."""

    batch_size: int = 32
    length: int = 160
    whole: bool = False
    longest: int = 4096  # events of a whole piece; of a longer one an excerpt is read
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1, 65_536)
        check_range("length", self.length, 1, 65_536)
        check_range("batch_size x length", self.batch_size * self.length, 1, MOST_CELLS)
        check_range("longest", self.longest, 16)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


def fitted_length(length: int, lengths: NDArray[np.int64]) -> int:
    """The longest window, up to `length` events, in which pieces of such lengths leave at most `MOST_PADDING` empty."""
    events = lengths - 1
    for shorter in range(length, SHORTEST_WINDOW, -4):
        if events.sum() >= (1 - MOST_PADDING) * (-(-events // shorter) * shorter).sum():
            return shorter
    return min(length, SHORTEST_WINDOW)


class Order:
    """An endless row of turns: the pieces in one shuffled order after another."""

    def __init__(self, num_pieces: int, random_seed: int) -> None:
        self.num_pieces, self.random_seed = num_pieces, random_seed
        self._epochs: dict[int, NDArray[np.int64]] = {}

    def __getitem__(self, turn: int) -> tuple[int, int]:
        """(epoch, piece) of a turn."""
        epoch, place = divmod(turn, self.num_pieces)
        if epoch not in self._epochs:
            self._epochs = dict(list(self._epochs.items())[-3:])  # streams are seldom further apart
            self._epochs[epoch] = np.random.default_rng([self.random_seed, epoch]).permutation(self.num_pieces)
        return epoch, int(self._epochs[epoch][place])


def heard(events: Events, augmentation: AugmentConfig, random: np.random.Generator, longest: int = 0) -> Piece:
    """A piece as training hears it, changed by chance and, with `longest`, no longer than that."""
    events = augment(np.asarray(events), augmentation, random)
    piece = make_piece(excerpt(events, longest, random) if longest else events)
    piece.pointers[:, random.random(NUM_SOURCES) < augmentation.no_recall] = -1
    return piece


def streams(
    pieces: Sequence[Events],
    config: DataConfig,
    augmentation: AugmentConfig,
    part: int = 0,
    num_parts: int = 1,
    position: Position | None = None,
) -> Iterator[Loaded]:
    """Windows of a part of the streams, without end, from a position on. See `melodia.training.task`.

    Raises:
        ConfigError: the streams cannot be shared out evenly.
    """
    share = share_of_batch(config.batch_size, num_parts)
    order = Order(len(pieces), config.random_seed)

    def piece_of(turn: int) -> Piece:
        epoch, index = order[turn]
        return heard(pieces[index], augmentation, np.random.default_rng([config.random_seed, epoch, index]))

    turns, places = position or [list(range(part * share, (part + 1) * share)), [0] * share]
    turns, places = list(turns), list(places)
    reading = [piece_of(turn) for turn in turns]
    while True:
        batch = window(list(zip(reading, places, strict=True)), config.length)
        for i, piece in enumerate(reading):
            places[i] += config.length
            if places[i] >= len(piece.events) - 1:
                turns[i], places[i] = turns[i] + config.batch_size, 0
                reading[i] = piece_of(turns[i])
        yield Loaded(batch, [turns.copy(), places.copy()], sum(turns) / len(turns) / len(pieces))


def whole_pieces(
    pieces: Sequence[Events],
    lengths: NDArray[np.int64],
    config: DataConfig,
    augmentation: AugmentConfig,
    part: int = 0,
    num_parts: int = 1,
    position: Position | None = None,
) -> Iterator[Loaded]:
    """Batches of whole pieces, without end, from a position on; a part has every `num_parts`-th piece of each."""
    augmentation = replace(augmentation, later_start=0.0)
    epoch, number = position[0] if position else (0, 0)
    lengths, budget = np.minimum(lengths, config.longest), config.batch_size * config.length
    while True:
        groups = by_length(lengths, budget, np.random.default_rng([config.random_seed, epoch]))
        for group in groups[number:]:
            number += 1
            randoms = [np.random.default_rng([config.random_seed, epoch, int(i)]) for i in group]
            chosen = list(zip(group, randoms, strict=True))[part::num_parts]
            mine = [heard(pieces[int(i)], augmentation, random, config.longest) for i, random in chosen]
            mine = mine or [NOTHING]  # there are fewer pieces than parts
            batch = window([(piece, 0) for piece in mine], max(1, *(len(piece.events) - 1 for piece in mine)))
            yield Loaded(batch, [[epoch, number]], epoch + number / len(groups), carried=False)
        epoch, number = epoch + 1, 0


def by_length(lengths: NDArray[np.int64], budget: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
    """The indices of pieces in groups of like length, shuffled, each of at most `budget` rows with its padding."""
    groups: list[NDArray[np.int64]] = []
    order = random.permutation(len(lengths))
    order = order[np.argsort(-lengths[order], kind="stable")]
    first = 0
    while first < len(order):
        longest = max(int(lengths[order[first]]), 1)
        like = int(np.searchsorted(-lengths[order[first:]], -LIKE * longest, side="right"))
        size = max(min(int(budget // longest), like), 1)
        groups.append(order[first : first + size])
        first += size
    return [groups[i] for i in random.permutation(len(groups))]


def in_order(pieces: Sequence[Events], batch_size: int, length: int) -> Iterator[Batch]:
    """All pieces once, as they are, the longest first: windows with carried state, for measuring."""
    order = iter(sorted(range(len(pieces)), key=lambda i: -len(pieces[i])))
    reading: list[tuple[Piece, int] | None] = [(make_piece(np.asarray(pieces[i])), 0) for i in islice(order, batch_size)]
    while any(reading):
        yield window([r or (NOTHING, 0) for r in reading], length)
        for i, stream in enumerate(reading):
            if stream:
                piece, place = stream[0], stream[1] + length
                following = next(order, None) if place >= len(piece.events) - 1 else None
                if place < len(piece.events) - 1:
                    reading[i] = (piece, place)
                else:
                    reading[i] = None if following is None else (make_piece(np.asarray(pieces[following])), 0)


def window(streams: Sequence[tuple[Piece, int]], length: int) -> Batch:
    """The next events of each stream, from its place on."""
    count = len(streams)
    inputs = np.full((count, length, NUM_COLUMNS), -1, dtype=np.int64)
    targets = np.full((count, length, NUM_COLUMNS), -1, dtype=np.int64)
    recalled = np.full((count, length, NUM_SOURCES, NUM_COLUMNS), -1, dtype=np.int64)
    programs = np.full((count, MAX_PARTS), -1, dtype=np.int64)
    fresh = np.zeros(count, dtype=bool)
    for i, (piece, place) in enumerate(streams):
        events = piece.events[place : place + length + 1]
        size = max(len(events) - 1, 0)
        inputs[i, :size], targets[i, :size] = events[:-1], events[1:]
        recalled[i, :size] = look_up(piece.events, piece.pointers[place : place + size])
        programs[i], fresh[i] = piece.programs, place == 0
    return Batch(*(torch.from_numpy(a) for a in (inputs, recalled, targets, programs, fresh)))


NOTHING = Piece(
    np.zeros((0, NUM_COLUMNS), dtype=np.int16),
    np.zeros((0, NUM_SOURCES), dtype=np.int64),
    np.full(MAX_PARTS, -1, dtype=np.int64),
)

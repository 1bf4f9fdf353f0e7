"""Prepared pieces as batches of windows for the trainer.

Every item of a batch is a stream that reads one piece after another from its beginning, a window at
a time, so the state carried from window to window (truncated back-propagation) is always that of the
piece being read. In training each piece is heard transposed, a little faster or slower, louder or
softer and, at times, on other instruments; the draw depends on the random seed, epoch and piece alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.composition.codec import (
    KIND,
    KIND_BAR,
    KIND_PART,
    MAX_PARTS,
    NUM_COLUMNS,
    PART,
    PITCH,
    PROGRAM,
    SIZES,
    TEMPO,
    VELOCITY,
    Events,
)
from melodia.composition.model import Batch
from melodia.composition.recall import NUM_SOURCES, recall
from melodia.config import check_range
from melodia.instruments import DRUMS


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """How far a piece may be changed: semitones, bins of tempo and velocity; rates from 0 to 1."""

    semitones: int = 6
    tempo_bins: int = 2
    velocity_bins: int = 2
    other_instrument: float = 0.25  # of a part's changing to another of its family or kind
    later_start: float = 0.25  # of a piece being heard from a bar in its first half
    no_recall: float = 0.15  # of a source of recall being withheld for a piece

    def __post_init__(self) -> None:
        check_range("semitones", self.semitones, 0, 12)
        check_range("tempo_bins", self.tempo_bins, 0, 12)
        check_range("velocity_bins", self.velocity_bins, 0, 8)
        check_range("other_instrument", self.other_instrument, 0, 1)
        check_range("later_start", self.later_start, 0, 1)
        check_range("no_recall", self.no_recall, 0, 1)


@dataclass(slots=True)
class Piece:
    """One piece as a stream reads it."""

    events: Events
    pointers: NDArray[np.int64]  # (events, NUM_SOURCES)
    programs: NDArray[np.int64]  # (MAX_PARTS,)
    position: int = 0


def make_piece(events: Events) -> Piece:
    """A piece with its recall and the list of its parts."""
    programs = np.full(MAX_PARTS, -1, dtype=np.int64)
    header = events[events[:, KIND] == KIND_PART]
    programs[header[:, PART]] = header[:, PROGRAM]
    return Piece(events, recall(events), programs)


def augment(events: Events, config: AugmentConfig, random: np.random.Generator) -> Events:
    """A changed copy of a piece."""
    events = _from_a_bar(events, random) if random.random() < config.later_start else events.copy()
    pitches = events[:, PITCH]
    melodic = (pitches >= 0) & (pitches < 128)
    shift = int(random.integers(-config.semitones, config.semitones + 1))
    if melodic.any() and pitches[melodic].min() + shift >= 0 and pitches[melodic].max() + shift < 128:
        events[melodic, PITCH] += np.int16(shift)
    for column, reach in ((TEMPO, config.tempo_bins), (VELOCITY, config.velocity_bins)):
        given = events[:, column] >= 0
        shift = int(random.integers(-reach, reach + 1))
        events[given, column] = np.clip(events[given, column] + shift, 0, SIZES[column] - 1)
    for part in events[events[:, KIND] == KIND_PART]:
        if part[PROGRAM] != DRUMS and random.random() < config.other_instrument:
            events[events[:, PART] == part[PART], PROGRAM] = other_program(int(part[PROGRAM]), random)
    return events


def _from_a_bar(events: Events, random: np.random.Generator) -> Events:
    """The parts, then the music from a bar in the first half on."""
    bars = np.flatnonzero(events[:, KIND] == KIND_BAR)
    first = bars[int(random.integers(len(bars) // 2 + 1))] if len(bars) > 1 else bars[0]
    return np.concatenate([events[: bars[0]], events[first:]])


def other_program(program: int, random: np.random.Generator) -> int:
    """Another instrument: of the same family, or any but basses, percussion and effects (from a bass, a bass)."""
    family = program // 8
    if family == 4 or random.random() < 0.4:
        return family * 8 + int(random.integers(8))
    families = (0, 0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11)
    return int(random.choice(families)) * 8 + int(random.integers(8))


def batches(
    pieces: Sequence[Events],
    *,
    batch_size: int,
    length: int,
    augmentation: AugmentConfig | None = None,
    random_seed: int = 0,
    epoch: int | None = None,
) -> Iterator[Batch]:
    """All pieces once, as batches of windows.

    Args:
        pieces: events of each.
        batch_size: how many streams read side by side.
        length: events a window.
        augmentation: how to change the pieces; None leaves them alone.
        random_seed: with `epoch` decides the order and the changes.
        epoch: None reads in order of length instead, the least padding.
    """
    if epoch is None:
        order = np.argsort([-len(p) for p in pieces], kind="stable")
    else:
        order = np.random.default_rng([random_seed, epoch]).permutation(len(pieces))
    queue = iter(order.tolist())

    def next_piece() -> Piece | None:
        index = next(queue, None)
        if index is None:
            return None
        events = np.asarray(pieces[index])
        if augmentation is None:
            return make_piece(events)
        random = np.random.default_rng([random_seed, epoch or 0, index])
        piece = make_piece(augment(events, augmentation, random))
        piece.pointers[:, random.random(NUM_SOURCES) < augmentation.no_recall] = -1
        return piece

    streams: list[Piece | None] = [next_piece() for _ in range(batch_size)]
    while any(streams):
        yield _batch(streams, length)
        for i, piece in enumerate(streams):
            if piece:
                piece.position += length
                if piece.position >= len(piece.events) - 1:
                    streams[i] = next_piece()


def _batch(streams: list[Piece | None], length: int) -> Batch:
    count = len(streams)
    inputs = np.full((count, length, NUM_COLUMNS), -1, dtype=np.int64)
    targets = np.full((count, length, NUM_COLUMNS), -1, dtype=np.int64)
    recalled = np.full((count, length, NUM_SOURCES, NUM_COLUMNS), -1, dtype=np.int64)
    programs = np.full((count, MAX_PARTS), -1, dtype=np.int64)
    fresh = np.zeros(count, dtype=bool)
    for i, piece in enumerate(streams):
        if piece is None:
            continue
        start = piece.position
        window = piece.events[start : start + length + 1]
        size = len(window) - 1
        inputs[i, :size], targets[i, :size] = window[:-1], window[1:]
        recalled[i, :size] = look_up(piece.events, piece.pointers[start : start + size])
        programs[i], fresh[i] = piece.programs, start == 0
    return Batch(*(torch.from_numpy(a) for a in (inputs, recalled, targets, programs, fresh)))


def look_up(events: Events, pointers: NDArray[np.int64]) -> NDArray[np.int16]:
    """The events that pointers (..., NUM_SOURCES) point at, all -1 where they point nowhere."""
    return np.where(pointers[..., None] >= 0, events[pointers], np.int16(-1))

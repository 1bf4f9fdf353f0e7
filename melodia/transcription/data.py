"""Prepared recordings as batches for the trainer: windows at random places, changed by chance.

Every piece gives as many windows an epoch as fit into it. What changes is what a microphone changes and a
decibel scale can follow: level, tone colour, noise, and the tuning by less than a bin. The draw depends on the
random seed and the window's turn alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.features import FLOOR_DB, unpacked
from melodia.training.task import Loaded, Position, share_of_batch
from melodia.transcription.model import Batch
from melodia.transcription.roll import rolls_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """`batch_size` windows of `length` frames; `augment`: change them by chance."""

    batch_size: int = 6
    length: int = 192
    augment: bool = True
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1, 4096)
        check_range("length", self.length, 8, 100_000)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


class Recording(NamedTuple):
    """A prepared piece."""

    frames: NDArray[np.uint8]  # (frames, windows, bins), see `features.packed`
    notes: NDArray[np.float32]  # (n, 4)
    pedal: NDArray[np.float32]  # (n, 2); a row of -1 where nobody knows


def windows(
    recordings: Sequence[Recording],
    frame_rate: float,
    config: DataConfig,
    part: int = 0,
    num_parts: int = 1,
    position: Position | None = None,
) -> Iterator[Loaded]:
    """Batches without end, from a position on; a part has every `num_parts`-th window of each.

    Raises:
        ConfigError: the batch cannot be shared out evenly.
    """
    share_of_batch(config.batch_size, num_parts)
    counts = np.array([max(len(r.frames) // config.length, 1) for r in recordings])
    turns = np.repeat(np.arange(len(recordings)), counts)
    turn = position[0][0] if position else 0
    order, of_epoch = np.zeros(0, dtype=np.int64), -1
    while True:
        chosen = []
        for number in range(turn, turn + config.batch_size):
            epoch, place = divmod(number, len(turns))
            if epoch != of_epoch:
                order, of_epoch = np.random.default_rng([config.random_seed, epoch]).permutation(turns), epoch
            if (number - turn) % num_parts == part:
                random = np.random.default_rng([config.random_seed, epoch, place])
                chosen.append(excerpt(recordings[int(order[place])], frame_rate, config, random))
        turn += config.batch_size
        yield Loaded(collated(chosen), [[turn]], turn / len(turns), carried=False)


def excerpt(recording: Recording, frame_rate: float, config: DataConfig, random: np.random.Generator) -> list[NDArray[np.float32]]:
    """A window anywhere in a recording, silent past its end: decibels, then rolls."""
    first = int(random.integers(0, max(len(recording.frames) - config.length, 0) + 1))
    decibels = np.full((config.length, *recording.frames.shape[1:]), FLOOR_DB, dtype=np.float32)
    read = unpacked(np.asarray(recording.frames[first : first + config.length]))
    decibels[: len(read)] = read
    if config.augment:
        decibels = changed(decibels, random)
    unknown = len(recording.pedal) and recording.pedal[0, 0] < 0
    pedal = None if unknown else np.asarray(recording.pedal, dtype=np.float64)
    return [decibels, *rolls_of(np.asarray(recording.notes, dtype=np.float64), pedal, first, config.length, frame_rate)]


def changed(decibels: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Another microphone: level, tone colour, noise, tuning."""
    bins = decibels.shape[-1]
    knots = np.linspace(0, bins - 1, 8)
    colour = np.interp(np.arange(bins), knots, random.normal(size=8) * random.uniform(0, 5))
    out = decibels + np.float32(random.uniform(-12, 8)) + colour.astype(np.float32)
    shift = random.uniform(-0.5, 0.5)
    neighbour = np.roll(out, 1 if shift > 0 else -1, axis=-1)
    out = (1 - abs(shift)) * out + abs(shift) * neighbour
    if random.random() < 0.5:
        floor = np.percentile(out, 90) - random.uniform(15, 60) + np.interp(np.arange(bins), knots, random.normal(size=8) * 6)
        scatter = random.exponential(size=out.shape).astype(np.float32)
        out = 10 * np.log10(10 ** (out / 10) + 10 ** (floor.astype(np.float32) / 10) * scatter)
    return np.maximum(out, FLOOR_DB).astype(np.float32)


def collated(items: list[list[NDArray[np.float32]]]) -> Batch:
    """Windows as a batch."""
    return Batch(*(torch.from_numpy(np.stack(of)) for of in zip(*items, strict=True)))

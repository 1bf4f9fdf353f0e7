"""Prepared speech as batches for the trainer: utterances of like length together, each augmented at random.

How an utterance is changed depends on the random seed, the epoch and the utterance alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.features import MelConfig, unpacked
from melodia.recognition.augment import Change, Decibels
from melodia.recognition.model import Batch, padded
from melodia.training.lots import in_batches
from melodia.training.task import Loaded, Position

MOST_TIMES = 6  # that an utterance of a small source is read in an epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A batch holds utterances of about `batch_seconds` in all, of at most `longest_seconds` each.

    Sources of less than `smallest_share` of the corpus are read several times an epoch. The first `easy_batches` are a third
    of the size, of utterances of at most `easy_seconds`, unchanged: a fresh network finds out sooner what letters are on these
    than on long ones that are augmented.
    """

    batch_seconds: float = 240.0
    longest_seconds: float = 20.0
    smallest_share: float = 0.06
    easy_batches: int = 600
    easy_seconds: float = 4.0
    augment: bool = True
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_seconds", self.batch_seconds, 1, 1e6)
        check_range("longest_seconds", self.longest_seconds, 0.5, 600)
        check_range("easy_batches", self.easy_batches, 0)
        check_range("easy_seconds", self.easy_seconds, 0.1, 600)
        check_range("smallest_share", self.smallest_share, 0, 0.5)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


class Utterance(NamedTuple):
    """A prepared recording: (frames, n_mels), its letters, and its phonemes, if they are known."""

    frames: NDArray[np.uint8]
    letters: NDArray[np.uint8]
    sounds: NDArray[np.uint8]


class Excerpt(NamedTuple):
    """What is read of a recording: (frames, n_mels) in decibels, letters, phonemes."""

    decibels: Decibels
    letters: NDArray[np.uint8]
    sounds: NDArray[np.uint8]


def batches(
    utterances: Sequence[Utterance],
    lengths: NDArray[np.int64],
    turns: NDArray[np.int64],
    features: MelConfig,
    config: DataConfig,
    part: int = 0,
    num_parts: int = 1,
    position: Position | None = None,
) -> Iterator[Loaded]:
    """Batches without end, from a position on; a part has every `num_parts`-th utterance of each.

    Args:
        utterances: of the training split.
        lengths: their frames.
        turns: which are read in an epoch; one may be there several times.
        features: of the spectrograms.
        config: see there.
        part: which part.
        num_parts: of how many.
        position: epoch and batch to begin at.
    """
    change, rate = Change(features), features.frame_rate
    easy = easy_lots(turns, lengths, config, rate)
    epoch, number = position[0] if position else (-1, 0)
    while True:
        begun = [config.random_seed, max(epoch, 0)]
        lots = easy if epoch < 0 else in_batches(turns, lengths, round(config.batch_seconds * rate), begun)
        while number < len(lots):
            mine = lots[number][part::num_parts]
            mine = mine if len(mine) else lots[number][:1]  # fewer than parts: one is heard twice
            items = []
            for place in mine.tolist():
                random = np.random.default_rng([*begun, place])
                items.append(excerpt(utterances[int(turns[place])], change if config.augment and epoch >= 0 else None, random))
            number += 1
            yield Loaded(collated(items), [[epoch, number]], max(epoch + number / len(lots), 0.0), carried=False)
        epoch, number = epoch + 1, 0


def easy_lots(
    turns: NDArray[np.int64], lengths: NDArray[np.int64], config: DataConfig, frame_rate: float
) -> list[NDArray[np.int64]]:
    """Places in `turns`, in the lots to begin with."""
    short = np.flatnonzero(lengths[turns] <= config.easy_seconds * frame_rate)
    lots: list[NDArray[np.int64]] = []
    while len(short) and len(lots) < config.easy_batches:
        again = [config.random_seed, len(lots), 1]
        lots += [short[lot] for lot in in_batches(turns[short], lengths, round(config.batch_seconds / 3 * frame_rate), again)]
    return lots[: config.easy_batches]


def turns_of(sources: Sequence[str], lengths: NDArray[np.int64], config: DataConfig, frame_rate: float) -> NDArray[np.int64]:
    """Which utterances are read in an epoch: none that are too long, those of small sources several times."""
    fits = np.flatnonzero((lengths <= config.longest_seconds * frame_rate) & (lengths > 0))
    names = np.array(sources)
    total, turns = lengths[fits].sum(), []
    for name in sorted(set(sources)):
        own = fits[names[fits] == name]
        share = lengths[own].sum() / max(total, 1)
        times = max(1, min(round(config.smallest_share / max(share, 1e-9)), MOST_TIMES)) if share < config.smallest_share else 1
        turns += [own] * times
    return np.concatenate(turns) if turns else np.zeros(0, dtype=np.int64)


def excerpt(utterance: Utterance, change: Change | None, random: np.random.Generator) -> Excerpt:
    """An utterance, changed if that is wanted."""
    decibels = unpacked(np.asarray(utterance.frames))
    letters = np.asarray(utterance.letters)
    return Excerpt(change(decibels, len(letters), random) if change else decibels, letters, np.asarray(utterance.sounds))


def collated(items: Sequence[Excerpt]) -> Batch:
    """Utterances as a batch."""
    letters, sounds = (
        [torch.from_numpy(of.astype(np.int64)) for of in row] for row in ([i.letters for i in items], [i.sounds for i in items])
    )
    return Batch(
        padded([torch.from_numpy(np.ascontiguousarray(item.decibels)) for item in items]),
        torch.tensor([len(item.decibels) for item in items]),
        torch.nn.utils.rnn.pad_sequence(letters, batch_first=True),
        torch.tensor([len(of) for of in letters]),
        torch.nn.utils.rnn.pad_sequence(sounds, batch_first=True),
        torch.tensor([len(of) for of in sounds]),
    )

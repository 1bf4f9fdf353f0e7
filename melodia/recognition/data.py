"""Prepared speech as batches for the trainer: utterances of like length together, each augmented at random.

The voices at hand are few and read well, so what is heard of them is varied hard, all on the decibels of the mel scale:
tempo, the length of the vocal tract (Jaitly and Hinton 2013), tone colour, level, rooms (each band's power dies away
exponentially), noise, telephone bands, and blanked bands and spans (SpecAugment, Park et al. 2019). The draw depends on the
random seed, the epoch and the utterance alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter

from melodia.config import check_range
from melodia.features import FLOOR_DB, MelConfig, mel_filterbank, unpacked
from melodia.recognition.model import Batch, padded
from melodia.training.task import Loaded, Position

POOL = 1500  # utterances that are sorted by length together
MOST_TIMES = 6  # that an utterance of a small source is read in an epoch
Decibels = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A batch holds utterances of about `batch_seconds` in all, of at most `longest_seconds` each.

    Sources of less than `smallest_share` of the corpus are read several times an epoch. The first `easy_batches` are a third
    of the size, of utterances of at most `easy_seconds`, unchanged: a fresh network finds out sooner what letters are on these
    than on long ones that are augmented.
    """

    batch_seconds: float = 240.0
    longest_seconds: float = 20.0
    smallest_share: float = 0.12
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


def in_batches(turns: NDArray[np.int64], lengths: NDArray[np.int64], most: int, seed: list[int]) -> list[NDArray[np.int64]]:
    """Places in `turns`, in lots of like length and at most so many frames before they are augmented, in a random order."""
    random = np.random.default_rng(seed)
    order, lots = random.permutation(len(turns)), []
    for first in range(0, len(order), POOL):
        pool = order[first : first + POOL]
        pool = pool[np.argsort(lengths[turns[pool]], kind="stable")]
        while len(pool):
            longest = np.maximum.accumulate(lengths[turns[pool]])
            count = max(int((longest * np.arange(1, len(pool) + 1) <= most).sum()), 1)
            lots.append(pool[:count])
            pool = pool[count:]
    return [lots[i] for i in random.permutation(len(lots))]


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


class Change:
    """Another reader, in another room, through another microphone."""

    def __init__(self, features: MelConfig) -> None:
        bank = mel_filterbank(features).numpy()
        lines = np.arange(bank.shape[1]) * features.sample_rate / features.n_fft
        self.hertz = (bank @ lines / bank.sum(axis=1)).astype(np.float32)  # of each bin's middle
        self.frame_rate = features.frame_rate

    def __call__(self, decibels: Decibels, num_letters: int, random: np.random.Generator) -> Decibels:
        """(frames, n_mels) -> as many bins, frames as the tempo has it; enough of them for so many letters."""
        x = self.respoken(decibels, num_letters, random)
        around = random.integers(0, round(0.3 * self.frame_rate), size=2)
        x = np.pad(x, ((around[0], around[1]), (0, 0)), constant_values=FLOOR_DB)
        power: Decibels = np.power(10, x / 10, dtype=np.float32)
        if random.random() < 0.3:
            power = self.echoed(power, random)
        if random.random() < 0.45:
            power = self.noisy(power, random)
        x = np.maximum(10 * np.log10(power), FLOOR_DB)
        x = self.coloured(x, random)
        return blanked(x, random).astype(np.float32)

    def respoken(self, decibels: Decibels, num_letters: int, random: np.random.Generator) -> Decibels:
        """Another tempo, another vocal tract."""
        tempo = random.uniform(0.85, 1.2) if random.random() < 0.5 else 1.0
        count = max(round(len(decibels) / tempo), min(len(decibels), 6 * num_letters))
        if count != len(decibels):
            at = np.linspace(0, len(decibels) - 1, count)
            low = at.astype(np.int64)
            high, share = np.minimum(low + 1, len(decibels) - 1), (at - low).astype(np.float32)[:, None]
            decibels = (1 - share) * decibels[low] + share * decibels[high]
        if random.random() < 0.5:
            bins = len(self.hertz)
            wanted = np.interp(self.hertz * random.uniform(0.85, 1.18), self.hertz, np.arange(bins, dtype=np.float32))
            low = wanted.astype(np.int64)
            high, share = np.minimum(low + 1, bins - 1), (wanted - low).astype(np.float32)
            decibels = (1 - share) * decibels[:, low] + share * decibels[:, high]
        return decibels

    def echoed(self, power: Decibels, random: np.random.Generator) -> Decibels:
        """A room: reverberation that is shorter in the treble."""
        seconds = np.exp(random.uniform(np.log(0.15), np.log(0.8))) * (self.hertz / 1000) ** -random.uniform(0, 0.4)
        kept = 10 ** (-6 / (seconds * self.frame_rate))
        level = 10 ** (random.uniform(-14, 2) / 10)
        tails = np.empty_like(power)
        for first in range(0, power.shape[1], 8):  # bands side by side
            pole = float(kept[first : first + 8].mean())
            tails[:, first : first + 8] = lfilter([0.0, (1 - pole) * level], [1.0, -pole], power[:, first : first + 8], axis=0)
        added: Decibels = power + tails
        return added

    def noisy(self, power: Decibels, random: np.random.Generator) -> Decibels:
        """Noise of some colour, steady or swelling."""
        loud = np.percentile(power.sum(axis=1), 90)
        octaves = np.log2(self.hertz / 1000)
        colour = random.uniform(-6, 3) * octaves + np.interp(
            np.arange(len(octaves)), np.linspace(0, len(octaves), 6), random.normal(size=6) * 5
        )
        shape = 10 ** (colour / 10)
        level = loud * 10 ** (-random.uniform(8, 40) / 10) / shape.sum()
        noise = random.standard_exponential(size=power.shape, dtype=np.float32) * (shape * level).astype(np.float32)
        if random.random() < 0.4:
            knots = max(len(power) // 20, 2)
            swell = np.interp(np.linspace(0, knots - 1, len(power)), np.arange(knots), random.normal(size=knots) * 5)
            noise *= (10 ** (swell / 10)).astype(np.float32)[:, None]
        added: Decibels = power + noise
        return added

    def coloured(self, x: Decibels, random: np.random.Generator) -> Decibels:
        """A microphone's response and level, or a telephone's band."""
        bins = x.shape[1]
        colour = np.interp(np.arange(bins), np.linspace(0, bins - 1, 7), random.normal(size=7) * random.uniform(0, 5))
        x = x + (random.uniform(-20, 10) + colour).astype(np.float32)
        if random.random() < 0.15:
            low, high = random.uniform(50, 350), np.exp(random.uniform(np.log(3000), np.log(7000)))
            outside = np.maximum(np.log2(low / self.hertz), np.log2(self.hertz / high)).clip(0)
            floor = np.percentile(x, 90) - random.uniform(40, 80)
            x = np.maximum(x - (random.uniform(24, 96) * outside).astype(np.float32), np.float32(floor))
        return np.maximum(x, FLOOR_DB)


def blanked(x: Decibels, random: np.random.Generator) -> Decibels:
    """Bands and spans at the utterance's mean."""
    mean = x.mean(axis=0)
    for _ in range(2):
        width = random.integers(0, min(12, x.shape[1]))
        first = random.integers(0, x.shape[1] - width + 1)
        x[:, first : first + width] = mean[first : first + width]
    for _ in range(1 + len(x) // 300):
        width = random.integers(0, min(20, len(x) // 8 + 1))
        first = random.integers(0, len(x) - width + 1)
        x[first : first + width] = mean
    return x

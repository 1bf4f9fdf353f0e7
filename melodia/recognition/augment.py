"""Spectrograms of speech as another voice, room or microphone would have given them.

The voices at hand are few and read well, so what is heard of them is varied hard, all on the decibels of the mel scale:
tempo, the length of the vocal tract (Jaitly and Hinton 2013), tone colour, level, rooms (each band's power dies away
exponentially), noise, telephone bands, and blanked bands and spans (SpecAugment, Park et al. 2019). The ranges are those at
which a person still understands what is said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from melodia.features import FLOOR_DB, MelConfig, mel_filterbank

Decibels = NDArray[np.float32]


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

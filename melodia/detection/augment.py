"""Changes to a spectrogram that leave it speech, or music: other rooms, microphones, telephones, pauses, and noise.

All are made on decibels, (frames, bins), of a mel scale. Powers are added, so a sum of two sounds is what it would be on
average over their phases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melodia.features import FLOOR_DB, MelConfig

Decibels = NDArray[np.float32]
KNOTS = 8  # of tone colours, along the mel scale


def changed(decibels: Decibels, config: MelConfig, random: np.random.Generator) -> Decibels:
    """One recording as another room, microphone and line might have left it."""
    out = decibels
    if random.random() < 0.25:
        out = paused(out, config, random)
    if random.random() < 0.35:
        out = reverberated(out, config, random)
    if random.random() < 0.5:
        out = shifted(out, random.uniform(-1.5, 1.5))
    out = out + np.float32(random.uniform(-30, 10)) + colour(out.shape[1], random.uniform(0, 5), random)
    if random.random() < 0.35:
        out = out + line(config, random)
    if random.random() < 0.5:
        out = noisy(out, random)
    return np.maximum(out, FLOOR_DB).astype(np.float32)


def mixed(one: Decibels, other: Decibels, below_db: float) -> Decibels:
    """One sound with another under it, whose loud frames are so far below its own."""
    shift = np.percentile(one.max(axis=1), 90) - np.percentile(other.max(axis=1), 90) - below_db
    return np.asarray(np.logaddexp2(one * _BITS, (other + shift) * _BITS) / _BITS, dtype=np.float32)


_BITS = np.float32(np.log2(10) / 10)  # a decibel as a logarithm to base 2


def paused(decibels: Decibels, config: MelConfig, random: np.random.Generator) -> Decibels:
    """Stretches of up to a second and a half that are all but silent, as if nothing had been said or played there."""
    out = decibels.copy()
    for _ in range(random.integers(1, 4)):
        first = int(random.integers(0, len(out)))
        length = int(random.uniform(0.1, 1.5) * config.frame_rate)
        out[first : first + length] -= np.float32(random.uniform(20, 80))
    return out


def reverberated(decibels: Decibels, config: MelConfig, random: np.random.Generator) -> Decibels:
    """The sound and the room that it dies away in."""
    from scipy.signal import lfilter

    seconds, share = random.uniform(0.2, 2.0), 10 ** random.uniform(-1.5, 0.3)  # until 60 dB down; of the direct sound
    kept = 10 ** (-6 / (seconds * config.frame_rate))
    power = 10.0 ** (decibels.astype(np.float64) / 10)
    tail = lfilter([0.0, 1 - kept], [1.0, -kept], power, axis=0)
    return np.asarray(10 * np.log10(power + share * tail), dtype=np.float32)


def shifted(decibels: Decibels, bins: float) -> Decibels:
    """The same some bins higher, or lower."""
    places = np.clip(np.arange(decibels.shape[1]) - bins, 0, decibels.shape[1] - 1)
    below = np.floor(places).astype(int)
    above, share = np.minimum(below + 1, decibels.shape[1] - 1), (places - below).astype(np.float32)
    return np.asarray((1 - share) * decibels[:, below] + share * decibels[:, above], dtype=np.float32)


def colour(num_bins: int, spread_db: float, random: np.random.Generator) -> NDArray[np.float32]:
    """(bins,) a smooth curve of decibels."""
    curve = np.interp(np.arange(num_bins), np.linspace(0, num_bins - 1, KNOTS), random.normal(size=KNOTS) * spread_db)
    return curve.astype(np.float32)


def line(config: MelConfig, random: np.random.Generator) -> NDArray[np.float32]:
    """(bins,) what a telephone, a small loudspeaker or a codec leaves out, in decibels."""
    lowest, highest = (2595 * np.log10(1 + f / 700) for f in (config.fmin, config.fmax))
    mels = np.linspace(lowest, highest, config.n_mels + 2)[1:-1]
    low = 2595 * np.log10(1 + random.choice([20.0, 100.0, 300.0, 500.0]) / 700)
    high = 2595 * np.log10(1 + random.uniform(3000, 4000) / 700) if random.random() < 0.6 else random.uniform(0.8, 1.1) * highest
    slope = random.uniform(0.05, 0.6)  # dB a mel
    lost = slope * (np.maximum(low - mels, 0) + np.maximum(mels - high, 0))
    return np.asarray(-np.minimum(lost, random.uniform(30, 90)), dtype=np.float32)


def noisy(decibels: Decibels, random: np.random.Generator) -> Decibels:
    """With a noise of some colour under it."""
    loud = np.percentile(decibels.max(axis=1), 90)
    floor = loud - random.uniform(15, 65) + colour(decibels.shape[1], 6.0, random)
    scatter = random.standard_gamma(2.0, size=decibels.shape).astype(np.float32) / 2
    return np.asarray(10 * np.log10(10 ** (decibels / 10) + 10 ** (floor / 10) * scatter), dtype=np.float32)

"""Waveform and pitch -> what the vocoder makes speech of: how loud each band is, and how much of that is noise.

A frame's power is averaged over at least one harmonic's distance around the middle of each band, so that its bands tell the
vocal tract and not the pitch (as CheapTrick does: Morise 2015, Speech Communication 67). What a voice repeats from one
period to the next is buzz, what it does not is hiss: each period is compared with those before and after it, band by band.
A pitch is kept only where the waveform repeats by it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.features import MelConfig, mel_edges

Floats = NDArray[np.floating[Any]]
FEATURES = MelConfig(sample_rate=24_000, hop_length=240, win_length=600, n_fft=1024, n_mels=80, fmin=40.0, fmax=11_900.0)
NUM_HISS = 12  # bands
LOWEST_HZ, HIGHEST_HZ = 55.0, 600.0  # pitch of a voice
REPEATS = 0.6  # correlation of neighbouring periods from which there is a pitch
UNVOICED_HZ = 150.0  # width over which a spectrum without a pitch is averaged
FLOOR = 1e-10  # of power
QUIETEST_HISS = -40.0  # dB of a band, below which it makes no difference
SEARCHED, TRIED = 0.04, 17  # share of a period by which it may be off, and how many are compared
FINER = 8  # samples of the waveform between two, for parts of a period
AT_ONCE = 200  # frames


class Sound(NamedTuple):
    """Frames of speech: bands (frames, n_mels) dB, hiss (frames, NUM_HISS) dB of that, pitch (frames,) Hz, 0 for none."""

    bands: Floats
    hiss: Floats
    pitch: Floats


def analyse(waveform: Floats, pitch: Floats, config: MelConfig = FEATURES) -> Sound:
    """Frames of a waveform; the first is around sample 0.

    Args:
        waveform: (samples,) mono at the config's rate.
        pitch: (frames,) Hz, 0 where there is none; what the waveform does not repeat by is left out.
        config: of the frames.
    """
    from scipy.signal import resample_poly

    reach = config.win_length // 2 + int(config.sample_rate / LOWEST_HZ) + 2
    fine = resample_poly(np.pad(waveform, reach), FINER, 1).astype(np.float32)
    middles = (np.arange(len(pitch)) * config.hop_length + reach) * FINER
    pitch = np.where((pitch >= LOWEST_HZ) & (pitch <= HIGHEST_HZ), pitch, 0).astype(np.float32)
    lots, periods = [slice(first, first + AT_ONCE) for first in range(0, len(pitch), AT_ONCE)], _periods(pitch, config)
    parts = [_analysed(fine, middles[lot], periods[lot], pitch[lot], config) for lot in lots]
    return Sound(*(np.concatenate(of).astype(np.float32) for of in zip(*parts, strict=True)))


def _periods(pitch: Floats, config: MelConfig) -> NDArray[np.int64]:
    """(frames, 2): the period before and after each frame, in fine samples; a middling one where there is no pitch."""
    places, has = np.arange(len(pitch)), pitch > 0
    if not has.any():
        return np.full((len(pitch), 2), round(config.sample_rate * FINER / UNVOICED_HZ))
    smooth = np.interp(places, places[has], pitch[has])
    half = 0.5 * config.frame_rate / smooth  # of a period, in frames
    around = np.stack([np.interp(places - half, places, smooth), np.interp(places + half, places, smooth)], axis=-1)
    periods: NDArray[np.int64] = np.rint(config.sample_rate * FINER / around).astype(np.int64)
    return periods


def _analysed(
    fine: Floats, middles: NDArray[np.int64], periods: NDArray[np.int64], pitch: Floats, config: MelConfig
) -> tuple[Floats, Floats, Floats]:
    window = np.hanning(config.win_length + 1)[:-1].astype(np.float32)
    at = middles[:, None] + (np.arange(config.win_length) - config.win_length // 2) * FINER
    here = fine[at] * window
    before, back, like_before = _nearest(fine, at, -periods[:, 0], here, window)
    after, on, like_after = _nearest(fine, at, periods[:, 1], here, window)
    exact = 2 * config.sample_rate * FINER / (on - back)
    pitch = np.where(np.maximum(like_before, like_after) > REPEATS, np.where(pitch > 0, exact, 0), 0)
    power = _power(here, window, config)
    differs = _power(here - (before + after) / 2, window, config) / 1.5  # each of three periods has hiss of its own
    low, middle, high = mel_edges(config, config.n_mels)
    width = np.maximum((high - low) / 2, np.where(pitch > 0, pitch, UNVOICED_HZ)[:, None])
    bands = 10 * np.log10(np.maximum(_mean(power, middle - width / 2, middle + width / 2, config), FLOOR))
    low, _, high = mel_edges(config, NUM_HISS)
    whole = [np.broadcast_to(edge, (len(power), NUM_HISS)) for edge in (low, high)]
    share = (_mean(differs, whole[0], whole[1], config) + FLOOR) / (_mean(power, whole[0], whole[1], config) + FLOOR)
    hiss = np.where(pitch[:, None] > 0, np.clip(10 * np.log10(share), QUIETEST_HISS, 0), 0)
    return bands, hiss, pitch


def _nearest(
    fine: Floats, at: NDArray[np.int64], lags: NDArray[np.int64], here: Floats, window: Floats
) -> tuple[Floats, NDArray[np.int64], Floats]:
    """The frames about a lag away that are most like those here, the lag of each, and how like they are."""
    tried = np.rint(lags[:, None] * np.linspace(1 - SEARCHED, 1 + SEARCHED, TRIED)).astype(np.int64)
    found = np.stack([fine[np.clip(at + lag[:, None], 0, len(fine) - 1)] * window for lag in tried.T])
    likeness = np.stack([correlation(here, frames) for frames in found])
    best, rows = likeness.argmax(axis=0), np.arange(len(at))
    return found[best, rows], tried[rows, best], likeness[best, rows]


def correlation(one: Floats, other: Floats) -> Floats:
    """(frames,) of the samples of each frame, from -1 to 1."""
    both = np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1))
    found: Floats = (one * other).sum(axis=-1) / np.maximum(both, FLOOR)
    return found


def _power(frames: Floats, window: Floats, config: MelConfig) -> Floats:
    """(frames, n_fft // 2 + 1): white noise has its variance in each."""
    spectrum = np.fft.rfft(frames, config.n_fft)
    power: Floats = (spectrum.real**2 + spectrum.imag**2) / float((window**2).sum())
    return power


def _mean(power: Floats, low: Floats, high: Floats, config: MelConfig) -> Floats:
    """The mean of each frame's power between two frequencies, (frames, bands) each in Hz."""
    to_line = config.n_fft / config.sample_rate
    sums = np.concatenate(
        [np.zeros((len(power), 1)), np.cumsum(power[:, 1:] / 2 + power[:, :-1] / 2, axis=-1, dtype=np.float64)], axis=-1
    )
    limit = sums.shape[1] - 1
    rows = np.arange(len(power))[:, None]

    def up_to(hertz: Floats) -> Floats:
        line = np.minimum(np.abs(hertz) * to_line, limit - 1e-4)
        whole = line.astype(np.int64)
        found: Floats = sums[rows, whole] + (line - whole) * (sums[rows, whole + 1] - sums[rows, whole])
        return np.sign(hertz) * found

    top = config.sample_rate / 2 - 1
    high = np.minimum(high, top)
    return (up_to(high) - up_to(low)) / ((high - low) * to_line)

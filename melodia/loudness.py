"""How loud a waveform is to people, and making it so loud: EBU R 128, ITU-R BS.1770-4.

Here rather than from a library, since to import what filters there takes as long as to say a sentence. The
filters are those of pyloudnorm, with which the tests compare.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPEECH_LUFS = -23.0
SHORTEST_SECONDS = 0.41  # that can be measured: a block of the standard
HIGHEST_PEAK = 0.98
BLOCK_SECONDS, HOP_SECONDS = 0.4, 0.1
SILENT_LUFS, GATE_DB = -70.0, 10.0  # blocks that do not count: all below, and those so far below the others
OFFSET = -0.691  # dB, of the standard
SHELF_HZ, SHELF_DB, PASS_HZ = 1500.0, 4.0, 38.0
RINGING_SECONDS = 1.0  # after which the filters are still


def loudness(waveform: NDArray[np.float32], sample_rate: int) -> float:
    """LUFS of a mono waveform, -inf of silence; what is too short for it is measured with silence around."""
    lacking = int(SHORTEST_SECONDS * sample_rate) - len(waveform)
    heard = _weighted(np.pad(waveform.astype(np.float64), (0, max(lacking, 0))), sample_rate)
    block, hop = BLOCK_SECONDS * sample_rate, HOP_SECONDS * sample_rate
    onsets = np.arange(round((len(heard) - block) / hop) + 1) * hop
    sums = np.concatenate([[0.0], np.cumsum(heard * heard)])
    ends = np.minimum((onsets + block).astype(int), len(heard))
    power = np.maximum(sums[ends] - sums[onsets.astype(int)], 0) / block
    power = power[power >= _power(SILENT_LUFS)]
    power = power[power > power.mean() * 10 ** (-GATE_DB / 10)] if len(power) else power
    return float(OFFSET + 10 * np.log10(power.mean())) if len(power) else -np.inf


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET) / 10))


def _weighted(waveform: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """As loud as an ear has each frequency: a shelf for the head, and less of what is low."""
    size = len(waveform) + round(RINGING_SECONDS * sample_rate)
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size))  # a step back in time
    w = 2 * np.pi * SHELF_HZ / sample_rate
    cosine, width, root = np.cos(w), np.sin(w) / np.sqrt(2), 10 ** (SHELF_DB / 80)
    up, down, slope = root**2 + 1, root**2 - 1, 2 * root * width
    shelf = root**2 * _square(z, up + down * cosine + slope, -2 * (down + up * cosine), up + down * cosine - slope)
    shelf /= _square(z, up - down * cosine + slope, 2 * (down - up * cosine), up - down * cosine - slope)
    w = 2 * np.pi * PASS_HZ / sample_rate
    passed = (1 + np.cos(w)) / 2 * (1 - z) ** 2 / _square(z, 1 + np.sin(w), -2 * np.cos(w), 1 - np.sin(w))
    found: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(waveform, size) * shelf * passed, size)[: len(waveform)]
    return found


def _square(z: NDArray[np.complex128], a: float, b: float, c: float) -> NDArray[np.complex128]:
    return a + b * z + c * z * z


def at_loudness(waveform: NDArray[np.float32], sample_rate: int, lufs: float = SPEECH_LUFS) -> NDArray[np.float32]:
    """The waveform so loud, or as near as it comes without clipping; silence stays silent."""
    found = loudness(waveform, sample_rate)
    if not np.isfinite(found):
        return waveform
    peak = float(np.abs(waveform).max())
    gain = min(10 ** ((lufs - found) / 20), HIGHEST_PEAK / max(peak, 1e-9))
    louder: NDArray[np.float32] = (waveform * gain).astype(np.float32)
    return louder

"""Frames of speech -> waveform: pulses at the pitch and noise, each shaped by the bands.

A pulse is the minimum-phase response of the spectrum at its moment, without the hiss; the noise between is shaped by the hiss
alone. It undoes `melodia.synthesis.analysis`, learns nothing, and takes a hundredth of the time that it makes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melodia.features import MelConfig, mel_edges
from melodia.synthesis.analysis import FEATURES, NUM_HISS, QUIETEST_HISS, Floats, Sound

N_FFT = 1024
SMALLEST = 1e-6  # of a magnitude
AT_ONCE = 400  # pulses, or frames of noise


def vocode(sound: Sound, generator: np.random.Generator, config: MelConfig = FEATURES) -> Floats:
    """(frames * hop_length,) samples of frames of speech.

    Args:
        sound: what to say.
        generator: of the noise.
        config: of the frames.
    """
    length = len(sound.pitch) * config.hop_length
    waveform = np.zeros(length + 2 * N_FFT, np.float32)
    _add_buzz(waveform, sound, config)
    _add_hiss(waveform, sound, generator, config)
    return waveform[N_FFT : N_FFT + length]


def _add_buzz(waveform: Floats, sound: Sound, config: MelConfig) -> None:
    at, pitch = pulses(sound.pitch, config)
    for first in range(0, len(at), AT_ONCE):
        lot = slice(first, first + AT_ONCE)
        _add_pulses(waveform, at[lot], pitch[lot], sound, config)


def _add_pulses(waveform: Floats, at: NDArray[np.float64], pitch: Floats, sound: Sound, config: MelConfig) -> None:
    frames = at / config.hop_length
    share = 1 - 10 ** (np.minimum(_between(sound.hiss, frames) @ _spread(NUM_HISS, config), 0) / 10)
    power = 10 ** (_between(sound.bands, frames) @ _spread(config.n_mels, config) / 10) * np.maximum(share, 0)
    magnitude = np.sqrt(power * (config.sample_rate / pitch)[:, None])
    whole = np.floor(at).astype(int)
    late = np.exp(-2j * np.pi * np.arange(N_FFT // 2 + 1) / N_FFT * (at - whole)[:, None])
    for first, response in zip(whole, np.fft.irfft(minimum_phase(magnitude) * late, N_FFT).astype(np.float32), strict=True):
        waveform[N_FFT + first : 2 * N_FFT + first] += response


def pulses(pitch: Floats, config: MelConfig) -> tuple[NDArray[np.float64], Floats]:
    """When the voice's pulses are, in samples, and their pitch: one each time that it has turned once, where there is one."""
    has = pitch > 0
    if not has.any():
        return np.zeros(0), np.zeros(0)
    places = np.arange(len(pitch))
    smooth = np.interp(np.arange(len(pitch) * config.hop_length) / config.hop_length, places[has], pitch[has])
    turns = np.cumsum(smooth) / config.sample_rate
    at = np.flatnonzero(np.floor(turns[1:]) > np.floor(turns[:-1])) + 1
    part = (turns[at] - np.floor(turns[at])) * config.sample_rate / smooth[at]  # samples since the turn
    exact = at - part
    own = has[np.minimum(np.rint(at / config.hop_length).astype(int), len(pitch) - 1)]
    return np.maximum(exact[own], 0), smooth[at[own]]


def _add_hiss(waveform: Floats, sound: Sound, generator: np.random.Generator, config: MelConfig) -> None:
    """White noise in overlapping pieces, each filtered."""
    hop, count = config.hop_length, len(sound.pitch)
    hiss = np.where(sound.hiss > QUIETEST_HISS + 0.5, sound.hiss, -100)
    white = generator.standard_normal((count + 2) * hop).astype(np.float32)
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    pieces = np.lib.stride_tricks.sliding_window_view(white, 2 * hop)[::hop][:count]
    for lot in (slice(first, first + AT_ONCE) for first in range(0, count, AT_ONCE)):
        power = sound.bands[lot] @ _spread(config.n_mels, config) + np.minimum(hiss[lot] @ _spread(NUM_HISS, config), 0)
        shaped = np.fft.irfft(np.fft.rfft(pieces[lot] * window, N_FFT) * 10 ** (power / 20), N_FFT).astype(np.float32)
        shaped = np.roll(shaped, N_FFT // 2 - hop, axis=-1)  # what the filter makes before a piece stays before it
        for i, piece in enumerate(shaped, lot.start):
            first = N_FFT + i * hop - N_FFT // 2
            waveform[first : first + N_FFT] += piece


def minimum_phase(magnitude: Floats) -> NDArray[np.complex128]:
    """(..., lines) magnitudes -> the spectrum that has them and is over soonest."""
    cepstrum = np.fft.irfft(np.log(np.maximum(magnitude, SMALLEST)))
    half = cepstrum.shape[-1] // 2
    cepstrum[..., 1:half] *= 2
    cepstrum[..., half + 1 :] = 0
    spectrum: NDArray[np.complex128] = np.exp(np.fft.rfft(cepstrum))
    return spectrum


def _between(rows: Floats, frames: NDArray[np.float64]) -> Floats:
    """Rows at moments between frames."""
    before = np.clip(np.floor(frames).astype(int), 0, len(rows) - 1)
    after = np.minimum(before + 1, len(rows) - 1)
    part = (frames - before)[:, None]
    found: Floats = rows[before] * (1 - part) + rows[after] * part
    return found


@lru_cache(maxsize=8)
def _spread(count: int, config: MelConfig) -> Floats:
    """(bands, lines) that draws straight lines between the middles of so many bands."""
    lines = np.arange(N_FFT // 2 + 1) * config.sample_rate / N_FFT
    return np.stack([np.interp(lines, mel_edges(config, count)[1], row) for row in np.eye(count)]).astype(np.float32)

"""Waveforms -> spectrograms in decibels, with torch: on a scale of pitches for music, on the mel scale for speech.

`spectrogram` gives (frames, windows, bins): a frame every `hop_length` samples, of several windows side by side: long
ones tell pitches apart, short ones moments. Frame t is centred on sample t * hop_length, or, with `live`, all its
windows end `delay_frames` frames after that sample, so that nothing later is heard. Spectra are those of `librosa.stft`
(Hann, zeros beyond the ends), power is gathered by triangles `bins_per_semitone` a semitone, at least one line of the
spectrum wide, and decibels are those of `librosa.power_to_db`; a sine of amplitude 1 comes to about 0 dB.

`log_mel` gives (frames, bins) in decibels: triangles on the mel scale of O'Shaughnessy 1987 ("HTK"), of height 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.hertz import hertz_of

Block = Tensor | NDArray[np.float32]  # (samples,)
FLOOR_DB = -100.0
SMALLEST_POWER = 10 ** (FLOOR_DB / 10)
STEP_DB = 0.5  # of decibels that are kept as whole numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureConfig:
    """Rates in Hz, lengths in samples; bins go from `lowest_pitch` up for `num_semitones`."""

    sample_rate: int = 16_000
    hop_length: int = 512
    n_ffts: tuple[int, ...] = (1024, 4096)
    lowest_pitch: int = 20
    num_semitones: int = 100
    bins_per_semitone: int = 3
    live: bool = False
    delay_frames: int = 3  # what a live model waits for

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_ffts", tuple(self.n_ffts))  # a list, from JSON
        check_range("sample_rate", self.sample_rate, 1000, 384_000)
        check_range("hop_length", self.hop_length, 16, 65_536)
        check_range("bins_per_semitone", self.bins_per_semitone, 1, 12)
        check_range("lowest_pitch", self.lowest_pitch, 0, 127)
        check_range("num_semitones", self.num_semitones, 1, 128)
        check_range("delay_frames", self.delay_frames, 0, 100)
        if self.live and self.delay_frames * self.hop_length > max(self.n_ffts, default=0):
            raise ConfigError(f"delay_frames: {self.delay_frames} is longer than the longest window")
        if not self.n_ffts or any(n % 2 or not 64 <= n <= 2**17 for n in self.n_ffts):
            raise ConfigError(f"n_ffts: {list(self.n_ffts)} is not usable; each must be even, from 64 to 131072")

    @property
    def num_bins(self) -> int:
        """Of a window."""
        return self.num_semitones * self.bins_per_semitone

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop_length

    @property
    def reach(self) -> tuple[int, int]:
        """Samples before and after its own that a frame hears."""
        if self.live:
            after = self.delay_frames * self.hop_length
            return max(self.n_ffts) - after, after
        return max(self.n_ffts) // 2, max(self.n_ffts) // 2

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples."""
        return 1 + num_samples // self.hop_length


def spectrogram(waveform: Tensor, config: FeatureConfig) -> Tensor:
    """(samples,) mono at the config's rate -> (frames, windows, bins) in decibels, from -100 up."""
    return torch.cat(list(stream_spectrogram([waveform], config)))


def stream_spectrogram(blocks: Iterable[Block], config: FeatureConfig) -> Iterator[Tensor]:
    """The same of a waveform that comes in blocks, as soon as it can be said."""
    return _stream(blocks, config, lambda samples: _frames(samples, config))


def _stream(blocks: Iterable[Block], config: FeatureConfig | MelConfig, frames: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
    """Frames of a waveform that comes in blocks; `frames` makes them of samples with all that the first and the last hear."""
    (before, after), hop = config.reach, config.hop_length
    held, samples, done = torch.zeros(before), 0, 0
    for block in map(_tensor, blocks):
        held, samples = torch.cat([held.to(block), block]), samples + len(block)
        ready = max((len(held) - before - after) // hop + 1, 0)
        if ready:
            yield frames(held[: (ready - 1) * hop + before + after])
            held, done = held[ready * hop :], done + ready
    left = config.num_frames(samples) - done
    if left > 0:
        needed = (left - 1) * hop + before + after
        yield frames(torch.nn.functional.pad(held, (0, max(needed - len(held), 0)))[:needed])


def _tensor(block: Block) -> Tensor:
    return block if isinstance(block, Tensor) else torch.from_numpy(np.ascontiguousarray(block))


def _frames(samples: Tensor, config: FeatureConfig) -> Tensor:
    """The frames of samples, with all that the first and the last of them hear."""
    before, after = config.reach
    rows = []
    for n_fft in config.n_ffts:
        window = torch.hann_window(n_fft, device=samples.device)
        end = after if config.live else n_fft // 2  # of the window, counted from the frame's own sample
        heard = samples[before + end - n_fft : len(samples) - after + end]
        spectrum = torch.stft(heard, n_fft, config.hop_length, window=window, center=False, return_complex=True)
        power = (spectrum.real**2 + spectrum.imag**2) * (2 / float(window.sum())) ** 2
        rows.append(filterbank(config, n_fft).to(power) @ power)
    return 10 * torch.log10(torch.stack(rows).clamp(min=SMALLEST_POWER)).permute(2, 0, 1)


@lru_cache(maxsize=16)
def filterbank(config: FeatureConfig, n_fft: int) -> Tensor:
    """(bins, n_fft // 2 + 1): triangles of height 1 from one bin's neighbour to the other."""
    bins = np.arange(-1, config.num_bins + 1) / config.bins_per_semitone + config.lowest_pitch
    hertz = hertz_of(bins)
    lines = np.arange(n_fft // 2 + 1) * config.sample_rate / n_fft
    spacing = config.sample_rate / n_fft
    middle, below, above = hertz[1:-1, None], np.diff(hertz)[:-1, None], np.diff(hertz)[1:, None]
    width = np.where(lines < middle, np.maximum(below, spacing), np.maximum(above, spacing))
    weights = np.maximum(0, 1 - np.abs(lines - middle) / width)
    weights[(middle > config.sample_rate / 2)[:, 0]] = 0
    return torch.from_numpy(weights.astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True)
class MelConfig:
    """Rates and frequencies in Hz, lengths in samples; names are librosa's."""

    sample_rate: int = 16_000
    hop_length: int = 160
    win_length: int = 400
    n_fft: int = 512
    n_mels: int = 80
    fmin: float = 40.0
    fmax: float = 7600.0

    def __post_init__(self) -> None:
        check_range("sample_rate", self.sample_rate, 1000, 384_000)
        check_range("hop_length", self.hop_length, 16, 65_536)
        check_range("n_fft", self.n_fft, 64, 2**17)
        check_range("win_length", self.win_length, 16, self.n_fft)
        check_range("n_mels", self.n_mels, 1, 512)
        check_range("fmax", self.fmax, 1, self.sample_rate / 2)
        check_range("fmin", self.fmin, 0, self.fmax - 1)

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop_length

    @property
    def reach(self) -> tuple[int, int]:
        """Samples before and after its own that a frame hears."""
        return self.n_fft // 2, self.n_fft // 2

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples."""
        return 1 + num_samples // self.hop_length


def log_mel(waveform: Block, config: MelConfig) -> Tensor:
    """(samples,) mono at the config's rate -> (frames, n_mels) in decibels, from -100 up."""
    return torch.cat(list(stream_log_mel([waveform], config)))


def stream_log_mel(blocks: Iterable[Block], config: MelConfig) -> Iterator[Tensor]:
    """The same of a waveform that comes in blocks, as soon as it can be said."""
    return _stream(blocks, config, lambda samples: _mel_frames(samples, config))


def _mel_frames(samples: Tensor, config: MelConfig) -> Tensor:
    window = torch.hann_window(config.win_length, device=samples.device)
    spectrum = torch.stft(
        samples, config.n_fft, config.hop_length, config.win_length, window=window, center=False, return_complex=True
    )
    power = (spectrum.real**2 + spectrum.imag**2) * (2 / float(window.sum())) ** 2
    return 10 * torch.log10((mel_filterbank(config).to(power) @ power).clamp(min=SMALLEST_POWER)).T


@lru_cache(maxsize=16)
def mel_edges(config: MelConfig, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Lower end, middle and upper end of so many bands, Hz, evenly over the mel scale."""
    lowest, highest = (2595 * np.log10(1 + f / 700) for f in (config.fmin, config.fmax))
    hertz = 700 * (10 ** (np.linspace(lowest, highest, count + 2) / 2595) - 1)
    return hertz[:-2], hertz[1:-1], hertz[2:]


@lru_cache(maxsize=16)
def mel_filterbank(config: MelConfig) -> Tensor:
    """(n_mels, n_fft // 2 + 1): triangles of height 1, each from the middle of its lower neighbour to that of its upper one."""
    lines = np.arange(config.n_fft // 2 + 1) * config.sample_rate / config.n_fft
    below, middle, above = (edge[:, None] for edge in mel_edges(config, config.n_mels))
    weights = np.maximum(0, np.minimum((lines - below) / (middle - below), (above - lines) / (above - middle)))
    return torch.from_numpy(weights.astype(np.float32))


def packed(decibels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Decibels as whole numbers of half a decibel from -100 up, to be stored."""
    steps: NDArray[np.uint8] = np.clip(np.rint((decibels - FLOOR_DB) / STEP_DB), 0, 255).astype(np.uint8)
    return steps


def unpacked(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The decibels again."""
    return frames.astype(np.float32) * np.float32(STEP_DB) + np.float32(FLOOR_DB)

"""Waveforms -> sound files. A waveform is float32 in [-1, 1], (samples,) mono or (samples, channels)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melodia.errors import AudioError
from melodia.files import temporary_beside

Waveform = NDArray[np.float32]


def write_wav(path: str | Path, waveform: Waveform, sample_rate: int) -> Path:
    """Writes a 16-bit WAV file, whole or not at all, and returns its path.

    Raises:
        AudioError: the file cannot be written.
    """
    import soundfile

    path = Path(path)
    try:
        with temporary_beside(path) as temporary:
            soundfile.write(temporary, waveform, sample_rate, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.SoundFileError) as error:
        raise AudioError(f"{path}: cannot be written: {error}") from error
    return path


def normalised(waveform: Waveform, peak_db: float = -1.0) -> Waveform:
    """The waveform with its peak at a level in dB below full scale; silence stays silence."""
    peak = float(np.abs(waveform).max(initial=0.0))
    if peak == 0:
        return waveform
    return (waveform * (10 ** (peak_db / 20) / peak)).astype(np.float32)


def trimmed(waveform: Waveform, floor_db: float = -60.0, margin: int = 2048) -> Waveform:
    """The waveform up to where it has died away: the last sample within `floor_db` of its peak, and a margin."""
    level = np.abs(waveform).max(axis=1) if waveform.ndim > 1 else np.abs(waveform)
    loud = np.flatnonzero(level > level.max(initial=0.0) * 10 ** (floor_db / 20))
    return waveform[: int(loud[-1]) + margin] if len(loud) else waveform[:0]

"""How loud a waveform is to people, and making it so loud: EBU R 128 (ITU-R BS.1770-4), by pyloudnorm."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPEECH_LUFS = -23.0
SHORTEST_SECONDS = 0.41  # that can be measured: a block of the standard
HIGHEST_PEAK = 0.98


def loudness(waveform: NDArray[np.float32], sample_rate: int) -> float:
    """LUFS of a mono waveform, -inf of silence; what is too short for it is measured with silence around."""
    lacking = int(SHORTEST_SECONDS * sample_rate) - len(waveform)
    padded = np.pad(waveform, (0, lacking)) if lacking > 0 else waveform
    with np.errstate(divide="ignore"):
        return float(_meter(sample_rate).integrated_loudness(padded.astype(np.float64)))


def at_loudness(waveform: NDArray[np.float32], sample_rate: int, lufs: float = SPEECH_LUFS) -> NDArray[np.float32]:
    """The waveform so loud, or as near as it comes without clipping; silence stays silent."""
    found = loudness(waveform, sample_rate)
    if not np.isfinite(found):
        return waveform
    peak = float(np.abs(waveform).max())
    gain = min(10 ** ((lufs - found) / 20), HIGHEST_PEAK / max(peak, 1e-9))
    louder: NDArray[np.float32] = (waveform * gain).astype(np.float32)
    return louder


@lru_cache(maxsize=4)
def _meter(sample_rate: int) -> Any:
    import pyloudnorm

    return pyloudnorm.Meter(sample_rate)

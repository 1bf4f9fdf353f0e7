"""Pitches <-> Hz, equal-tempered: MIDI pitch 69 is the A of 440 Hz; fractions are parts of a semitone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CONCERT_A, CONCERT_HZ = 69, 440.0


def hertz_of(pitch: NDArray[Any]) -> NDArray[Any]:
    """Hz of MIDI pitches."""
    return CONCERT_HZ * 2 ** ((pitch - CONCERT_A) / 12)


def pitch_of(hertz: NDArray[Any]) -> NDArray[Any]:
    """MIDI pitches of Hz; 0 where there is none."""
    return np.where(hertz > 0, CONCERT_A + 12 * np.log2(np.maximum(hertz, 1) / CONCERT_HZ), 0)

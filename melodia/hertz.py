"""Pitches <-> Hz, equal-tempered: MIDI pitch 69 is the A of 440 Hz; fractions are parts of a semitone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CONCERT_A, CONCERT_HZ = 69, 440.0


def hertz_of(pitch: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Hz of MIDI pitches."""
    hertz: NDArray[np.floating[Any]] = CONCERT_HZ * 2 ** ((pitch - CONCERT_A) / 12)
    return hertz


def pitch_of(hertz: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """MIDI pitches of Hz; 0 where there is none."""
    pitch: NDArray[np.floating[Any]] = np.where(hertz > 0, CONCERT_A + 12 * np.log2(np.maximum(hertz, 1) / CONCERT_HZ), 0)
    return pitch

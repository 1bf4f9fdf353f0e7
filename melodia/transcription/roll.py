"""Notes -> what the network is to say of each frame and key.

An onset is a peak one and a half frames wide to each side, highest at the frame nearest to it, so that the place
between frames can be read from it (Kong et al. 2021, arXiv 2010.01815, with frames a third as long); `place` tells
it outright, in frames. Shapes are (frames, 88); frame t stands for the moment t / frame_rate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.transcription.notes import LOWEST_PITCH, NUM_KEYS, OFFSET, ONSET, PITCH, VELOCITY, Notes

PEAK = 1.5  # frames to each side
Roll = NDArray[np.float32]


class Rolls(NamedTuple):
    """See the module."""

    onset: Roll  # 0 to 1
    offset: Roll
    sustain: Roll  # 0 or 1: it sounds
    place: Roll  # of the onset, from the frame on, in frames; 0 where there is none
    velocity: Roll  # 0 to 1, where there is an onset
    pedal: Roll  # (frames, 1): 0, 1, or -1 where nobody knows


def rolls_of(notes: Notes, pedal: NDArray[np.float64] | None, first: int, frames: int, frame_rate: float) -> Rolls:
    """The frames from `first` on.

    Args:
        notes: in seconds.
        pedal: (n, 2) spans in seconds, or None where nobody knows.
    """
    zeros = [np.zeros((frames, NUM_KEYS), dtype=np.float32) for _ in range(5)]
    onset, offset, sustain, place, velocity = zeros
    begins, ends = notes[:, ONSET] * frame_rate - first, notes[:, OFFSET] * frame_rate - first
    for i in np.flatnonzero((begins < frames + 2) & (ends > -2)):
        key = int(notes[i, PITCH]) - LOWEST_PITCH
        begin, end = begins[i], ends[i]
        sustain[max(int(np.ceil(begin)), 0) : max(int(np.ceil(end)), 0), key] = 1
        for t in range(max(int(np.ceil(begin - PEAK)), 0), min(int(begin + PEAK) + 1, frames)):
            height = 1 - abs(t - begin) / PEAK
            if height > onset[t, key]:
                onset[t, key], place[t, key], velocity[t, key] = height, begin - t, notes[i, VELOCITY] / 127
        for t in range(max(int(np.ceil(end - PEAK)), 0), min(int(end + PEAK) + 1, frames)):
            offset[t, key] = max(offset[t, key], 1 - abs(t - end) / PEAK)
    held = np.full((frames, 1), -1 if pedal is None else 0, dtype=np.float32)
    for start, stop in pedal * frame_rate - first if pedal is not None else ():
        held[max(int(np.ceil(start)), 0) : max(int(np.ceil(stop)), 0)] = 1
    return Rolls(onset, offset, sustain, place, velocity, held)

"""Signs and the frames that they last: where each frame is in its sign, and what a sign's frames are on the whole.

The reading of a sign is a row of `READ` numbers: the logarithm to base 2 of its frames, its pitch (MIDI number, between those of
its neighbours where it has none), and the shape of its mean spectrum, as the first cosines of its bands in decibels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.hertz import pitch_of
from melodia.synthesis.analysis import Floats, Sound

DURATION, PITCH, LEVEL = 0, 1, 2  # places in a reading; LEVEL is the first of the cosines
NUM_COSINES = 5
READ = LEVEL + NUM_COSINES
NUM_PLACES = 4
NEAR = 30  # frames from its ends, from which on a frame is in the middle of its sign
MIDDLING = 57.0  # pitch of what has none at all


class Layout(NamedTuple):
    """Of each frame: the number of its sign (frames,), and where in it (frames, NUM_PLACES)."""

    sign_of: NDArray[np.int64]
    places: Floats


def lay_out(counts: NDArray[np.int64]) -> Layout:
    """Frames of signs that last so many each."""
    sign_of = np.repeat(np.arange(len(counts)), counts)
    since = np.arange(len(sign_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    left = counts[sign_of] - 1 - since
    places = [
        (since + 0.5) / counts[sign_of],
        np.minimum(since, NEAR) / 10,
        np.minimum(left, NEAR) / 10,
        np.log2(np.minimum(counts[sign_of], 2 * NEAR)) / 4,
    ]
    return Layout(sign_of, np.stack(places, axis=-1).astype(np.float32))


def contour(pitch: Floats, counts: NDArray[np.int64]) -> Floats:
    """(frames,) the pitch of the signs, each in the middle of its sign, and straight lines between."""
    middles = np.cumsum(counts) - counts / 2
    found: Floats = np.interp(np.arange(int(counts.sum())) + 0.5, middles, pitch).astype(np.float32)
    return found


def readings_of(sound: Sound, counts: NDArray[np.int64]) -> Floats:
    """(signs, READ) of a recording. See the module."""
    ends = np.cumsum(counts)

    def means(rows: Floats) -> Floats:
        sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
        found: Floats = (sums[ends] - sums[ends - counts]) / np.maximum(counts, 1)[:, None]
        return found

    share, total = means(np.stack([sound.pitch > 0, pitch_of(sound.pitch)], axis=-1).astype(np.float32)).T
    has = share > 0.2
    pitch = np.full(len(counts), MIDDLING)
    if has.any():
        pitch = np.interp(ends - counts / 2, (ends - counts / 2)[has], total[has] / share[has])
    cosines = means(sound.bands) @ cosine_rows(sound.bands.shape[1])
    return np.column_stack([np.log2(np.maximum(counts, 1)), pitch, cosines]).astype(np.float32)


def cosine_rows(num_bands: int) -> Floats:
    """(bands, NUM_COSINES) of the discrete cosine transform; the first is the mean."""
    angles = np.pi / num_bands * (np.arange(num_bands)[:, None] + 0.5) * np.arange(NUM_COSINES)
    rows: Floats = (np.cos(angles) / num_bands).astype(np.float32)
    return rows

"""What followed where a piece was the same before: chorales repeat their phrases, often note for note.

For each step, the earlier place, a whole number of beats ago, before which the longest stretch was the same as before this
step; of several the latest. Once for all four voices together, and once for each voice alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melodia.harmony.prepare import NUM_VOICES, REST, Voices

BEAT = 4  # steps
KINDS = 2  # of all voices together, of each alone
LIKENESS = 9  # grades of it


def echoes(voices: Voices) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What followed, (steps, 4, KINDS) pitches or rests, and how long the same was: grades, 0 where nothing was.

    A step is told nothing of itself or of what comes after it.
    """
    steps = len(voices)
    said = np.full((steps, NUM_VOICES, KINDS), REST, np.uint8)
    longest = np.zeros((steps, NUM_VOICES, KINDS), np.int64)
    for lag in range(BEAT, steps, BEAT):
        same = voices[lag:] == voices[:-lag]
        both = np.stack([np.broadcast_to(same.all(axis=1, keepdims=True), same.shape), same], axis=-1)
        index = np.arange(len(both))[:, None, None]
        run = index - np.maximum.accumulate(np.where(both, -1, index), axis=0)  # how many are the same up to each
        before = run[:-1]  # the step that is told is the one after
        better = before > longest[lag + 1 :]
        longest[lag + 1 :] = np.where(better, before, longest[lag + 1 :])
        said[lag + 1 :] = np.where(better, voices[1:-lag, :, None], said[lag + 1 :])
    grades = np.where(longest > 0, np.floor(np.log2(np.maximum(longest, 1))) + 1, 0)
    return said, np.minimum(grades, LIKENESS - 1).astype(np.uint8)

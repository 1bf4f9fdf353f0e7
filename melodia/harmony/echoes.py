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
    return said, _grades(longest)


def _grades(longest: NDArray[np.int64]) -> NDArray[np.uint8]:
    grades = np.where(longest > 0, np.floor(np.log2(np.maximum(longest, 1))) + 1, 0)
    return np.minimum(grades, LIKENESS - 1).astype(np.uint8)


class Echoing:
    """The same for pieces that are being made, side by side: what `echoes` says of the step that comes next."""

    def __init__(self, rows: int, steps: int) -> None:
        self.voices = np.full((rows, steps, NUM_VOICES), REST, np.uint8)
        self.runs = np.zeros((rows, -(-steps // BEAT), NUM_VOICES, KINDS), np.int64)  # by lag: how many steps are the same
        self.done = 0

    def branch(self, index: NDArray[np.int64]) -> None:
        """Goes on with some of the pieces, each as often as it is named."""
        self.voices, self.runs = self.voices[index], self.runs[index]

    def next(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """What followed, and grades: (rows, 4, KINDS) each."""
        count = max((self.done - 1) // BEAT, 0)  # of lags
        if not count:
            shape = (len(self.voices), NUM_VOICES, KINDS)
            return np.full(shape, REST, np.uint8), np.zeros(shape, np.uint8)
        runs = self.runs[:, :count]
        best = runs.argmax(axis=1)  # of several the first: the latest place
        longest = np.take_along_axis(runs, best[:, None], axis=1)[:, 0]
        rows, voices = np.ogrid[: len(self.voices), :NUM_VOICES]
        said = self.voices[rows[..., None], self.done - BEAT * (best + 1), voices[..., None]]
        return np.where(longest > 0, said, REST).astype(np.uint8), _grades(longest)

    def add(self, step: NDArray[np.uint8]) -> None:
        """What is sung then: (rows, 4)."""
        count = self.done // BEAT
        if count:
            earlier = self.voices[:, self.done - BEAT * np.arange(1, count + 1)]
            same = earlier == step[:, None]
            both = np.stack([np.broadcast_to(same.all(axis=2, keepdims=True), same.shape), same], axis=-1)
            self.runs[:, :count] = np.where(both, self.runs[:, :count] + 1, 0)
        self.voices[:, self.done] = step
        self.done += 1

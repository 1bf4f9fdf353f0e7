"""Errors of voice-leading in four voices, as textbooks of harmony have them, to compare music by.

Two voices that both move to another pitch, in the same direction, from a perfect fifth (or octave, or unison) to another one
make a parallel. Upper voices next to each other are at most an octave apart; no voice goes below the next one; each stays in
the range of a choir; none leaps by more than an octave, a seventh or a tritone.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodia.harmony.prepare import NUM_VOICES, REST, Voices

RANGES = ((60, 81), (53, 76), (47, 69), (36, 64))  # of soprano, alto, tenor, bass: those of chorales
LEAPS = (6, 10, 11)  # semitones that are hard to sing, besides all beyond an octave
KINDS = ("fifths", "octaves", "crossing", "spacing", "range", "leaps")


def count_errors(voices: Voices) -> dict[str, int]:
    """How often each of `KINDS` is broken.

    Parallels and leaps count once each where a voice moves; crossing, spacing and range once where they begin, not in each step
    that they last.
    """
    pitches = voices.astype(np.int64)
    sings = voices != REST
    moves = np.diff(pitches, axis=0) * (sings[1:] & sings[:-1])
    found = dict.fromkeys(KINDS, 0)
    for upper, lower in combinations(range(NUM_VOICES), 2):
        both = sings[:, upper] & sings[:, lower]
        apart = pitches[:, upper] - pitches[:, lower]
        together = (moves[:, upper] * moves[:, lower] > 0) & both[1:] & both[:-1]
        for kind, semitones in (("fifths", 7), ("octaves", 0)):
            perfect = (apart % 12 == semitones) & both
            found[kind] += int((together & perfect[1:] & perfect[:-1]).sum())
        if lower == upper + 1:
            found["crossing"] += _beginnings(both & (apart < 0))
            if lower < NUM_VOICES - 1:
                found["spacing"] += _beginnings(both & (apart > 12))
    for voice, (low, high) in enumerate(RANGES):
        outside = (pitches[:, voice] < low) | (pitches[:, voice] > high)
        found["range"] += _beginnings(outside & sings[:, voice])
        leaps = np.abs(moves[:, voice])
        found["leaps"] += int((np.isin(leaps, LEAPS) | (leaps > 12)).sum())
    return found


def errors_a_hundred_steps(pieces: list[Voices]) -> dict[str, Any]:
    """The errors of some pieces, per 100 steps."""
    steps = max(sum(len(piece) for piece in pieces), 1)
    counts = [count_errors(piece) for piece in pieces]
    return {kind: 100 * sum(count[kind] for count in counts) / steps for kind in KINDS}


def _beginnings(broken: NDArray[np.bool_]) -> int:
    """How often it becomes true."""
    return int(broken[:1].sum() + (broken[1:] & ~broken[:-1]).sum())

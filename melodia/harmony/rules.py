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
STEPS = 100  # that rates are of
PARALLEL = 2  # errors that a parallel is as grave as
BACH = {  # errors in 100 steps of the 76 chorales of valid: `melodia evaluate jsb16-harmony --data FOLDER --split valid`
    "fifths": 0.076,
    "octaves": 0.033,
    "crossing": 0.592,
    "spacing": 0.277,
    "range": 0.0,
    "leaps": 0.527,
}


def count_errors(voices: NDArray[np.integer[Any]]) -> dict[str, int]:
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
    return {kind: STEPS * sum(count[kind] for count in counts) / steps for kind in KINDS}


def cost_of_next(before: NDArray[np.int64], now: NDArray[np.int64], voice: int, pitches: NDArray[np.int64]) -> NDArray[np.int64]:
    """What errors a voice would add by each pitch that it may sing next; over all voices and steps they add up to all errors.

    Args:
        before: (rows, 4) pitches of the step before, or rests.
        now: (rows, 4) pitches of this step, rests where a voice has none yet.
        voice: whose turn it is.
        pitches: (pitches,) that it may sing.

    Returns:
        (rows, pitches) errors, parallels counted `PARALLEL` times
    """
    own = before[:, voice, None]
    sang = own != REST
    move = np.where(sang, pitches - own, 0)
    found = (np.isin(np.abs(move), LEAPS) | (np.abs(move) > 12)).astype(np.int64)
    low, high = RANGES[voice]
    found += ((pitches < low) | (pitches > high)) & ~(sang & ((own < low) | (own > high)))
    for other in (v for v in range(NUM_VOICES) if v != voice):
        theirs, last = now[:, other, None], before[:, other, None]
        sing, sang_both = theirs != REST, sang & (last != REST)
        sign = 1 if voice < other else -1
        apart, were = sign * (pitches - theirs), sign * (own - last)
        together = (move * (theirs - last) > 0) & sing & sang_both
        for semitones in (7, 0):
            found += PARALLEL * (together & (apart % 12 == semitones) & (were % 12 == semitones))
        if abs(voice - other) == 1:
            found += sing & (apart < 0) & ~(sang_both & (were < 0))
            if max(voice, other) < NUM_VOICES - 1:
                found += sing & (apart > 12) & ~(sang_both & (were > 12))
    return found


def _beginnings(broken: NDArray[np.bool_]) -> int:
    """How often it becomes true."""
    return int(broken[:1].sum() + (broken[1:] & ~broken[:-1]).sum())

"""Frames of signs and blanks -> phonemes with stress.

Sounds are those of the likeliest path. Of its stress only what stands before a vowel is kept; where there are vowels, the one
before which primary stress is likeliest has it, and others that the path stresses have secondary stress.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.pronunciation.phonemes import PRIMARY, SECONDARY, VOWELS
from melodia.spelling.codes import BLANK, SIGNS, signs_of

STRESS = frozenset(signs_of(PRIMARY + SECONDARY))


class _Sound(NamedTuple):
    """A phoneme, and the frames that it and its stress are in: after the last one of the sound before it, which counts too."""

    sign: str
    begins: int
    ends: int


def phonemes_in(log_probs: NDArray[np.float32]) -> str:
    """What a word is said like.

    Args:
        log_probs: (frames, signs), natural logarithms of probabilities.
    """
    path = log_probs.argmax(axis=1)
    sounds = _sounds(path)
    vowels = [place for place, sound in enumerate(sounds) if sound.sign in VOWELS]
    primary = log_probs[:, signs_of(PRIMARY)[0]]
    strongest = max(vowels, key=lambda place: primary[sounds[place].begins : sounds[place].ends].max(), default=-1)
    said = ""
    for place, sound in enumerate(sounds):
        if place == strongest:
            said += PRIMARY
        elif sound.sign in VOWELS and STRESS.intersection(path[sound.begins : sound.ends].tolist()):
            said += SECONDARY
        said += sound.sign
    return said


def _sounds(path: NDArray[np.int64]) -> list[_Sound]:
    """The phonemes of a path, without its stress."""
    found: list[_Sound] = []
    before, begins = BLANK, 0
    for frame, sign in enumerate(path.tolist()):
        if sign not in STRESS and sign != BLANK:
            if sign != before:
                found.append(_Sound(SIGNS[sign - 1], begins, frame + 1))
            begins = frame
        before = sign
    return found

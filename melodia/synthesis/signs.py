"""The signs that a voice says, as numbers: phonemes, pauses, the gap between words, silence before and after.

Phonemes and pauses are those of `melodia.pronunciation.phonemes`; stress stands apart, as a number of its own.
"""

from __future__ import annotations

from melodia.errors import CorpusError
from melodia.pronunciation.phonemes import CONSONANTS, PRIMARY, SECONDARY, STOPS, VOWELS

SILENCE, GAP = "_", " "
SIGNS = SILENCE + GAP + STOPS + VOWELS + CONSONANTS
QUIET = frozenset(SILENCE + GAP + STOPS)  # said with nothing
STRESSES = ("", PRIMARY, SECONDARY)
NUM_SIGNS = len(SIGNS) + 1  # 0 stands for nothing


def number_of(sign: str) -> tuple[int, int]:
    """A sign, its stress before it, as two numbers: from 1 in `SIGNS`, and in `STRESSES`.

    Raises:
        CorpusError: it is not known.
    """
    stress = STRESSES.index(sign[0]) if len(sign) > 1 and sign[0] in STRESSES else 0
    plain = sign[1:] if stress else sign
    if len(plain) != 1 or plain not in SIGNS:
        raise CorpusError(
            f"{sign!r} is no phoneme, pause or gap; these are: {SIGNS!r}, with {PRIMARY} or {SECONDARY} before a vowel"
        )
    return SIGNS.index(plain) + 1, stress

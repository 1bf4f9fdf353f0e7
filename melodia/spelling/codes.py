"""Words as numbers: letters, and the signs that they are said with. Both count from 1; 0 pads letters and is the blank of signs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from melodia.pronunciation.phonemes import CONSONANTS, PRIMARY, SECONDARY, VOWELS

LETTERS = "'abcdefghijklmnopqrstuvwxyz"
SIGNS = VOWELS + CONSONANTS + PRIMARY + SECONDARY
BLANK = 0
FRAMES = 3  # of signs a letter: x is ks, and stress needs room too
LONGEST = 40  # letters of a word


def letters_of(word: str) -> list[int]:
    """A word in small letters as places in LETTERS.

    Raises:
        ValueError: a character is not in it.
    """
    return [LETTERS.index(letter) + 1 for letter in word]


def word_of(letters: Sequence[int]) -> str:
    """What `letters_of` was given."""
    return "".join(LETTERS[letter - 1] for letter in letters)


def signs_of(phonemes: str) -> list[int]:
    """Phonemes with stress as places in SIGNS.

    Raises:
        ValueError: a sign is not in it.
    """
    return [SIGNS.index(sign) + 1 for sign in phonemes]


def phonemes_of(signs: Sequence[int]) -> str:
    """What `signs_of` was given."""
    return "".join(SIGNS[sign - 1] for sign in signs)


def fits(word: str, phonemes: str) -> bool:
    """Whether there are frames enough for the signs, and for a blank between two that are the same."""
    twice = sum(a == b for a, b in pairwise(phonemes))
    return len(phonemes) + twice <= FRAMES * len(word)

"""The signs of what is read aloud: phonemes of American English, stress, pauses.

Phonemes are those of the misaki lexicon: IPA, one sign each, where A I O W Y are the diphthongs of face, price, goat, mouth and
choice, and ʧ ʤ stand for church and judge. Stress stands before its vowel. A blank parts words, the other signs are pauses.
"""

from __future__ import annotations

from collections.abc import Sequence

from melodia.errors import ConfigError

VOWELS = "AIOWYiuæɑɔəɐɛɜɪʊʌᵊᵻ"
CONSONANTS = "bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθʔ"
PRIMARY, SECONDARY = "ˈˌ"
BLANK, STOPS = " ", ",.?!;:—…"
SIGNS = VOWELS + CONSONANTS + PRIMARY + SECONDARY + BLANK + STOPS  # number 1 is the first; 0 is before and after all
SAME = {"ɐ": "ə", "ᵊ": "ə", "ᵻ": "ɪ", "ɾ": "t", "ʔ": "t"}  # what speakers vary, and what is written for all of it
SOUNDS = "".join(sign for sign in VOWELS + CONSONANTS if sign not in SAME)
NUMBER = {sign: number for number, sign in enumerate(SIGNS, 1)}


def numbers_of(phonemes: str) -> list[int]:
    """Signs as numbers.

    Raises:
        ConfigError: one is not known.
    """
    if strange := sorted(set(phonemes) - NUMBER.keys()):
        raise ConfigError(f"phonemes: {strange[0]!r} is none; there are {SIGNS.replace(' ', '')}")
    return [NUMBER[sign] for sign in phonemes]


def signs_of(numbers: Sequence[int]) -> str:
    """Numbers as signs."""
    return "".join(SIGNS[number - 1] for number in numbers)


def sounds_of(phonemes: str) -> list[int]:
    """The phonemes alone, numbered from 1 in `SOUNDS`; variants of one sound are taken for the same."""
    return [SOUNDS.index(SAME.get(sign, sign)) + 1 for sign in phonemes if sign in VOWELS or sign in CONSONANTS]


def stressed(phonemes: str, stress: str = PRIMARY) -> str:
    """A word with its strongest syllable stressed so, or its first, if none is."""
    for sign in (PRIMARY, SECONDARY):
        if sign in phonemes:
            return phonemes.replace(sign, stress, 1)
    for place, sign in enumerate(phonemes):
        if sign in VOWELS:
            return phonemes[:place] + stress + phonemes[place:]
    return phonemes


def unstressed(phonemes: str) -> str:
    """A word without stress."""
    return phonemes.replace(PRIMARY, "").replace(SECONDARY, "")

"""The signs of what is read aloud: phonemes of American English, stress, pauses.

Phonemes are those of the misaki lexicon: IPA, one sign each, where A I O W Y are the diphthongs of face, price, goat, mouth and
choice, and ʧ ʤ stand for church and judge. Stress stands before its vowel.
"""

from __future__ import annotations

VOWELS = "AIOWYiuæɑɔəɐɛɜɪʊʌᵊᵻ"
CONSONANTS = "bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθʔ"
PRIMARY, SECONDARY = "ˈˌ"
STOPS = ",.?!;:—…"
SAME = {"ɐ": "ə", "ᵊ": "ə", "ᵻ": "ɪ", "ɾ": "t", "ʔ": "t"}  # what speakers vary, and what is written for all of it
SOUNDS = "".join(sign for sign in VOWELS + CONSONANTS if sign not in SAME)


def sounds_of(phonemes: str) -> list[int]:
    """The phonemes alone, numbered from 1 in `SOUNDS`; variants of one sound are taken for the same."""
    return [SOUNDS.index(SAME.get(sign, sign)) + 1 for sign in phonemes if sign in VOWELS or sign in CONSONANTS]

"""Phonemes as people write them -> the signs of `melodia.pronunciation.phonemes`."""

from __future__ import annotations

from melodia.errors import ConfigError
from melodia.pronunciation.phonemes import CONSONANTS, PRIMARY, SECONDARY, STOPS, VOWELS

WRITTEN = {  # in the IPA of dictionaries, longer ones first
    "eɪ": "A", "aɪ": "I", "oʊ": "O", "əʊ": "O", "aʊ": "W", "ɔɪ": "Y", "tʃ": "ʧ", "dʒ": "ʤ", "ɝ": "ɜɹ", "ɚ": "əɹ",
    "g": "ɡ", "r": "ɹ", "e": "ɛ", "o": "ɔ", "a": "ɑ", "ɒ": "ɑ", "ɨ": "ᵻ", "'": PRIMARY, "’": PRIMARY,
}  # fmt: skip
SILENT = "ː͡.ˑ"  # length, ties, bounds of syllables; a dot only within a word
KNOWN = VOWELS + CONSONANTS + PRIMARY + SECONDARY


def signs_of_word(written: str) -> str:
    """The phonemes of a word, each stress before its vowel: "ˈlaɪt" is "lˈIt".

    Raises:
        ConfigError: there is a sign in it that is no phoneme, or none that is.
    """
    text = "".join(sign for sign in written.strip("/[] ") if sign not in SILENT)
    for ipa, sign in WRITTEN.items():
        text = text.replace(ipa, sign)
    strange = "".join(dict.fromkeys(sign for sign in text if sign not in KNOWN))
    if strange or not set(text) & set(VOWELS + CONSONANTS):
        what = f"{strange!r} in {written[:40]!r} is no phoneme" if strange else f"{written[:40]!r} holds no phonemes"
        raise ConfigError(f"phonemes: {what}; these are: {VOWELS} {CONSONANTS}, {PRIMARY} {SECONDARY} before vowels, {STOPS}")
    found, stress = "", ""
    for sign in text:
        if sign in PRIMARY + SECONDARY:
            stress = sign
        elif sign in VOWELS:
            found, stress = found + stress + sign, ""
        else:
            found += sign
    return found

"""Words as they are written, that no lexicon has -> their phonemes: endings, acronyms and whatever else is in the way included."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from melodia.checkpoint import DEFAULTS
from melodia.pronunciation.lexicon import ENDINGS, letters_apart, plural
from melodia.pronunciation.phonemes import PRIMARY, SECONDARY
from melodia.spelling.checkpoint import load_spelling
from melodia.spelling.codes import LONGEST
from melodia.spelling.model import SpellingModel, spell
from melodia.text import LOOKS

VOWEL_LETTERS = frozenset("AEIOUY")
APOSTROPHES = {ending: say for ending, say in ENDINGS.items() if ending.startswith("'") or ending == "n't"}


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a word is said: what is spelled, or letters by their names, and an ending."""

    parts: tuple[str, ...] = ()
    letters: str = ""  # said so if the parts say nothing
    ending: Callable[[str], str] | None = None

    def said(self, spelled: dict[str, str]) -> str:
        """The phonemes, once those of the parts are known."""
        first, stress, others = "".join(spelled[part] for part in self.parts).partition(PRIMARY)
        said = first + stress + others.replace(PRIMARY, SECONDARY)
        said = said or letters_apart(self.letters)
        return self.ending(said) if said and self.ending else said


class Speller:
    """Says words. See the module."""

    def __init__(self, model: SpellingModel) -> None:
        self.model = model

    def __call__(self, words: Sequence[str]) -> dict[str, str]:
        """Phonemes of each word, with one primary stress if there is a vowel; "" where there are no letters."""
        plans = {word: _planned(word) for word in words}
        parts = list(dict.fromkeys(part for plan in plans.values() for part in plan.parts))
        spelled = dict(zip(parts, spell(self.model, parts), strict=True))
        return {word: plan.said(spelled) for word, plan in plans.items()}


def load_speller(name: str | Path = DEFAULTS["spelling"]) -> Speller:
    """The speller of a checkpoint, by name or folder, on the CPU.

    Errors are those of `melodia.checkpoint.load_model`.
    """
    return Speller(load_spelling(name))


def _planned(word: str) -> _Plan:
    word = unicodedata.normalize("NFKD", word.translate(LOOKS))
    word = re.sub("[^A-Za-z']", "", word)
    if word.lower().endswith("in'"):
        word = f"{word[:-1]}g"
    word, ending = _without_ending(word.strip("'"))
    letters = word.replace("'", "")
    if not letters:
        return _Plan()
    if ending is None and word.endswith("s") and _is_acronym(word[:-1]):
        letters, ending = letters[:-1], plural
    if len(letters) == 1 or _is_acronym(letters):
        return _Plan((), letters, ending)
    size = ceil(len(word) / ceil(len(word) / LONGEST))
    lower = word.lower()
    parts = tuple(lower[i : i + size].strip("'") for i in range(0, len(lower), size))
    return _Plan(tuple(filter(None, parts)), letters, ending)


def _without_ending(word: str) -> tuple[str, Callable[[str], str] | None]:
    """A word without a possessive or the like, and what adds that to phonemes; None if it has none."""
    for ending, say in APOSTROPHES.items():
        stem = word[: -len(ending)].rstrip("'")
        if stem and word.lower().endswith(ending):
            return stem, say
    return word, None


def _is_acronym(word: str) -> bool:
    """Whether letters are read one by one."""
    return len(word) > 1 and word.isupper() and not VOWEL_LETTERS.intersection(word)

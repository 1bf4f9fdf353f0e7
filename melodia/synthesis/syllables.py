"""Lyrics -> syllables: each a vowel with the consonants before and after it.

Consonants between two vowels of a word go to the second as far as English words begin with them (the maximal onset principle).
In lyrics `_` holds the syllable before it over one more note, and hyphens within a word are hints that are not needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from melodia.errors import ConfigError
from melodia.pronunciation.lexicon import look_up
from melodia.pronunciation.phonemes import VOWELS
from melodia.synthesis.reading import Unit, read
from melodia.synthesis.sentences import cleaned, is_read
from melodia.synthesis.words import Speller

NEVER_FIRST = "ŋ"  # of a syllable
BEGINNINGS = (
    "pl pɹ pj bl bɹ bj tɹ tw tj dɹ dw dj kl kɹ kw kj ɡl ɡɹ ɡw fl fɹ fj vj θɹ θw ʃɹ hj mj nj lj "
    "sp st sk sm sn sl sw sf spl spɹ spj stɹ stj skl skɹ skw skj"
)


@dataclass(frozen=True, slots=True)
class Syllable:
    """Units before the vowel, the vowel, those after it; over how many notes it is held at least."""

    onset: tuple[Unit, ...]
    vowel: Unit
    coda: tuple[Unit, ...]
    num_notes: int = 1


@dataclass(frozen=True, slots=True)
class Lyrics:
    """Words as they are spoken, and the syllables of each line, whose units count words through all lines."""

    words: tuple[str, ...]
    lines: tuple[tuple[Syllable, ...], ...]


def syllables_of(lyrics: str, speller: Speller | None = None, notices: Callable[[str], None] = lambda notice: None) -> Lyrics:
    """The words and syllables of lyrics, line by line; lines without a word, and what
    stands in square brackets, are left out.

    Raises:
        ConfigError: there is nothing in them that can be sung, a `_` stands before all words, or a line has no vowel.
    """
    words: list[str] = []
    lines = []
    for line in re.sub(r"\[[^\[\]\n]*\]", " ", cleaned(lyrics)).splitlines():  # [Chorus]
        found: list[Syllable] = []
        for written, holds in re.findall(r"([^_]*)(_[_\s]*|$)", line):
            if any(is_read(sign) for sign in set(written)):
                found += _syllables(joined(written), words, speller, notices)
            if (held := holds.count("_")) and not found:
                raise ConfigError(f"lyrics: a _ holds the syllable before it, and there is none in {line.strip()[:40]!r}")
            if held:
                found[-1] = replace(found[-1], num_notes=found[-1].num_notes + held)
        lines += [tuple(found)] if found else []
    if not lines:
        raise ConfigError("lyrics: there is nothing in them that can be sung; give English words")
    return Lyrics(tuple(words), tuple(lines))


def joined(line: str) -> str:
    """A line without the hyphens that only part syllables: twin-kle, but not well-known."""

    def whole(match: re.Match[str]) -> str:
        word = match[0].replace("-", "")
        return word if look_up(word.lower()) else match[0]

    return re.sub(r"[A-Za-z']+(?:-[A-Za-z']+)+", whole, line)


def _syllables(line: str, words: list[str], speller: Speller | None, notices: Callable[[str], None]) -> list[Syllable]:
    """Adds the words of a line to those before, and gives its syllables."""
    found: list[Syllable] = []
    waiting: tuple[Unit, ...] = ()  # consonants of words without a vowel
    for sentence in read(line, markup=False, speller=speller, notices=notices):
        first = len(words)
        words += sentence.words
        for place in range(len(sentence.words)):
            units = [replace(unit, word=first + place) for unit in sentence.units if unit.word == place]
            parts = syllables_in(units)
            if parts:
                found += [replace(parts[0], onset=waiting + parts[0].onset), *parts[1:]]
                waiting = ()
            elif found:
                found[-1] = replace(found[-1], coda=found[-1].coda + tuple(units))
            else:
                waiting += tuple(units)
    if waiting:
        sung = "".join(unit.sign for unit in waiting)
        raise ConfigError(f"lyrics: {line.strip()[:40]!r} is said without a vowel ({sung}), and cannot be sung; write it otherwise")
    return found


def syllables_in(units: Sequence[Unit]) -> list[Syllable]:
    """The syllables of one word; none if it has no vowel."""
    vowels = [place for place, unit in enumerate(units) if unit.sign in VOWELS]
    begins = [0, *(_boundary(units, a, b) for a, b in pairwise(vowels))]
    ends = [*begins[1:], len(units)]
    return [
        Syllable(tuple(units[begin:vowel]), units[vowel], tuple(units[vowel + 1 : end]))
        for begin, vowel, end in zip(begins, vowels, ends, strict=False)
    ]


def _boundary(units: Sequence[Unit], before: int, after: int) -> int:
    """Where the syllable of the vowel at `after` begins."""
    for begin in range(before + 1, after):
        cluster = "".join(unit.sign for unit in units[begin:after])
        if cluster in BEGINNINGS.split() or (len(cluster) == 1 and cluster not in NEVER_FIRST):
            return begin
    return after

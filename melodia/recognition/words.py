"""A list of words for `search`: a vocabulary to prefer, or the only one there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.pronunciation.lexicon import look_up
from melodia.recognition.search import SPACE
from melodia.text import ALPHABET, letters_of, spoken

END = 0  # key in the tree where a word ends
BOOST = 3.5  # nats a letter: about what a language model asks for those of a name that it has not read
BOOST_ALONE = 1.5  # where there are no other words, and no language model
MOST_WORDS = 200_000

Tree = dict[int, Any]


class Place(NamedTuple):
    """Where a text stands in the list: None where its last word is none of the list. `gained` is lost if it stays so."""

    tree: Tree | None
    gained: float


class WordList:
    """Prefers words, or with `only` refuses all others."""

    def __init__(self, words: Iterable[str], *, only: bool = False, boost: float | None = None) -> None:
        """Takes words, and the words of phrases.

        Raises:
            ConfigError: there are none that can be spoken, or too many, or the boost is out of range.
        """
        boost = (BOOST_ALONE if only else BOOST) if boost is None else boost
        check_range("boost", boost, 0, 100)
        self.words = sorted({word for phrase in words for word in spoken(phrase).split()})
        if not self.words:
            raise ConfigError("words: there are none in the list; give some, one a line or between commas")
        if len(self.words) > MOST_WORDS:
            raise ConfigError(f"words: {len(self.words)} are too many; give at most {MOST_WORDS}")
        self.only, self.boost = only, boost
        self.tree: Tree = {}
        for word in self.words:
            node = self.tree
            for letter in letters_of(word):
                node = node.setdefault(letter, {})
            node[END] = {}

    def begin(self) -> Place:
        """Before the first letter."""
        return Place(self.tree, 0.0)

    def step(self, place: Place, letter: int) -> tuple[Place, float]:
        """After a letter more (see `melodia.text.letters_of`), and the nats that adds to the score; -inf refuses it."""
        tree, gained = place
        if letter == SPACE:
            return self.begin(), self.end(place)
        if tree is not None and letter in tree:
            return Place(tree[letter], gained + self.boost), self.boost
        return Place(None, 0.0), -inf if self.only else -gained

    def end(self, place: Place) -> float:
        """The nats that are added where a word ends: what it had gained is taken back if it is none of the list."""
        whole = place.tree is not None and END in place.tree
        if self.only and not whole and place.tree is not self.tree:
            return -inf
        return 0.0 if whole else -place.gained


def word_list(words: Iterable[str] | None, only: bool) -> WordList | None:
    """A list of words, if any are given.

    Raises:
        ConfigError: none are, but only they are to be heard; or see `WordList`.
    """
    if words is None and only:
        raise ConfigError("only-words: it needs the words, as in --words yes,no")
    return None if words is None else WordList(words, only=only)


class Vocabulary:
    """Makes words that no dictionary has less likely, but for those of a list."""

    def __init__(self, unknown_word: float, listed: WordList | None = None) -> None:
        """`unknown_word`: nats that a word loses which is in neither."""
        in_dictionary("the")  # reads the dictionary now, not amid the first recording
        self.unknown_word, self.listed = unknown_word, listed
        self.of_list = frozenset(listed.words if listed else ())

    def begin(self) -> tuple[str, Place | None]:
        """Before the first letter: the letters of the word so far, and the place in the list."""
        return "", self.listed.begin() if self.listed else None

    def step(self, place: tuple[str, Place | None], letter: int) -> tuple[tuple[str, Place | None], float]:
        """After a letter more, and the nats that adds to the score."""
        word, of_list = place
        gain = 0.0
        if self.listed and of_list:
            of_list, gain = self.listed.step(of_list, letter)
        if letter == SPACE:
            return ("", of_list), gain - self._lost(word)
        return (word + ALPHABET[letter - 1], of_list), gain

    def end(self, place: tuple[str, Place | None]) -> float:
        """The nats that are added where a text ends."""
        word, of_list = place
        return (self.listed.end(of_list) if self.listed and of_list else 0.0) - self._lost(word)

    def _lost(self, word: str) -> float:
        return 0.0 if not word or word in self.of_list or in_dictionary(word) else self.unknown_word


@lru_cache(maxsize=100_000)
def in_dictionary(word: str) -> bool:
    """Whether a word has a known pronunciation, or is a letter."""
    return len(word) == 1 or look_up(word) is not None


def parse_words(text: str) -> Sequence[str]:
    """Words between commas, or a file of them, one a line.

    Raises:
        ConfigError: the file cannot be read.
    """
    path = Path(text)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it
        is_file = False
    if (
        not is_file
        and "," not in text
        and ("/" in text or (text.strip() and path.is_dir()) or re.fullmatch(r"\S+\.[a-z]{2,4}", text))
    ):
        raise ConfigError(f"words: {text:.80}: no such file; give a file with a word a line, or words between commas")
    if not is_file:
        return text.split(",")
    try:
        return [line for line in path.read_text("utf-8-sig").splitlines() if not line.startswith("#")]
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"words: {text:.80}: cannot be read: {error}") from error

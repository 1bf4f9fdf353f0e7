"""Beam search for the likeliest text of a sequence of letter probabilities.

Prefix search (Graves et al. 2006; figure 2 of Hannun et al. 2014, arXiv 1408.2873): the paths of a text are summed as it
grows letter by letter, those that end in a blank apart from those that end in its last letter. A language model and a word
list weigh in with each letter. Unpruned, and with neither, its scores are the exact probabilities of `ctc.log_prob_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log1p
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.recognition.ctc import BLANK, LogProbs
from melodia.text import letters_of

SPACE = letters_of(" ")[0]  # the letter between words
END = 0  # of a text, among what a language model expects


class WordModel(Protocol):
    """What a model of words is to the second look at what the search leaves, see `rescore`."""

    def log_prob(self, words: Sequence[str]) -> float:
        """The logarithm of the probability of some words in a row."""


class Language(Protocol):
    """What a language model is to the search. A state belongs to a text and its model."""

    @property
    def trigrams(self) -> WordModel | None:
        """Its model of words, if it has one."""

    def begin(self) -> tuple[Any, NDArray[np.float32]]:
        """The state before the first letter, and (letters,) logarithms of what may come; index 0 is the end of the text."""

    def advance(self, states: Sequence[Any], letters: Sequence[int]) -> tuple[Sequence[Any], NDArray[np.float32]]:
        """The states after a letter more, and what may come: (texts, letters)."""


class Words(Protocol):
    """What a word list is to the search."""

    def begin(self) -> Any:
        """The place before the first letter."""

    def step(self, place: Any, letter: int) -> tuple[Any, float]:
        """The place after a letter more, and what is added to the score: -inf refuses it."""

    def end(self, place: Any) -> float:
        """What is added where a text ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """How much is looked at. `language_weight` and `letter_bonus` weigh the language model against the sound."""

    width: int = 16  # texts kept a frame
    lowest: float = -8.0  # logarithm of a letter's probability below which a frame does not say it
    distance: float = 14.0  # by which a text may stand behind the best
    language_weight: float = 0.5
    letter_bonus: float = 0.5
    unknown_word: float = 0.0  # nats that a word loses which no dictionary has, where there is a language model
    sound_weight: float = 0.0  # of phonemes, and of words, in a second look at what is left, where there is a language model
    word_weight: float = 0.0

    def __post_init__(self) -> None:
        check_range("width", self.width, 1, 1_000_000)
        check_range("language_weight", self.language_weight, 0, 10)
        check_range("letter_bonus", self.letter_bonus, -10, 10)
        check_range("unknown_word", self.unknown_word, 0, 100)
        check_range("sound_weight", self.sound_weight, 0, 10)
        check_range("word_weight", self.word_weight, 0, 10)
        check_range("distance", self.distance, 0)
        check_range("lowest", self.lowest, -1e9, 0)


class Found(list[int]):
    """The letters of a text, with `score`: what the search ranked it by."""

    score: float = -inf


class _Text:
    """A text in the search, as a node of the tree of all of them."""

    __slots__ = (
        "added",
        "blank",
        "children",
        "extra",
        "last",
        "letter",
        "new_blank",
        "new_letter",
        "next",
        "parent",
        "place",
        "state",
    )

    def __init__(self, parent: _Text | None, letter: int, extra: float, place: Any) -> None:
        self.parent, self.last = parent, letter
        self.extra = extra  # what language, words and bonus add to the score
        self.place = place  # in the word list
        self.children: dict[int, _Text] = {}
        self.blank = self.letter = self.new_blank = self.new_letter = -inf  # log-probability of the paths that end so
        self.added = False  # to those of this frame
        self.state: Any = None  # of the language model
        self.next: NDArray[np.float32] | None = None  # what it expects

    def letters(self) -> list[int]:
        found, node = [], self
        while node.parent is not None:
            found.append(node.last)
            node = node.parent
        return found[::-1]


class Search:
    """Beam search over texts."""

    def __init__(self, config: SearchConfig, language: Language | None = None, words: Words | None = None) -> None:
        self.config, self.language, self.words = config, language, words

    def __call__(self, log_probs: LogProbs) -> Found:
        """The best text of a sequence of frames."""
        return self.texts(log_probs)[0]

    def texts(self, log_probs: LogProbs) -> list[Found]:
        """The texts that are left at the end, the best first; if the word list refuses all, one without its unfinished word."""
        root = _Text(None, BLANK, 0.0, self.words.begin() if self.words else None)
        root.blank = 0.0
        if self.language:
            root.state, root.next = self.language.begin()
        beam = [root]
        spoken = log_probs > self.config.lowest
        spoken[:, BLANK] = False
        for frame, chosen in zip(log_probs.tolist(), spoken, strict=True):
            beam = self._frame(beam, frame, np.flatnonzero(chosen).tolist())
        scored = sorted(((self._at_the_end(text), text) for text in beam), key=lambda pair: -pair[0])
        scored = [(score, text) for score, text in scored if score > -inf]
        if not scored:  # the word list refuses all: their last words are cut off
            letters = beam[0].letters()
            return [Found(letters[: len(letters) - letters[::-1].index(SPACE) - 1] if SPACE in letters else [])]
        found = [Found(text.letters()) for _, text in scored]
        for one, (score, _) in zip(found, scored, strict=True):
            one.score = score
        return found

    def _frame(self, beam: list[_Text], frame: list[float], letters: list[int]) -> list[_Text]:
        """The beam after a frame."""
        touched: list[_Text] = []
        for text in beam:
            both = added(text.blank, text.letter)
            text.new_blank = added(text.new_blank, both + frame[BLANK])
            if text.letter > -inf:
                text.new_letter = added(text.new_letter, text.letter + frame[text.last])
            if not text.added:
                text.added = True
                touched.append(text)
            for letter in letters:
                before = text.blank if letter == text.last else both
                child = text.children.get(letter) if before > -inf else None
                if before == -inf or (child is None and (child := self._child(text, letter)) is None):
                    continue
                child.new_letter = added(child.new_letter, before + frame[letter])
                if not child.added:
                    child.added = True
                    touched.append(child)
        for text in touched:
            text.blank, text.letter, text.new_blank, text.new_letter, text.added = (
                text.new_blank,
                text.new_letter,
                -inf,
                -inf,
                False,
            )
        return self._kept(touched)

    def _kept(self, texts: list[_Text]) -> list[_Text]:
        """The best of them, each knowing what its language model expects."""
        scored = [(added(t.blank, t.letter) + t.extra, i) for i, t in enumerate(texts)]
        scored.sort(key=lambda pair: -pair[0])
        floor = scored[0][0] - self.config.distance
        kept = [texts[i] for score, i in scored[: self.config.width] if score >= floor and score > -inf]
        for text in (texts[i] for _, i in scored[len(kept) :]):
            text.blank = text.letter = -inf  # it may come back with another frame
        if self.language:
            fresh = [t for t in kept if t.next is None and t.parent is not None]
            if fresh:
                states, rows = self.language.advance([t.parent.state for t in fresh if t.parent], [t.last for t in fresh])
                for text, state, row in zip(fresh, states, rows, strict=True):
                    text.state, text.next = state, row
        return kept or texts[:1]

    def _child(self, text: _Text, letter: int) -> _Text | None:
        """The text with a letter more, unless the word list refuses it."""
        extra, place = text.extra + self.config.letter_bonus, None
        if self.words:
            place, gain = self.words.step(text.place, letter)
            if gain == -inf:
                return None
            extra += gain
        if text.next is not None:
            extra += self.config.language_weight * float(text.next[letter])
        child = text.children[letter] = _Text(text, letter, extra, place)
        return child

    def _at_the_end(self, text: _Text) -> float:
        """The score of a text that is whole."""
        score = added(text.blank, text.letter) + text.extra
        if text.next is not None:
            score += self.config.language_weight * float(text.next[END])
        return score + (self.words.end(text.place) if self.words else 0.0)


def added(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -inf else a + log1p(exp(b - a))

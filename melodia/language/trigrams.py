"""How likely words are after the two before them: what a language model of letters, which learns slowly, lacks in detail.

Trigrams with interpolated Kneser-Ney smoothing (Kneser and Ney 1995; Chen and Goodman 1999), counted in a moment, as sorted
numbers: three words' numbers make one, which is searched for. A word that was read once or never is `UNKNOWN`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from melodia.errors import CheckpointError
from melodia.files import why_not_written, write_atomically

FILE = "words.npz"  # in a checkpoint's folder
EDGE, UNKNOWN = 0, 1  # before a sentence and after it; a word that is not known
FEWEST = 2  # times that a word is read to be known, and three in a row to be kept
UNSEEN = 20_000  # words that are not known, about: they share what UNKNOWN has
KEYS, LOGS = ("pairs", "threes"), ("single", "single_left", "pair", "pair_left", "three")  # the arrays of a model
Keys = NDArray[np.int64]
Logs = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trigrams:
    """`pairs` and `threes` are numbers of two and three words in a row, sorted; logarithms are natural ones."""

    numbers: dict[str, int]
    single: Logs  # (words,) of a word alone
    single_left: Logs  # (words,) what is left after a word for words that never followed it
    pairs: Keys
    pair: Logs  # of the second word after the first
    pair_left: Logs  # what is left after both for words that never followed them
    threes: Keys
    three: Logs  # of the third word after the two

    def log_prob(self, words: Sequence[str]) -> float:
        """The logarithm of the probability of a sentence."""
        line = np.array([EDGE, EDGE, *(self.numbers.get(word, UNKNOWN) for word in words), EDGE], np.int64)
        return float(self.log_probs(line[:-2], line[1:-1], line[2:]).sum())

    def log_probs(self, first: Keys, second: Keys, third: Keys) -> Logs:
        """(words,) of each third word after the two."""
        size = len(self.single)
        at_two, two = _found(self.pairs, second * size + third)
        at_before, before = _found(self.pairs, first * size + second)
        at_three, three = _found(self.threes, (first * size + second) * size + third)
        plain = np.where(two, self.pair[at_two], self.single_left[second] + self.single[third])
        logs = np.where(three, self.three[at_three], np.where(before, self.pair_left[at_before], 0) + plain)
        return np.asarray(logs - np.where(third == UNKNOWN, np.log(UNSEEN), 0), np.float32)

    def save(self, path: Path) -> None:
        """Writes it, whole or not at all.

        Raises:
            CheckpointError: it cannot be written.
        """
        logs = {name: getattr(self, name).astype(np.float16) for name in LOGS}
        keys = {name: np.diff(getattr(self, name), prepend=0) for name in KEYS}  # small numbers, which pack well
        file = BytesIO()
        np.savez_compressed(file, words=np.array("\n".join(self.numbers)), **logs, **keys)
        try:
            write_atomically(path, file.getvalue())
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be written: {why_not_written(error, path)}") from error


def load_trigrams(path: Path) -> Trigrams:
    """What `Trigrams.save` wrote.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            numbers = {word: number for number, word in enumerate(str(held["words"]).split("\n"), UNKNOWN + 1)}
            logs = {name: held[name].astype(np.float32) for name in LOGS}
            keys = {name: np.cumsum(held[name]) for name in KEYS}
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error
    return Trigrams(numbers=numbers, **logs, **keys)


def count_trigrams(sentences: Sequence[Sequence[str]]) -> Trigrams:
    """A model of some sentences, each a list of words; without any, of one that is empty."""
    sentences = sentences or [[]]
    counts = Counter(word for sentence in sentences for word in sentence)
    numbers = {word: i for i, word in enumerate(sorted(w for w, count in counts.items() if count >= FEWEST), UNKNOWN + 1)}
    size = len(numbers) + UNKNOWN + 1
    first, second, third = _in_threes(sentences, numbers)
    found, times = np.unique((first * size + second) * size + third, return_counts=True)
    pairs, before = np.unique(np.append(found % size**2, EDGE), return_counts=True)  # how many words are before each pair
    before[0] -= 1  # which stands for what is before a sentence, and never was read
    single = _smoothed(np.bincount(pairs % size, minlength=size), np.zeros(size, np.int64), np.full(size, 1 / size))[0]
    pair, left = _smoothed(before, pairs // size, single[pairs % size])
    single_left = np.ones(size)
    single_left[pairs // size] = left
    at = np.searchsorted(pairs, found % size**2)
    least = min(FEWEST, int(times.max()))
    three, left = _smoothed(times, found // size, pair[at], least)
    pair_left = np.ones(len(pairs))
    pair_left[np.searchsorted(pairs, found // size)] = left
    kept = times >= least
    return Trigrams(
        numbers=numbers,
        single=_log(single),
        single_left=_log(single_left),
        pairs=pairs,
        pair=_log(pair),
        pair_left=_log(pair_left),
        threes=found[kept],
        three=_log(three[kept]),
    )


def _in_threes(sentences: Sequence[Sequence[str]], numbers: dict[str, int]) -> tuple[Keys, Keys, Keys]:
    """Each word and the end of each sentence, with the two words before it."""
    line = np.fromiter(
        (n for sentence in sentences for n in (EDGE, EDGE, *(numbers.get(word, UNKNOWN) for word in sentence), EDGE)), np.int64
    )
    starts = np.cumsum([0, *(len(sentence) + 3 for sentence in sentences)])[:-1]
    inside = np.ones(len(line), bool)
    inside[starts] = inside[starts + 1] = False
    at = np.flatnonzero(inside)
    return line[at - 2], line[at - 1], line[at]


def _smoothed(
    counts: Keys, contexts: Keys, below: NDArray[np.float64], least: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The probability of each of some words in its context, and what is left there for all others.

    Args:
        counts: of each.
        contexts: of each, sorted.
        below: the probability of each in the shorter context.
        least: words that were counted less often are among the others.
    """
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    discount = once / (once + 2 * twice) if once else 0.5
    taken = np.where(counts >= least, np.maximum(counts - discount, 0), 0)
    context = np.unique(contexts, return_inverse=True)[1]
    total = np.bincount(context, counts)
    left = 1 - np.bincount(context, taken) / total
    return taken / total[context] + left[context] * below, left[context]


def _log(x: NDArray[np.float64]) -> Logs:
    return np.log(np.maximum(x, 1e-30)).astype(np.float32)


def _found(keys: Keys, wanted: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where they are among the keys, and whether they are."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted

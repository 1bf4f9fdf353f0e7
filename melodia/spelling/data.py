"""Prepared lists of words as batches for the trainer: words of like length together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.corpus import Corpus
from melodia.spelling.codes import phonemes_of, word_of
from melodia.spelling.model import Batch
from melodia.training.task import Loaded, Position, share_of_batch

POOL = 24  # batches of words that are sorted by length together
Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """`batch_size` words each."""

    batch_size: int = 64
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1, 65_536)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


class Words(NamedTuple):
    """Words and their phonemes, see `melodia.spelling.codes`, 0 past their ends."""

    letters: Codes  # (words, letters)
    num_letters: NDArray[np.int64]
    signs: Codes  # (words, signs)
    num_signs: NDArray[np.int64]

    def texts(self) -> tuple[list[str], list[str]]:
        """Words, and their phonemes."""
        return (
            [word_of(row[:count]) for row, count in zip(self.letters.tolist(), self.num_letters.tolist(), strict=True)],
            [phonemes_of(row[:count]) for row, count in zip(self.signs.tolist(), self.num_signs.tolist(), strict=True)],
        )

    def chosen(self, places: NDArray[np.int64]) -> Words:
        """Some of them."""
        return Words(self.letters[places], self.num_letters[places], self.signs[places], self.num_signs[places])

    def batch(self) -> Batch:
        """All of them as a batch."""
        letters, signs = self.letters[:, : self.num_letters.max()], self.signs[:, : self.num_signs.max()]
        return Batch(*(torch.from_numpy(of.astype(np.int64)) for of in (letters, self.num_letters, signs, self.num_signs)))


def words_of(corpus: Corpus, split: str) -> Words:
    """All words of a split.

    Raises:
        CorpusError: there are none.
    """
    rows: list[NDArray[np.int64] | Codes] = []
    for name in ("letter", "sign"):
        counts = np.concatenate(list(corpus.pieces(split, f"{name}_counts"))).astype(np.int64)
        padded = np.zeros((len(counts), counts.max()), dtype=np.uint8)
        padded[np.arange(counts.max()) < counts[:, None]] = np.concatenate(list(corpus.pieces(split, f"{name}s")))
        rows += [padded, counts]
    return Words(*rows)  # type: ignore[arg-type]


def lots(lengths: NDArray[np.int64], batch_size: int, seed: list[int]) -> list[NDArray[np.int64]]:
    """Places in `lengths`, each once, in batches of like length and in a random order."""
    random = np.random.default_rng(seed)
    order, found = random.permutation(len(lengths)), []
    for first in range(0, len(order), POOL * batch_size):
        pool = order[first : first + POOL * batch_size]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        found += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [found[i] for i in random.permutation(len(found))]


def batches(
    words: Words, config: DataConfig, part: int = 0, num_parts: int = 1, position: Position | None = None
) -> Iterator[Loaded]:
    """Batches without end, from a position on; a part has every `num_parts`-th word of each.

    Args:
        words: of the training split.
        config: see there.
        part: which part.
        num_parts: of how many.
        position: epoch and batch to begin at.

    Raises:
        ConfigError: the batch cannot be cut into so many parts.
    """
    share_of_batch(config.batch_size, num_parts)
    epoch, number = position[0] if position else (0, 0)
    while True:
        chosen = lots(words.num_letters, config.batch_size, [config.random_seed, epoch])
        while number < len(chosen):
            mine = chosen[number][part::num_parts]
            mine = mine if len(mine) else chosen[number][:1]  # fewer than parts: one is read twice
            number += 1
            yield Loaded(words.chosen(mine).batch(), [[epoch, number]], epoch + number / len(chosen), carried=False)
        epoch, number = epoch + 1, 0

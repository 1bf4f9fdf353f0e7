"""Items of several lengths in lots of like length, so that little of a batch is padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

POOL = 1500  # items that are sorted by length together


def in_batches(turns: NDArray[np.int64], lengths: NDArray[np.int64], most: int, seed: list[int]) -> list[NDArray[np.int64]]:
    """Places in `turns`, in lots of like length and at most so many frames before they are augmented, in a random order."""
    random = np.random.default_rng(seed)
    order, lots = random.permutation(len(turns)), []
    for first in range(0, len(order), POOL):
        pool = order[first : first + POOL]
        pool = pool[np.argsort(lengths[turns[pool]], kind="stable")]
        while len(pool):
            longest = np.maximum.accumulate(lengths[turns[pool]])
            count = max(int((longest * np.arange(1, len(pool) + 1) <= most).sum()), 1)
            lots.append(pool[:count])
            pool = pool[count:]
    return [lots[i] for i in random.permutation(len(lots))]

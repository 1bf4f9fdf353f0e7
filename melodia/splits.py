"""Near-duplicates, and a split of a corpus that they do not leak through.

Pieces that are near-duplicates of each other, transposed, re-titled or cut, are one group and never in
two splits. Likeness is that of sets, estimated by MinHash (Broder 1997) and searched for by banding.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melodia.recipe import SPLITS

NUM_HASHES = 64
BAND = 2  # hashes a band of the search for candidates
BLOCK = 65_536  # pairs compared at once
SMALL = 100  # groups, below which the share held out is exact

Signature = NDArray[np.uint32]  # (NUM_HASHES,)


def minhash(shingles: Sequence[int]) -> Signature:
    """The MinHash of a set: signatures agree in the share that the sets have in common."""
    if not shingles:
        raise ValueError("an empty set has no signature")
    random = np.random.default_rng(0)
    factors = random.integers(1, 1 << 31, (NUM_HASHES, 1), dtype=np.uint64)
    shifts = random.integers(0, 1 << 31, (NUM_HASHES, 1), dtype=np.uint64)
    values = np.unique(np.asarray(shingles, dtype=np.uint64) & np.uint64(0x7FFFFFFF))
    signature = np.full(NUM_HASHES, 0x7FFFFFFF, dtype=np.uint64)
    for i in range(0, len(values), 1024):
        block = ((values[None, i : i + 1024] * factors + shifts) % np.uint64(0x7FFFFFFF)).min(axis=1)
        signature = np.minimum(signature, block)
    return signature.astype(np.uint32)


def near_duplicates(signatures: NDArray[np.uint32], threshold: float) -> NDArray[np.int64]:
    """The group of each piece: the smallest index among those that are alike, one to the next.

    Args:
        signatures: (pieces, NUM_HASHES).
        threshold: the share in common from which two are alike.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    num_pieces = len(signatures)
    pairs: list[NDArray[np.int64]] = [np.zeros((0, 2), dtype=np.int64)]
    for band in range(0, NUM_HASHES, BAND):
        keys = signatures[:, band].astype(np.uint64) << np.uint64(32) | signatures[:, band + 1]
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        first = order[np.searchsorted(keys[order], keys[order])]
        for i in range(0, len(same), BLOCK):
            a, b = order[same[i : i + BLOCK]], order[same[i : i + BLOCK] + 1]
            for one, other in ((a, b), (first[same[i : i + BLOCK]], b)):  # with its neighbour, and with the first of the bucket
                alike = (signatures[one] == signatures[other]).mean(axis=1) >= threshold
                pairs.append(np.stack([one[alike], other[alike]], axis=1))
    edges = np.unique(np.concatenate(pairs), axis=0)
    graph = coo_array((np.ones(len(edges), dtype=bool), (edges[:, 0], edges[:, 1])), shape=(num_pieces, num_pieces))
    labels = connected_components(graph, directed=False)[1]
    _, first = np.unique(labels, return_index=True)
    groups: NDArray[np.int64] = first[labels]
    return groups


def assign_splits(groups: Sequence[int], names: Sequence[str], given: Sequence[str | None], held_out: float) -> list[str]:
    """A split for each piece, the same for a whole group.

    Where a piece of the group has a given split, the strictest wins (test over valid over train); else
    a hash of the group's name puts `held_out` of the groups in valid and as many in test, so a piece
    stays where it is when others join. Below `SMALL` groups they are counted out by that hash, two each from
    20 groups on, one each from three on, and train has one at least.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    chosen: dict[int, str] = {}
    draws: dict[int, float] = {}
    for group, indices in members.items():
        wanted = {given[i] for i in indices if given[i]}
        if wanted:
            chosen[group] = next(s for s in reversed(SPLITS) if s in wanted)
        else:
            name = names[group].encode("utf-8", "surrogateescape")
            draws[group] = int.from_bytes(hashlib.sha256(name).digest()[:4], "big") / 2**32
    by_draw = sorted(draws, key=lambda g: draws[g])
    if len(members) < SMALL:
        count = max(round(held_out * len(by_draw)), 2 if len(by_draw) >= 20 else 1)
        num_test = min(count, max((len(by_draw) - 1) // 2, 0))
        num_valid = min(count, max(len(by_draw) - num_test - 1, 0))
    else:
        num_test = sum(draw < held_out for draw in draws.values())
        num_valid = sum(draw < 2 * held_out for draw in draws.values()) - num_test
    for rank, group in enumerate(by_draw):
        chosen[group] = "test" if rank < num_test else "valid" if rank < num_test + num_valid else "train"
    return [chosen[group] for group in groups]

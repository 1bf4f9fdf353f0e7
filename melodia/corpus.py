"""Prepared corpora: pieces as memory-mapped rows, with a manifest that says where each came from.

A prepared folder holds `manifest.json` (settings, sources, and for each piece its source, split,
group, first row and number of rows), `rows.npy` (all pieces one after another) and `rejected.tsv`
(what could not be read, and why). The split goes by groups: pieces that are near-duplicates of each
other, transposed, re-titled or cut, are one group and never in two splits.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodia.errors import CorpusError
from melodia.files import temporary_beside, write_json

FORMAT = 1
SPLITS = ("train", "valid", "test")
NUM_HASHES = 64
BAND = 2  # hashes a band of the search for candidates


@dataclass(slots=True)
class Entry:
    """One piece of a prepared corpus."""

    source: str  # the corpus
    path: str  # within it
    split: str
    group: int
    first_row: int = 0
    num_rows: int = 0


class Corpus:
    """A prepared folder, opened; its rows stay on the disk until they are read."""

    def __init__(self, folder: str | Path) -> None:
        """Opens a prepared folder.

        Raises:
            CorpusError: it is not one, is damaged, or is of another version.
        """
        self.folder = Path(folder)
        try:
            self.manifest: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
            self.rows = np.load(self.folder / "rows.npy", mmap_mode="r")
        except FileNotFoundError as error:
            raise CorpusError(f"{self.folder}: not a prepared corpus; make one with `melodia prepare`") from error
        except (OSError, ValueError, EOFError) as error:
            raise CorpusError(f"{self.folder}: damaged ({error}); prepare it again") from error
        version = self.manifest.get("format") if isinstance(self.manifest, dict) else None
        if version != FORMAT:
            raise CorpusError(f"{self.folder}: of format {version}, not {FORMAT}; prepare it again")
        try:
            self.entries = [Entry(**e) for e in self.manifest["pieces"]]
        except (KeyError, TypeError) as error:
            raise CorpusError(f"{self.folder}: damaged manifest ({error}); prepare it again") from error

    def all_pieces(self) -> list[NDArray[np.int16]]:
        """The rows of each piece, in the order of `entries`."""
        return [self.rows[e.first_row : e.first_row + e.num_rows] for e in self.entries]

    def pieces(self, split: str) -> list[NDArray[np.int16]]:
        """The rows of each piece of a split.

        Raises:
            CorpusError: the split is empty.
        """
        found = [rows for e, rows in zip(self.entries, self.all_pieces(), strict=True) if e.split == split]
        if not found:
            raise CorpusError(f"{self.folder}: no pieces in its {split} split; prepare more music, or with a larger --held-out")
        return found


def write_corpus(
    folder: Path, pieces: Sequence[tuple[Entry, NDArray[np.int16]]], rejected: Iterable[tuple[str, str]], settings: dict[str, Any]
) -> None:
    """Writes a prepared folder, whole or not at all."""
    first = 0
    for entry, rows in pieces:
        entry.first_row, entry.num_rows = first, len(rows)
        first += len(rows)
    with temporary_beside(folder, is_folder=True) as temporary:
        np.save(temporary / "rows.npy", np.concatenate([rows for _, rows in pieces]))
        lines = "".join(f"{path}\t{reason}\n" for path, reason in rejected)
        (temporary / "rejected.tsv").write_text("path\treason\n" + lines, encoding="utf-8", errors="backslashreplace")
        write_json(temporary / "manifest.json", {"format": FORMAT, **settings, "pieces": [asdict(e) for e, _ in pieces]})


def minhash(shingles: Sequence[int]) -> NDArray[np.uint64]:
    """The MinHash of a set (Broder 1997): signatures agree in the share that the sets have in common."""
    random = np.random.default_rng(0)
    factors = random.integers(1, 1 << 31, (NUM_HASHES, 1), dtype=np.uint64)
    offsets = random.integers(0, 1 << 31, (NUM_HASHES, 1), dtype=np.uint64)
    if not shingles:
        raise ValueError("an empty set has no signature")
    values = np.unique(np.asarray(shingles, dtype=np.uint64) & np.uint64(0x7FFFFFFF))
    signature: NDArray[np.uint64] = ((values[None] * factors + offsets) % np.uint64(0x7FFFFFFF)).min(axis=1)
    return signature


def near_duplicates(signatures: Sequence[NDArray[np.uint64]], threshold: float) -> list[int]:
    """The group of each piece: the smallest index among those that are alike, one to the next."""
    parent = list(range(len(signatures)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for band in range(0, NUM_HASHES, BAND):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for i, signature in enumerate(signatures):
            buckets[signature[band : band + BAND].tobytes()].append(i)
        for bucket in buckets.values():
            for i, j in pairwise(bucket):
                a, b = root(i), root(j)
                if a != b and float((signatures[i] == signatures[j]).mean()) >= threshold:
                    parent[max(a, b)] = min(a, b)
    return [root(i) for i in range(len(signatures))]


def assign_splits(groups: Sequence[int], names: Sequence[str], given: Sequence[str | None], held_out: float) -> list[str]:
    """A split for each piece, the same for a whole group.

    Where a piece of the group has a given split, the strictest wins (test over valid over train); else
    a hash of the group's name puts `held_out` of the groups in valid and as many in test.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    splits = [""] * len(groups)
    for group, indices in members.items():
        wanted = {given[i] for i in indices if given[i]}
        if wanted:
            split = next(s for s in reversed(SPLITS) if s in wanted)
        else:
            draw = int.from_bytes(hashlib.sha256(names[group].encode("utf-8", "surrogateescape")).digest()[:4], "big") / 2**32
            split = "test" if draw < held_out else "valid" if draw < 2 * held_out else "train"
        for i in indices:
            splits[i] = split
    trained_on = [group for group in members if splits[group] == "train"]
    if "valid" not in splits and len(trained_on) > 1:  # few pieces: one group to validate on, whatever the hash says
        for i in members[trained_on[-1]]:
            splits[i] = "valid"
    return splits

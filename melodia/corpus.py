"""Prepared corpora: pieces as memory-mapped rows, with a manifest that says where each came from.

A prepared folder, made by `preparation`, holds `manifest.json` (settings, sources, counts, the hash of each
shard), `rejected.tsv` (what could not be read, and why) and `shards/`, with a table of a `Record` a line.
Only numbers are kept in memory, some 60 bytes a piece; rows are read from the disk when they are used,
each shard after a look at its hash.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

import melodia
from melodia.config import from_json
from melodia.errors import CorpusError
from melodia.files import temporary_beside, write_json
from melodia.recipe import SPLITS
from melodia.representation import Record
from melodia.shards import FORMAT, check_shard, file_sha256


class Corpus:
    """A prepared folder, opened."""

    def __init__(self, folder: str | Path) -> None:
        """Opens a prepared folder.

        Raises:
            CorpusError: it is not one, is damaged, or is of another version.
        """
        self.folder = Path(folder)
        self.manifest = self._read_manifest()
        self._open: dict[tuple[int, int], NDArray[Any]] = {}
        self._lock = Lock()
        table = self.folder / "shards" / str(self.manifest["pieces"])
        try:
            whole = file_sha256(table)[:16] == table.name.partition(".")[0]
        except OSError:
            whole = False
        if not whole:
            raise CorpusError(f"{table}: damaged; prepare it again")
        try:
            self.arrays: list[str] = list(self.manifest["arrays"])
            self._shards = list(self.manifest["shards"])
            number = {name: i for i, name in enumerate(self._shards)}
            rows = [(number[r.shard], SPLITS.index(r.split), r.derived, r.size, *r.first_rows, *r.num_rows) for r in self.records()]
            self._table = np.array(rows, dtype=np.int64).reshape(len(rows), 4 + 2 * len(self.arrays))
        except (LookupError, ValueError, TypeError) as error:
            raise CorpusError(f"{self.folder}: damaged ({error}); prepare it again") from error

    def _read_manifest(self) -> dict[str, Any]:
        path = self.folder / "manifest.json"
        try:
            manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            if (self.folder / "shards").is_dir():
                raise CorpusError(
                    f"{self.folder}: its preparation failed or was stopped; run it again to go on, or to see why"
                ) from error
            raise CorpusError(f"{self.folder}: not a prepared corpus; make one with `melodia prepare`") from error
        except (OSError, ValueError) as error:
            raise CorpusError(f"{path}: damaged ({error}); prepare it again") from error
        version = manifest.get("format") if isinstance(manifest, dict) else None
        if version != FORMAT:
            raise CorpusError(f"{self.folder}: of format {version}, not {FORMAT}; prepare it again")
        missing = {"arrays", "counts", "domain", "pieces", "sha256", "shards", "sources"} - manifest.keys()
        if missing:
            raise CorpusError(f"{path}: damaged (no {', '.join(sorted(missing))}); prepare it again")
        return manifest

    def records(self) -> Iterator[Record]:
        """What is known of each piece, from the disk.

        Raises:
            CorpusError: the table is damaged.
        """
        path = self.folder / "shards" / self.manifest["pieces"]
        try:
            with path.open(encoding="ascii") as lines:
                for line in lines:
                    content = json.loads(line)
                    content[6], content[7] = tuple(content[6]), tuple(content[7])
                    yield Record(*content)
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise CorpusError(f"{path}: damaged ({error}); prepare it again") from error

    def made_for(self, features: Any) -> None:
        """Refuses a corpus whose spectrograms are not those of a model.

        Raises:
            CorpusError: it was prepared with other features.
        """
        if from_json(type(features), self.manifest["settings"]["features"], f"{self.folder}: features") != features:
            raise CorpusError(f"{self.folder}: prepared with other features than the model hears; prepare it anew")

    def pieces(self, split: str, array: str | None = None, derived: bool = True) -> Pieces:
        """The rows of each piece of a split, as a sequence that reads from the disk.

        Args:
            split: train, valid or test.
            array: which rows; the first kind by default.
            derived: whether those made of others belong to them.

        Raises:
            CorpusError: the split is empty.
        """
        chosen = self._table[:, 1] == SPLITS.index(split)
        if not derived:
            chosen &= self._table[:, 2] == 0
        if not chosen.any():
            share = "smaller" if split == "train" else "larger"
            raise CorpusError(f"{self.folder}: no pieces in its {split} split; prepare more music, or with a {share} --held-out")
        return Pieces(self, self._table[chosen], self.arrays.index(array) if array else 0)

    def rows(self, shard: int, array: int) -> NDArray[Any]:
        """One of a shard's arrays, memory-mapped.

        Raises:
            CorpusError: it is damaged.
        """
        with self._lock:
            if (shard, array) not in self._open:
                name, kind = self._shards[shard], self.arrays[array]
                digest = self.manifest["shards"][name].get(kind, "")
                self._open[shard, array] = check_shard(self.folder / "shards", name, kind, digest)
            return self._open[shard, array]


class Pieces(Sequence[NDArray[Any]]):
    """The pieces of a split, read when they are asked for."""

    def __init__(self, corpus: Corpus, table: NDArray[np.int64], array: int) -> None:
        self._corpus, self._table, self._array = corpus, table, array

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each."""
        return self._table[:, 4 + len(self._corpus.arrays) + self._array]

    @property
    def total(self) -> int:
        """Of what the corpus is measured in (notes, frames), in all."""
        return int(self._table[:, 3].sum())

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Pieces: ...
    def __getitem__(self, index: int | slice) -> NDArray[Any] | Pieces:
        if isinstance(index, slice):
            return Pieces(self._corpus, self._table[index], self._array)
        row = self._table[index]
        first, count = int(row[4 + self._array]), int(self.lengths[index])
        return self._corpus.rows(int(row[0]), self._array)[first : first + count]


def write_corpus(folder: Path, records: Sequence[Record], rejected: Sequence[tuple[str, str]], manifest: dict[str, Any]) -> None:
    """Writes the tables of a corpus whose shards are there, and last its manifest; then what an earlier one left goes.

    Raises:
        OSError: the disk is full.
    """
    digest = hashlib.sha256(json.dumps([FORMAT, manifest["representation"], manifest["settings"]]).encode())
    for record in records:
        digest.update(json.dumps([record.source, record.path, record.sha256, record.split, record.group]).encode())
    content = hashlib.sha256()
    for record in records:
        content.update(json.dumps(record).encode() + b"\n")
    shards, table = folder / "shards", f"{content.hexdigest()[:16]}.pieces.jsonl"
    with temporary_beside(shards / table) as temporary, temporary.open("wb") as out:
        out.writelines(json.dumps(record).encode() + b"\n" for record in records)
    with temporary_beside(folder / "rejected.tsv") as temporary:
        lines = "".join(f"{' '.join(path.split())}\t{reason}\n" for path, reason in rejected)
        temporary.write_text("path\treason\n" + lines, encoding="utf-8", errors="backslashreplace")
    facts = {"format": FORMAT, "code_version": melodia.__version__, "sha256": digest.hexdigest(), "pieces": table}
    write_json(folder / "manifest.json", facts | manifest)
    for path in shards.iterdir():
        if path.name != table and path.name.partition(".")[0] not in manifest["shards"]:
            with suppress(OSError):  # another process reads it, on Windows
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "rows.npy").unlink(missing_ok=True)  # of the format before this

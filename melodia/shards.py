"""Shards: the rows of some hundreds of files in one memory-mapped array a kind, with an index.

`<name>.<array>.npy` holds rows, `<name>.signatures.npy` what near-duplicates are found by, and
`<name>.json`, written last, what became of each file, so a shard whose index is there is whole. The name is a hash
of what went in: an old shard is never written over, and a corpus stays good until its manifest is
replaced. A file whose size and date an index knows is not read again; its rows are copied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.errors import CorpusError, MelodiaError
from melodia.files import read_limited, temporary_beside
from melodia.garbage import uncollected
from melodia.representation import Arrays, Derived, Reading, Record, Representation
from melodia.splits import NUM_HASHES

FORMAT = 2
MAX_BYTES = 2**30  # of one source file


class SourceFile(NamedTuple):
    """A file to read: its name in its corpus, and what tells whether it has changed."""

    name: str
    path: Path
    num_bytes: int
    modified_ns: int


class Row(NamedTuple):
    """What an index says of a file. Without a reason to reject it, `num_rows` tells its rows in each array."""

    name: str
    num_bytes: int
    modified_ns: int
    sha256: str
    num_rows: tuple[int, ...]
    size: int
    tag: str
    reason: str


class Index(NamedTuple):
    """A shard's index."""

    shard: str
    key: str  # of source, representation and settings
    source: str
    sha256: dict[str, str]  # of each array's file
    rows: list[Row]


class Known(NamedTuple):
    """Where an earlier run left a file."""

    shard: str
    row: Row
    piece: int  # which of the shard's pieces, -1 for a rejected one
    first_rows: tuple[int, ...]


def reading_key(representation: Representation, source: str) -> str:
    """What rows read earlier must agree in to be used again."""
    settings = {"format": FORMAT, "name": representation.name, "source": source, **representation.settings()}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def array_path(folder: Path, shard: str, array: str) -> Path:
    """The file of one of a shard's arrays."""
    return folder / f"{shard}.{array}.npy"


def read_index(path: Path) -> Index | None:
    """An index, or None if it is not one."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["check"] != _check_of(content["rows"]):
            return None
        rows = [Row(*row)._replace(num_rows=tuple(row[4])) for row in content["rows"]]
        return Index(path.stem, content["key"], content["source"], content["sha256"], rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_of(rows: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def known_files(index: Index, num_arrays: int) -> list[Known]:
    """What a shard holds, file by file."""
    first, piece, found = (0,) * num_arrays, 0, []
    for row in index.rows:
        found.append(Known(index.shard, row, -1 if row.reason else piece, first))
        if not row.reason:
            piece += 1
            first = tuple(a + b for a, b in zip(first, row.num_rows, strict=True))
    return found


def is_whole(folder: Path, index: Index) -> bool:
    """Whether the arrays are as they were written."""
    try:
        return all(file_sha256(array_path(folder, index.shard, a)) == digest for a, digest in index.sha256.items())
    except OSError:
        return False


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_shard(
    folder: Path, representation: Representation, source: str, files: Sequence[SourceFile], known: Sequence[Known | None]
) -> str:
    """Reads files into a shard, but for those that an earlier run has read; returns its name.

    Raises:
        OSError: the shard cannot be written.
    """
    rows, readings = [], []
    with uncollected():
        for file, old in zip(files, known, strict=True):
            row, reading = _reused(folder, representation, file, old) or _read(representation, file, folder, old)
            rows.append(row)
            readings.append(reading)
    return write_shard(folder, reading_key(representation, source), source, rows, [r for r in readings if r is not None])


def _reused(folder: Path, representation: Representation, file: SourceFile, old: Known | None) -> tuple[Row, Reading | None] | None:
    """What an earlier run made of a file, if its size and date are the same."""
    if old is None or (old.row.num_bytes, old.row.modified_ns) != (file.num_bytes, file.modified_ns):
        return None
    return _taken_over(folder, representation, old, old.row)


def _taken_over(folder: Path, representation: Representation, old: Known, row: Row) -> tuple[Row, Reading | None] | None:
    if row.reason:
        return row, None
    try:
        arrays: Arrays = {}
        for array, first, count in zip(representation.arrays, old.first_rows, row.num_rows, strict=True):
            arrays[array] = np.load(array_path(folder, old.shard, array), mmap_mode="r")[first : first + count]
        signatures = np.load(array_path(folder, old.shard, "signatures"), mmap_mode="r")
        return row, Reading(arrays, row.size, signatures[old.piece], row.tag)
    except (OSError, ValueError, IndexError):
        return None


def _read(representation: Representation, file: SourceFile, folder: Path, old: Known | None) -> tuple[Row, Reading | None]:
    digest = ""
    try:
        data = read_limited(file.path, MAX_BYTES)
        digest = _digest(representation, file.path, data)
        if old is not None and old.row.sha256 == digest:  # the date has changed, the music has not
            taken = _taken_over(folder, representation, old, old.row._replace(modified_ns=file.modified_ns))
            if taken:
                return taken
        reading = representation.read(file.path, data)
    except (MelodiaError, OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = " ".join(str(error).split())
        return Row(file.name, file.num_bytes, file.modified_ns, digest, (), 0, "", reason or type(error).__name__), None
    num_rows = tuple(len(reading.arrays[a]) for a in representation.arrays)
    return Row(file.name, file.num_bytes, file.modified_ns, digest, num_rows, reading.size, reading.tag, ""), reading


def _digest(representation: Representation, path: Path, data: bytes) -> str:
    """The hash of a file's bytes and of its companions'."""
    digest = hashlib.sha256(data)
    for beside in map(path.with_name, representation.companions(path.name)):
        if beside.is_file():
            digest.update(file_sha256(beside).encode())
    return digest.hexdigest()


def make_derived_shard(
    folder: Path, representation: Representation, derived: Sequence[Derived], parents: Sequence[Sequence[Record]]
) -> str:
    """Makes pieces of others into a shard of their own; returns its name.

    Raises:
        OSError: the shard cannot be written.
    """
    made_of = [" ".join([*(r.sha256 for r in of), *map(str, d.random_seed)]) for d, of in zip(derived, parents, strict=True)]
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in made_of]
    key, source = reading_key(representation, derived[0].source), derived[0].source
    name = shard_name(key, source, [(d.path, digest, "") for d, digest in zip(derived, digests, strict=True)])
    earlier = read_index(folder / f"{name}.json")
    if earlier is not None and is_whole(folder, earlier):
        return name
    rows, readings = [], []
    for piece, of, digest in zip(derived, parents, digests, strict=True):
        reading = representation.combine([rows_of(folder, representation.arrays, record) for record in of], piece)
        num_rows = tuple(len(reading.arrays[a]) for a in representation.arrays)
        rows.append(Row(piece.path, 0, 0, digest, num_rows, reading.size, reading.tag, ""))
        readings.append(reading)
    return write_shard(folder, key, source, rows, readings)


def shard_name(key: str, source: str, content: Sequence[tuple[str, str, str]]) -> str:
    """The name of a shard of files, each given by name, hash and reason to reject it."""
    return hashlib.sha256(json.dumps([key, source, content]).encode()).hexdigest()[:16]


def rows_of(folder: Path, arrays: Sequence[str], record: Record) -> Arrays:
    """The rows of a piece, memory-mapped."""
    found: Arrays = {}
    for array, first, count in zip(arrays, record.first_rows, record.num_rows, strict=True):
        found[array] = np.load(array_path(folder, record.shard, array), mmap_mode="r")[first : first + count]
    return found


def write_shard(folder: Path, key: str, source: str, rows: Sequence[Row], readings: Sequence[Reading]) -> str:
    """Writes a shard, its index last; returns its name.

    Raises:
        OSError: it cannot be written.
    """
    name = shard_name(key, source, [(r.name, r.sha256, r.reason) for r in rows])
    arrays: dict[str, NDArray[Any]] = {}
    if readings:
        arrays = {a: np.concatenate([r.arrays[a] for r in readings]) for a in readings[0].arrays}
    nothing = np.zeros(NUM_HASHES, dtype=np.uint32)
    signatures = [nothing if r.signature is None else r.signature for r in readings]
    arrays["signatures"] = np.stack(signatures) if signatures else np.zeros((0, NUM_HASHES), dtype=np.uint32)
    earlier = read_index(folder / f"{name}.json")
    digests = earlier.sha256 if earlier is not None and is_whole(folder, earlier) else {}
    for array, values in arrays.items() if not digests else ():  # the same content, maybe mapped by a reader
        path = array_path(folder, name, array)
        with temporary_beside(path) as temporary:
            np.save(temporary, values)
            digests[array] = file_sha256(temporary)
    index = {"format": FORMAT, "key": key, "source": source, "sha256": digests, "rows": rows, "check": _check_of(rows)}
    with temporary_beside(folder / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(index), encoding="ascii")
    return name


def check_shard(folder: Path, shard: str, array: str, sha256: str) -> NDArray[Any]:
    """Opens one of a shard's arrays, memory-mapped, after a look at its hash.

    Raises:
        CorpusError: it is missing or not as it was written.
    """
    path = array_path(folder, shard, array)
    mend = "run the same `melodia prepare` again, which reads its files anew"
    try:
        if file_sha256(path) != sha256:
            raise CorpusError(f"{path}: this shard is damaged; {mend}")
        rows: NDArray[Any] = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: this shard cannot be read ({error}); {mend}") from error
    return rows

"""Sources -> a prepared corpus: sharded rows with a manifest, whatever the domain.

    read       files, some hundreds a job, into shards (`shards`), on as many processes as asked
    split      near-duplicates into groups, groups into train, valid and test (`splits`)
    derive     pieces made of others of train, where the representation wants them
    write      the table of pieces, rejected.tsv and, last, manifest.json

Killed anywhere, the same command goes on: a shard with an index is whole, and files that an index knows,
by size and date or else by hash, are not read again. The same files and settings give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import melodia
from melodia.config import check_range
from melodia.engine import in_parallel
from melodia.errors import ConfigError, CorpusError
from melodia.files import refuse_foreign_folder, temporary_beside, why_not_written, write_json
from melodia.representation import Derived, Record, Representation
from melodia.shards import (
    FORMAT,
    Index,
    Known,
    SourceFile,
    array_path,
    is_whole,
    known_files,
    make_derived_shard,
    make_shard,
    read_index,
    reading_key,
)
from melodia.sources import Source, find_files, given_splits, unpack_source
from melodia.splits import NUM_HASHES, SPLITS, assign_splits, near_duplicates

OURS = ("manifest.json", "rejected.tsv", "shards", "unpacked", "rows.npy")
ALIKE = 0.35  # share of shingles from which two pieces count as one
FILES_A_SHARD = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """`held_out`: the share of groups in valid, and again in test; `jobs`: processes; `engine`: see `engine`."""

    held_out: float = 0.05
    jobs: int = 1
    engine: str = ""

    def __post_init__(self) -> None:
        check_range("held_out", self.held_out, 0.001, 0.4)
        check_range("jobs", self.jobs, 1, 1024)


@dataclass(slots=True)
class _Work:
    """What the steps hand on to each other."""

    folder: Path  # of the shards
    representations: list[Representation]  # one a source
    indices: dict[str, Index] = field(default_factory=dict)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def prepare(
    sources: Sequence[Source],
    output: Path,
    representation: Representation,
    config: PrepareConfig,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> dict[str, Any]:
    """Makes or brings up to date a prepared corpus.

    Args:
        sources: where the files are.
        output: the folder of the corpus; an earlier one there is taken up, and stays good until the end.
        representation: what is made of a file.
        config: see there.
        progress: called with what is being done, files done and files in all.

    Returns:
        the manifest's counts: pieces, the representation's unit, groups, rejected, read anew, and pieces by split.

    Raises:
        CorpusError: a source is missing or damaged, nothing in them can be used, or the disk is full.
        ConfigError: the output folder holds something else, or the engine is not there.
    """
    refuse_foreign_folder(output, OURS)
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise ConfigError(f"sources: two are called '{max(names, key=names.count)}'; name them, as in NAME=FOLDER")
    work = _Work(output / "shards", [representation.for_recipe(s.recipe) for s in sources])
    files = [find_files(s, representation.suffixes, output / "unpacked" / s.name) for s in sources]
    try:
        return _prepare(sources, files, output, work, representation, config, progress)
    except OSError as error:
        raise CorpusError(
            f"{output}: cannot be written: {why_not_written(error, output)}; what was done is kept, and the same command goes on"
        ) from error


def _prepare(
    sources: Sequence[Source],
    files: Sequence[list[SourceFile]],
    output: Path,
    work: _Work,
    representation: Representation,
    config: PrepareConfig,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    work.folder.mkdir(parents=True, exist_ok=True)
    num_read = _read(sources, files, work, config, progress)
    records = _split(sources, work, output, config)
    if not records:
        path, reason = work.rejected[0]
        raise CorpusError(f"none of {len(work.rejected)} files could be used; the first: {path}: {reason}")
    records += _derive(records, work, representation, config, progress)
    counts = {
        "pieces": len(records),
        representation.unit: sum(r.size for r in records),
        "groups": len({r.group for r in records}),
        "derived": sum(r.derived for r in records),
        "rejected": len(work.rejected),
        "splits": {s: sum(r.split == s for r in records) for s in SPLITS},
    }
    _write(output, sources, files, work, records, representation, {"held_out": config.held_out, "counts": counts})
    return counts | {"read": num_read}


def _read(
    sources: Sequence[Source],
    files: Sequence[list[SourceFile]],
    work: _Work,
    config: PrepareConfig,
    progress: Callable[[str, int, int], None],
) -> int:
    """Makes the shards of all sources; the indices are in `work` in the order of the files. Returns how many were read."""
    earlier = [i for i in map(read_index, sorted(work.folder.glob("*.json"))) if i is not None]
    total, done, num_read = sum(map(len, files)), 0, 0
    for source, representation, of_source in zip(sources, work.representations, files, strict=True):
        key = reading_key(representation, source.name)
        known = {k.row.name: k for i in earlier if i.key == key for k in known_files(i, len(representation.arrays))}
        whole = {i.shard: [r.name for r in i.rows] for i in earlier if i.key == key and is_whole(work.folder, i)}
        known = {name: k for name, k in known.items() if k.shard in whole}
        chunks = [of_source[i : i + FILES_A_SHARD] for i in range(0, len(of_source), FILES_A_SHARD)]
        shards = [_done_already(chunk, known, whole) for chunk in chunks]
        fresh = [(chunk, [known.get(f.name) for f in chunk]) for chunk, shard in zip(chunks, shards, strict=True) if not shard]
        if source.is_archive and (fresh or source.recipe.split_table):
            unpack_source(source, work.folder.parent / "unpacked" / source.name)
        num_read += sum(1 for chunk, old in fresh for f, k in zip(chunk, old, strict=True) if not _same(f, k))
        jobs = ((work.folder, representation, source.name, chunk, old) for chunk, old in fresh)
        made = in_parallel(make_shard, jobs, config.jobs, config.engine) if fresh else iter(())
        for chunk, shard in zip(chunks, shards, strict=True):
            name = shard or next(made)
            index = read_index(work.folder / f"{name}.json")
            if index is None:
                raise CorpusError(f"{work.folder / name}.json: not there; do the workers of the engine see this folder?")
            work.indices[name] = index
            done += len(chunk)
            progress("reading", done, total)
        for _ in made:  # lets the pool come to its end
            pass
    return num_read


def _same(file: SourceFile, known: Known | None) -> bool:
    return known is not None and (known.row.num_bytes, known.row.modified_ns) == (file.num_bytes, file.modified_ns)


def _done_already(chunk: list[SourceFile], known: dict[str, Known], whole: dict[str, list[str]]) -> str:
    """The earlier shard that holds just these files as they are now, if there is one."""
    first = known.get(chunk[0].name)
    if first is None or whole.get(first.shard) != [f.name for f in chunk]:
        return ""
    return first.shard if all(_same(f, known.get(f.name)) and known[f.name].shard == first.shard for f in chunk) else ""


def _records(work: _Work, source: str, arrays: int) -> Iterator[tuple[Record, str]]:
    """The pieces of a source as its shards hold them, and the rejected files, with their reasons."""
    for index in work.indices.values():
        if index.source == source:
            for known in known_files(index, arrays):
                row = known.row
                yield (
                    Record(source, row.name, row.sha256, row.size, row.tag, index.shard, known.first_rows, row.num_rows),
                    row.reason,
                )


def _split(sources: Sequence[Source], work: _Work, output: Path, config: PrepareConfig) -> list[Record]:
    """All pieces, each with its group and split."""
    records: list[Record] = []
    given: list[str | None] = []
    for source, representation in zip(sources, work.representations, strict=True):
        folder = output / "unpacked" / source.name if source.is_archive else source.path
        table = given_splits(source.recipe, folder if folder.is_dir() else folder.parent)
        for record, reason in _records(work, source.name, len(representation.arrays)):
            if reason:
                work.rejected.append((f"{source.name}/{record.path}", reason))
                continue
            records.append(record)
            given.append(table.get(record.path) or source.recipe.split_of(record.path))
    if not records:
        return []
    loaded = [np.load(array_path(work.folder, name, "signatures")) for name in work.indices]
    signatures = np.concatenate([s.reshape(-1, NUM_HASHES) for s in loaded])
    groups = near_duplicates(signatures, ALIKE)
    unlike = ~signatures.any(axis=1)  # they have none
    groups = np.where(unlike, np.arange(len(groups)), groups).tolist()
    recipes = {source.name: source.recipe for source in sources}
    names = [f"{r.source}/{recipes[r.source].canonical(r.path)}" for r in records]
    splits = assign_splits(groups, names, given, config.held_out)
    return [r._replace(group=g, split=s) for r, g, s in zip(records, groups, splits, strict=True)]


def _derive(
    records: list[Record],
    work: _Work,
    representation: Representation,
    config: PrepareConfig,
    progress: Callable[[str, int, int], None],
) -> list[Record]:
    """The pieces that the representation makes of others, in shards of their own."""
    wanted = representation.derive(records)
    by_source: dict[str, list[Derived]] = {}
    for piece in wanted:
        by_source.setdefault(piece.source, []).append(piece)
    chunks = [of[i : i + FILES_A_SHARD] for of in by_source.values() for i in range(0, len(of), FILES_A_SHARD)]
    jobs = ((work.folder, representation, chunk, [[records[i] for i in p.parents] for p in chunk]) for chunk in chunks)
    made: list[Record] = []
    names = in_parallel(make_derived_shard, jobs, config.jobs, config.engine) if chunks else iter(())
    for chunk, name in zip(chunks, names, strict=True):
        index = read_index(work.folder / f"{name}.json")
        if index is None:
            raise CorpusError(f"{work.folder / name}.json: not there; do the workers of the engine see this folder?")
        work.indices[name] = index
        for piece, known in zip(chunk, known_files(index, len(representation.arrays)), strict=True):
            row = known.row
            made.append(
                Record(piece.source, piece.path, row.sha256, row.size, row.tag, name, known.first_rows, row.num_rows)._replace(
                    split="train", group=piece.group, derived=True
                )
            )
        progress("arranging", len(made), len(wanted))
    return made


def _write(
    output: Path,
    sources: Sequence[Source],
    files: Sequence[list[SourceFile]],
    work: _Work,
    records: list[Record],
    representation: Representation,
    facts: dict[str, Any],
) -> None:
    """The tables and the manifest, then away with what an earlier corpus left."""
    settings = representation.settings()
    digest = hashlib.sha256(json.dumps([FORMAT, representation.name, settings]).encode())
    for record in records:
        digest.update(json.dumps([record.source, record.path, record.sha256, record.split, record.group]).encode())
    table = f"{digest.hexdigest()[:16]}.pieces.jsonl"
    with temporary_beside(work.folder / table) as temporary, temporary.open("w", encoding="ascii") as out:
        out.writelines(json.dumps(record) + "\n" for record in records)
    with temporary_beside(output / "rejected.tsv") as temporary:
        lines = "".join(f"{' '.join(path.split())}\t{reason}\n" for path, reason in work.rejected)
        temporary.write_text("path\treason\n" + lines, encoding="utf-8", errors="backslashreplace")
    manifest = {
        "format": FORMAT,
        "code_version": melodia.__version__,
        "domain": representation.domain,
        "representation": representation.name,
        "settings": settings,
        "unit": representation.unit,
        "arrays": list(representation.arrays),
        "sources": [
            {"name": s.name, "licence": s.recipe.licence, "url": s.recipe.url, "files": len(of)}
            for s, of in zip(sources, files, strict=True)
        ],
        "sha256": digest.hexdigest(),
        **facts,
        "pieces": table,
        "shards": {name: index.sha256 for name, index in work.indices.items()},
    }
    write_json(output / "manifest.json", manifest)
    for path in work.folder.iterdir():
        if path.name != table and path.name.partition(".")[0] not in work.indices:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(output / "unpacked", ignore_errors=True)
    (output / "rows.npy").unlink(missing_ok=True)  # of the format before this

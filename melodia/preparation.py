"""Sources -> a prepared corpus: sharded rows with a manifest, whatever the domain.

    read       files, some hundreds a job, into shards (`shards`), on as many processes as asked
    split      near-duplicates into groups, groups into train, valid and test (`splits`)
    derive     pieces made of others of train, where the representation wants them
    write      the table of pieces, rejected.tsv and, last, manifest.json

Killed anywhere, the same command goes on: a shard with an index is whole, and files that an index knows,
by size and date or else by hash, are not read again. The same files and settings give the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from melodia.config import check_range
from melodia.corpus import write_corpus
from melodia.engine import in_parallel
from melodia.errors import ConfigError, CorpusError
from melodia.files import refuse_foreign_folder, why_not_written
from melodia.recipe import SPLITS
from melodia.representation import Derived, Record, Representation
from melodia.shards import (
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
from melodia.splits import NUM_HASHES, assign_splits, near_duplicates

LOCK = ".lock"
OURS = ("manifest.json", "rejected.tsv", "shards", "unpacked", "rows.npy", LOCK)
ALIKE = 0.35  # share of shingles from which two pieces count as one


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """`held_out`: share of groups in valid, and again in test; `jobs`: processes here; `engine`: of `in_parallel`."""

    held_out: float = 0.05
    jobs: int = 1
    engine: str = ""

    def __post_init__(self) -> None:
        check_range("held_out", self.held_out, 0.001, 0.4)
        check_range("jobs", self.jobs, 1, 1024)


Report = Callable[[str, int, int], None]  # what is being done, files done, files in all


@dataclass(slots=True, kw_only=True)
class _Work:
    """What the steps hand on to each other."""

    sources: Sequence[Source]
    files: list[list[SourceFile]]  # of each source
    representation: Representation
    config: PrepareConfig
    output: Path
    progress: Report
    indices: dict[str, Index] = field(default_factory=dict)  # of the shards, in the order of the files
    rejected: list[tuple[str, str]] = field(default_factory=list)
    num_read: int = 0  # files that no earlier run had read

    @property
    def shards(self) -> Path:
        """The folder of the shards."""
        return self.output / "shards"

    def unpacked(self, source: Source) -> Path:
        """Where an archive lies while it is read; any other source as it is."""
        return self.output / "unpacked" / source.unpacked_name if source.is_archive else source.path

    def take(self, shard: str) -> Index:
        """Enters a shard that is done."""
        index = read_index(self.shards / f"{shard}.json")
        if index is None:
            raise CorpusError(f"{self.shards / shard}.json: not there; do the workers of the engine see this folder?")
        self.indices[shard] = index
        return index


def prepare(
    sources: Sequence[Source],
    output: Path,
    representation: Representation,
    config: PrepareConfig,
    progress: Report = lambda what, done, total: None,
) -> dict[str, Any]:
    """Makes or brings up to date a prepared corpus.

    Args:
        sources: where the files are.
        output: the folder of the corpus; an earlier one there is taken up, and stays good until the end.
        representation: what is made of a file.
        config: see there.
        progress: called with what is being done, files done and files in all.

    Returns:
        the manifest's counts, and under `read` how many files no earlier run had read.

    Raises:
        CorpusError: a source is missing or damaged, nothing in them can be used, or the disk is full.
        ConfigError: the output folder holds something else, or the engine is not there.
    """
    refuse_foreign_folder(output, OURS)
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise ConfigError(f"sources: two are called '{max(names, key=names.count)}'; name them, as in NAME=FOLDER")
    for source in sources:
        if source.recipe.domain and representation.domain not in source.recipe.domain:
            domains = " and ".join(source.recipe.domain)
            raise ConfigError(f"{source.name}: a corpus for {domains}; {representation.name} are made for {representation.domain}")
    files = [find_files(s, representation, output / "unpacked") for s in sources]
    work = _Work(sources=sources, files=files, representation=representation, config=config, output=output, progress=progress)
    try:
        work.shards.mkdir(parents=True, exist_ok=True)
        return _locked(work)
    except Timeout as error:
        raise ConfigError(f"output: another melodia prepares {output}; wait for it, or name a new folder") from error
    except OSError as error:
        raise CorpusError(
            f"{output}: cannot be written: {why_not_written(error, output)}; what was done is kept, and the same command goes on"
        ) from error


def _locked(work: _Work) -> dict[str, Any]:
    """The steps, alone in the folder."""
    with FileLock(work.output / LOCK, timeout=0):
        _read(work)
        records = _split(work)
        if not records:
            path, reason = work.rejected[0]
            raise CorpusError(f"none of {len(work.rejected)} files could be used; the first: {path}: {reason}")
        records += _derive(work, records)
        manifest = _manifest(work, records)
        write_corpus(work.output, records, work.rejected, manifest)
        shutil.rmtree(work.output / "unpacked", ignore_errors=True)
    counts: dict[str, Any] = manifest["counts"]
    return counts | {"read": work.num_read}


def _read(work: _Work) -> None:
    """Makes the shards of all sources."""
    earlier = [i for i in map(read_index, sorted(work.shards.glob("*.json"))) if i is not None]
    done, total = 0, sum(map(len, work.files))
    for source, files in zip(work.sources, work.files, strict=True):
        representation = work.representation.for_recipe(source.recipe)
        key = reading_key(representation, source.name)
        usable = [i for i in earlier if i.key == key and is_whole(work.shards, i)]
        known: dict[str, Known] = {}
        now = {f.name: f for f in files}
        for old in (k for i in usable for k in known_files(i, len(representation.arrays)) if k.row.name in now):
            if not old.row.sha256:
                continue  # it could not be opened then; it may now
            if old.row.name not in known or _same(now[old.row.name], old):  # of two the one that is as the file is now
                known[old.row.name] = old
        whole = {i.shard: [r.name for r in i.rows] for i in usable}
        size = representation.files_a_shard
        chunks = [files[i : i + size] for i in range(0, len(files), size)]
        shards = [_done_already(chunk, known, whole) for chunk in chunks]
        fresh = [(chunk, [known.get(f.name) for f in chunk]) for chunk, shard in zip(chunks, shards, strict=True) if not shard]
        work.num_read += sum(not _same(f, known.get(f.name)) for chunk, _ in fresh for f in chunk)
        if source.is_archive and (fresh or source.recipe.split_table):
            unpack_source(source, work.unpacked(source))
        jobs = ((work.shards, representation, source.name, chunk, old) for chunk, old in fresh)
        made = in_parallel(make_shard, jobs, work.config.jobs, work.config.engine) if fresh else iter(())
        for chunk, shard in zip(chunks, shards, strict=True):
            work.take(shard or next(made))
            done += len(chunk)
            work.progress("reading", done, total)
        for _ in made:  # lets the pool come to its end
            pass


def _same(file: SourceFile, known: Known | None) -> bool:
    return known is not None and (known.row.num_bytes, known.row.modified_ns) == (file.num_bytes, file.modified_ns)


def _done_already(chunk: list[SourceFile], known: dict[str, Known], whole: dict[str, list[str]]) -> str:
    """The earlier shard that holds just these files as they are now, if there is one."""
    first = known.get(chunk[0].name)
    if first is None or whole.get(first.shard) != [f.name for f in chunk]:
        return ""
    return first.shard if all(_same(f, known.get(f.name)) and known[f.name].shard == first.shard for f in chunk) else ""


def _split(work: _Work) -> list[Record]:
    """All pieces, each with its group and split; the rejected files go to `work`."""
    recipes = {source.name: source.recipe for source in work.sources}
    tables = {source.name: given_splits(source.recipe, work.unpacked(source)) for source in work.sources}
    records: list[Record] = []
    for index in work.indices.values():
        for known in known_files(index, len(work.representation.arrays)):
            if known.row.reason:
                work.rejected.append((f"{index.source}/{known.row.name}", known.row.reason))
            else:
                records.append(_record(index, known))
    if not records:
        return []
    loaded = [np.load(array_path(work.shards, name, "signatures")) for name in work.indices]
    signatures = np.concatenate([s.reshape(-1, NUM_HASHES) for s in loaded])
    alone = ~signatures.any(axis=1)  # they have none
    groups = np.where(alone, np.arange(len(records)), near_duplicates(signatures, ALIKE)).tolist()
    given = [tables[r.source].get(r.path) or recipes[r.source].split_of(r.path) for r in records]
    names = [f"{r.source}/{recipes[r.source].canonical(r.path)}" for r in records]
    splits = assign_splits(groups, names, given, work.config.held_out)
    return [r._replace(group=g, split=s) for r, g, s in zip(records, groups, splits, strict=True)]


def _record(index: Index, known: Known) -> Record:
    row = known.row
    return Record(index.source, row.name, row.sha256, row.size, row.tag, index.shard, known.first_rows, row.num_rows)


def _derive(work: _Work, records: list[Record]) -> list[Record]:
    """The pieces that the representation makes of others, in shards of their own."""
    wanted = work.representation.derive(records)
    by_source: dict[str, list[Derived]] = {}
    for piece in wanted:
        by_source.setdefault(piece.source, []).append(piece)
    size = work.representation.files_a_shard
    chunks = [of[i : i + size] for of in by_source.values() for i in range(0, len(of), size)]
    jobs = ((work.shards, work.representation, chunk, [[records[i] for i in p.parents] for p in chunk]) for chunk in chunks)
    made: list[Record] = []
    names = in_parallel(make_derived_shard, jobs, work.config.jobs, work.config.engine) if chunks else iter(())
    for chunk, name in zip(chunks, names, strict=True):
        index = work.take(name)
        for piece, known in zip(chunk, known_files(index, len(work.representation.arrays)), strict=True):
            made.append(_record(index, known)._replace(split="train", group=piece.group, derived=True))
        work.progress("arranging", len(made), len(wanted))
    return made


def _manifest(work: _Work, records: list[Record]) -> dict[str, Any]:
    counts = {
        "pieces": len(records),
        work.representation.unit: sum(r.size for r in records),
        "groups": len({r.group for r in records}),
        "derived": sum(r.derived for r in records),
        "rejected": len(work.rejected),
        "splits": {s: sum(r.split == s for r in records) for s in SPLITS},
    }
    return {
        "domain": work.representation.domain,
        "representation": work.representation.name,
        "settings": work.representation.settings(),
        "unit": work.representation.unit,
        "arrays": list(work.representation.arrays),
        "sources": [
            {"name": s.name, "licence": s.recipe.licence, "url": s.recipe.url, "files": len(of)}
            for s, of in zip(work.sources, work.files, strict=True)
        ],
        "held_out": work.config.held_out,
        "counts": counts,
        "shards": {name: index.sha256 for name, index in work.indices.items()},
    }

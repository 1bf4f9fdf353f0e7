"""Folders of MIDI files -> a prepared corpus of events."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.composition.align import align
from melodia.composition.arrange import band
from melodia.composition.codec import KIND, KIND_BAR, METER, METER_INDEX, PITCH, POSITION, Events, decode, encode, num_notes
from melodia.config import check_range
from melodia.corpus import Entry, assign_splits, minhash, near_duplicates, write_corpus
from melodia.errors import ConfigError, CorpusError, MelodiaError
from melodia.files import read_limited, refuse_foreign_folder
from melodia.midi import parse_midi
from melodia.midi.reader import MAX_BYTES
from melodia.recipe import Recipe, load_recipe

SUFFIXES = {".mid", ".midi", ".kar"}
SHINGLE = 7
ALIKE = 0.35  # share of shingles from which two pieces count as one
BAND_SUFFIX = "+band"  # of the source of an arrangement
SPLIT_NAMES = {"train": "train", "valid": "valid", "validation": "valid", "dev": "valid", "test": "test"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """`held_out`: the share of groups in valid, and again in test; `bands`: arrangements a training song."""

    held_out: float = 0.05
    bands: int = 0
    jobs: int = 1
    random_seed: int = 0
    shortest_notes: int = 8

    def __post_init__(self) -> None:
        check_range("held_out", self.held_out, 0.001, 0.4)
        check_range("bands", self.bands, 0, 10)
        check_range("jobs", self.jobs, 1, 1024)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


class Reading(NamedTuple):
    """What became of one file."""

    events: Events | None
    signature: NDArray[np.uint64] | None
    sha256: str
    reason: str = ""


def prepare(
    sources: Sequence[tuple[str, Path]],
    output: Path,
    config: PrepareConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Makes a prepared corpus of folders of MIDI files.

    Args:
        sources: name and folder of each; the name chooses the recipe, an empty one none.
        output: the folder to write, replaced whole.
        config: see there.
        progress: called with files done and files in all.

    Returns:
        counts: pieces, notes, groups, rejected, and pieces by split.

    Raises:
        CorpusError: a folder is missing, or nothing in them can be read.
        ConfigError: the output folder holds something else.
    """
    refuse_foreign_folder(output, ("manifest.json", "rows.npy", "rejected.tsv"))
    for _, folder in sources:
        if output.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise ConfigError(f"output: {output} holds the source {folder}; name a new folder")
    recipes = [load_recipe(name) if name else Recipe(name=folder.resolve().name) for name, folder in sources]
    files = [(i, path) for i, (_, folder) in enumerate(sources) for path in find_files(folder)]
    readings = read_all(files, recipes, config, progress)
    rejected = [(str(path), r.reason) for (_, path), r in zip(files, readings, strict=True) if r.events is None]
    kept = [(i, path, r) for (i, path), r in zip(files, readings, strict=True) if r.events is not None]
    if not kept:
        raise CorpusError(f"none of {len(files)} files could be used; the first: {': '.join(rejected[0])}")
    groups = near_duplicates([r.signature for _, _, r in kept if r.signature is not None], ALIKE)
    tables = [given_splits(recipe, folder) for recipe, (_, folder) in zip(recipes, sources, strict=True)]
    paths = [path.relative_to(sources[i][1]).as_posix() for i, path, _ in kept]
    given = [tables[i].get(path) for (i, _, _), path in zip(kept, paths, strict=True)]
    names = [f"{recipes[i].name}/{path}" for (i, _, _), path in zip(kept, paths, strict=True)]
    splits = assign_splits(groups, names, given, config.held_out)
    pieces = [
        (Entry(recipes[i].name, path, split, group), r.events)
        for (i, _, r), path, split, group in zip(kept, paths, splits, groups, strict=True)
        if r.events is not None
    ]
    pieces += band_pieces(pieces, config)
    names_and_hashes = "".join(f"{n}{r.sha256}" for n, (_, _, r) in zip(names, kept, strict=True))
    digest = hashlib.sha256(names_and_hashes.encode("utf-8", "surrogateescape")).hexdigest()
    counts = {
        "pieces": len(pieces),
        "notes": sum(num_notes(events) for _, events in pieces),
        "groups": len(set(groups)),
        "rejected": len(rejected),
        "splits": {s: sum(e.split == s for e, _ in pieces) for s in ("train", "valid", "test")},
    }
    settings = {
        "representation": "events",
        "sources": [
            {"name": r.name, "licence": r.licence, "url": r.url, "files": sum(j == i for j, _ in files)}
            for i, r in enumerate(recipes)
        ],
        "sha256": digest,
        "held_out": config.held_out,
        "bands": config.bands,
        "random_seed": config.random_seed,
        "counts": counts,
    }
    write_corpus(output, pieces, rejected, settings)
    return counts


def find_files(folder: Path) -> list[Path]:
    """The MIDI files under a folder, in order.

    Raises:
        CorpusError: there is no such folder, or no MIDI file in it.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise CorpusError(f"{folder}: no MIDI files (.mid, .midi, .kar) in it")
    return files


def read_all(
    files: list[tuple[int, Path]], recipes: list[Recipe], config: PrepareConfig, progress: Callable[[int, int], None]
) -> list[Reading]:
    """Reads the files, over several processes if asked; the order is that of the files."""
    read = partial(read_piece, shortest=config.shortest_notes)
    aligns = [recipes[i].align for i, _ in files]
    paths = [path for _, path in files]
    readings = []
    if config.jobs == 1:
        for done, reading in enumerate(map(read, paths, aligns)):
            readings.append(reading)
            progress(done + 1, len(files))
        return readings
    with ProcessPoolExecutor(config.jobs) as pool:
        for done, reading in enumerate(pool.map(read, paths, aligns, chunksize=16)):
            readings.append(reading)
            progress(done + 1, len(files))
    return readings


def read_piece(path: Path, aligned: bool, shortest: int) -> Reading:
    """One file as events, or the reason why not."""
    try:
        data = read_limited(path, MAX_BYTES)
        score = parse_midi(data, str(path))
        events = encode(align(score) if aligned else score)
    except (MelodiaError, OSError) as error:
        return Reading(None, None, "", str(error))
    digest = hashlib.sha256(data).hexdigest()
    if num_notes(events) < shortest:
        return Reading(None, None, digest, f"fewer than {shortest} notes")
    return Reading(events, minhash(shingles(events)), digest)


def shingles(events: Events) -> list[int]:
    """What identifies a piece in any key: runs of intervals of its top line, or for drums of strokes."""
    notes = events[events[:, POSITION] >= 0].astype(np.int64)
    bars = (np.cumsum(events[:, KIND] == KIND_BAR) - 1)[events[:, POSITION] >= 0]
    melodic = notes[:, PITCH] < 128
    if melodic.any():
        notes, bars = notes[melodic], bars[melodic]
        times = bars * 1000 + notes[:, POSITION]
        _, first = np.unique(times, return_index=True)
        line = np.diff(np.maximum.reduceat(notes[:, PITCH], first)) + 128
    else:
        line = notes[:, PITCH] * 97 + notes[:, POSITION] // 6
    if len(line) < SHINGLE:  # a piece so short is alike only if it is the same
        line = np.concatenate([line, np.zeros(SHINGLE - len(line), dtype=np.int64)])
    codes = np.zeros(len(line) - SHINGLE + 1, dtype=np.int64)
    for i in range(SHINGLE):
        codes = codes * 1_000_003 + line[i : len(line) - SHINGLE + 1 + i]
    return list((codes ^ codes >> 29).tolist())


def given_splits(recipe: Recipe, folder: Path) -> dict[str, str]:
    """The corpus's own split, by path within its folder.

    Raises:
        CorpusError: the recipe names a table that is not there.
    """
    if not recipe.split_table:
        return {}
    found = sorted(folder.rglob(recipe.split_table))
    if not found:
        raise CorpusError(f"{folder}: {recipe.split_table}, with the split of {recipe.name}, is not in it")
    base = found[0].parent
    with found[0].open(encoding="utf-8", newline="") as file:
        try:
            return {
                (base / row[recipe.path_column]).relative_to(folder).as_posix(): SPLIT_NAMES[row[recipe.split_column]]
                for row in csv.DictReader(file)
            }
        except KeyError as error:
            raise CorpusError(f"{found[0]}: no column or split {error}; is it the corpus of the recipe {recipe.name}?") from error


def band_pieces(pieces: list[tuple[Entry, Events]], config: PrepareConfig) -> list[tuple[Entry, Events]]:
    """Arrangements of the training pieces in 4/4 that have no drums, with the drums of training takes."""
    four = METER_INDEX[4, 4]
    in_four = [(e, v) for e, v in pieces if e.split == "train" and (v[v[:, KIND] == KIND_BAR, METER] == four).all()]
    takes = [v for _, v in in_four if (v[v[:, POSITION] >= 0, PITCH] >= 128).all() and (v[:, KIND] == KIND_BAR).sum() >= 4]
    songs = [(e, v) for e, v in in_four if not (v[:, PITCH] >= 128).any()]
    if not takes:
        return []
    made = []
    for copy in range(config.bands):
        for index, (entry, events) in enumerate(songs):
            random = np.random.default_rng([config.random_seed, copy, index])
            take = decode(takes[int(random.integers(len(takes)))])
            score = band(decode(events), take, random)
            made.append((Entry(entry.source + BAND_SUFFIX, entry.path, "train", entry.group), encode(score)))
    return made

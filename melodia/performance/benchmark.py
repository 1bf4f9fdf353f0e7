"""MAESTRO as it is unpacked: MIDI files, and a table with the split that published figures use (Hawthorne et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from melodia.errors import CorpusError
from melodia.midi import read_midi
from melodia.performance.codec import Events
from melodia.performance.prepare import performance_of
from melodia.recipe import load_recipe
from melodia.sources import given_splits


def read_maestro(folder: Path, split: str, progress: Callable[[int, int], None] = lambda done, total: None) -> list[Events]:
    """The performances of a split.

    Args:
        folder: what the archive unpacks to.
        split: train, valid or test.
        progress: called with the files done and in all.

    Raises:
        CorpusError: there is no such folder, or no table of the split in it.
        MidiError: a file is missing or damaged.
    """
    recipe = load_recipe("maestro")
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; it is that of MAESTRO, unpacked")
    chosen = [path for path, its in given_splits(recipe, folder).items() if its == split]
    if not chosen:
        raise CorpusError(f"{folder}: no pieces of {split} in {recipe.split_table}")
    pieces = []
    for path in sorted(chosen):
        pieces.append(performance_of(read_midi(folder / path), str(folder / path)))
        progress(len(pieces), len(chosen))
    return pieces

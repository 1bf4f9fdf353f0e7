"""Notes in seconds: float64 rows of onset, offset, pitch, velocity, in order of onset, and the tables they are kept in.

An offset is where the sound ends: at the key's release, or the pedal's if that comes later, or the key's next stroke.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melodia.errors import CorpusError
from melodia.files import write_atomically
from melodia.score import PPQ, Score, sustained_array, trimmed

Notes = NDArray[np.float64]  # (n, 4)
ONSET, OFFSET, PITCH, VELOCITY = range(4)
LOWEST_PITCH, NUM_KEYS = 21, 88
COLUMNS = ("onset", "offset", "pitch", "velocity")


def make_notes(rows: object = ()) -> Notes:
    """Rows as a table, in order of onset and pitch."""
    notes = np.asarray(rows, dtype=np.float64).reshape(-1, 4)
    return notes[np.lexsort((notes[:, PITCH], notes[:, ONSET]))]


def read_table(path: Path, columns: int = 4) -> NDArray[np.float64]:
    """A table of numbers with tabs between, `#` before its header: (rows, columns).

    Raises:
        CorpusError: it cannot be read, or a row is not of so many finite numbers, its first two in order.
    """
    try:
        text = path.read_text("utf-8")
        rows = np.loadtxt(io.StringIO(text), ndmin=2, dtype=np.float64) if _has_rows(text) else np.zeros((0, columns))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: no table of numbers ({error})") from error
    if rows.shape[1] < columns or not np.isfinite(rows).all() or (rows[:, 1] < rows[:, 0]).any() or (rows[:, 0] < 0).any():
        names = ", ".join(COLUMNS[:columns])
        raise CorpusError(f"{path}: every row needs {names}: numbers, from 0 seconds on, no offset before its onset")
    return rows[:, :columns]


def _has_rows(text: str) -> bool:
    return any(line.strip() and not line.startswith("#") for line in text.splitlines())


def read_notes(path: Path) -> Notes:
    """The notes of a table (.tsv) or a MIDI file, with the pedal, of all parts but drums.

    Raises:
        CorpusError: the table is damaged.
        MidiError: the MIDI file is.
    """
    if path.suffix.lower() in (".mid", ".midi"):
        return notes_of_midi(path)
    notes = make_notes(read_table(path))
    return notes[(notes[:, PITCH] >= LOWEST_PITCH) & (notes[:, PITCH] < LOWEST_PITCH + NUM_KEYS)]


def notes_of_midi(path: Path) -> Notes:
    """See `read_notes`."""
    from melodia.midi import read_midi

    score = read_midi(path)
    rows = [sustained_array(part) for part in score.parts if not part.is_drum]
    ticks = np.concatenate(rows) if rows else np.zeros((0, 4), dtype=np.int64)
    ticks = trimmed(ticks[(ticks[:, PITCH] >= LOWEST_PITCH) & (ticks[:, PITCH] < LOWEST_PITCH + NUM_KEYS)])
    seconds = np.interp(ticks[:, :2], *_clock(score, int(ticks[:, OFFSET].max(initial=0))))
    return make_notes(np.column_stack([seconds, ticks[:, 2:]]))


def _clock(score: Score, last: int) -> tuple[list[int], list[float]]:
    """Ticks, and the seconds that they fall on; between them time runs evenly."""
    ticks = sorted({t.tick for t in score.tempos if t.tick < last} | {0, last + PPQ})
    return ticks, [score.seconds_at(t) for t in ticks]


def write_notes(path: Path, notes: Notes, separator: str = "\t") -> None:
    """Writes a table; commas make it a CSV file, whose header has no `#`.

    Raises:
        OSError: it cannot be written.
    """
    header = ("# " if separator == "\t" else "") + separator.join(COLUMNS)
    rows = [separator.join([f"{n[0]:.4f}", f"{n[1]:.4f}", f"{n[2]:.0f}", f"{n[3]:.0f}"]) for n in notes]
    write_atomically(path, "\n".join([header, *rows]) + "\n")

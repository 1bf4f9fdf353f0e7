"""Notes in seconds: float64 rows of onset, offset, pitch, velocity, in order of onset, and the tables they are kept in.

An offset is where the sound ends: at the key's release, or the pedal's if that comes later, or the key's next stroke.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melodia.errors import CorpusError
from melodia.files import write_atomically
from melodia.midi import read_midi
from melodia.score import PPQ, SUSTAIN, Score, sustained_array, trimmed

Notes = NDArray[np.float64]  # (n, 4)
ONSET, OFFSET, PITCH, VELOCITY = range(4)
LOWEST_PITCH, NUM_KEYS = 21, 88
COLUMNS = ("onset", "offset", "pitch", "velocity")
LONGEST = 100_000.0  # seconds
EXAMPLE = {4: "`0.52 0.65 51 50`", 2: "`0.5 1.5`"}  # of a row, by its columns


def make_notes(rows: object = ()) -> Notes:
    """Rows as a table, in order of onset and pitch."""
    notes = np.asarray(rows, dtype=np.float64).reshape(-1, 4)
    return notes[np.lexsort((notes[:, PITCH], notes[:, ONSET]))]


def read_table(path: Path, columns: int = 4) -> NDArray[np.float64]:
    """A table of numbers, tabs, blanks or commas between, a header or none: (rows, columns).

    Raises:
        CorpusError: it cannot be read, or a row is not of so many numbers in their ranges.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error})") from error
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#") or (not rows and words[0] == COLUMNS[0]):
            continue
        try:
            row = [float(word) for word in words[:columns]]
        except ValueError:
            row = []
        if len(row) < columns or not all(np.isfinite(row)) or not 0 <= row[0] <= row[1] <= LONGEST or not _playable(row[2:]):
            names = ", ".join(COLUMNS[:columns])
            raise CorpusError(f"{path}: line {number}: '{line:.60}' is no row of {names}; such a row is {EXAMPLE[columns]}")
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def _playable(pitch_and_velocity: list[float]) -> bool:
    return all(0 <= value <= 127 and value == int(value) for value in pitch_and_velocity)


def read_notes(path: Path) -> Notes:
    """The notes of a table (.tsv) or a MIDI file, with the pedal, of all parts but drums, on the keys of a piano.

    Raises:
        CorpusError: the table is damaged.
        MidiError: the MIDI file is.
    """
    if path.suffix.lower() in (".mid", ".midi"):
        return notes_of_midi(read_midi(path))
    notes = make_notes(read_table(path))
    return notes[(notes[:, PITCH] >= LOWEST_PITCH) & (notes[:, PITCH] < LOWEST_PITCH + NUM_KEYS)]


def notes_of_midi(score: Score) -> Notes:
    """The notes of a score, in seconds. See `read_notes`."""
    rows = [sustained_array(part) for part in score.parts if not part.is_drum]
    ticks = np.concatenate(rows) if rows else np.zeros((0, 4), dtype=np.int64)
    ticks = trimmed(ticks[(ticks[:, PITCH] >= LOWEST_PITCH) & (ticks[:, PITCH] < LOWEST_PITCH + NUM_KEYS)])
    seconds = np.interp(ticks[:, :2], *_clock(score, int(ticks[:, OFFSET].max(initial=0))))
    return make_notes(np.column_stack([seconds, ticks[:, 2:]]))


def pedal_of_midi(score: Score) -> NDArray[np.float64] | None:
    """Spans (n, 2) of the sustain pedal in seconds, of all parts but drums; None where no part has any."""
    spans: list[tuple[float, float]] = []
    for part in (p for p in score.parts if not p.is_drum):
        down: int | None = None
        for control in (c for c in part.controls if c.number == SUSTAIN):
            if control.value >= 64 and down is None:
                down = control.tick
            elif control.value < 64 and down is not None:
                spans.append((score.seconds_at(down), score.seconds_at(control.tick)))
                down = None
    return np.array(sorted(spans)) if spans else None


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

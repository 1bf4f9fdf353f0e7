"""A score: parts of notes on a line of ticks, with its tempos and meters.

The currency of symbolic music here. Time is in ticks, `PPQ` = 480 to the quarter note whatever the
file said; ranges are half-open. The lists of a score are sorted by tick, its first tempo and first
meter stand at tick 0, and a meter starts a new bar at its tick.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pretty_midi

PPQ = 480
DEFAULT_BPM = 120.0
LATE_RELEASE_TICKS = PPQ // 8  # a release this little after a bar line still belongs before it


class Note(NamedTuple):
    """A note: onset and offset in ticks, MIDI pitch (0-127) and velocity (1-127)."""

    onset_ticks: int
    offset_ticks: int
    pitch: int
    velocity: int


class Tempo(NamedTuple):
    """Quarter notes a minute from a tick on."""

    tick: int
    tempo_bpm: float


class Meter(NamedTuple):
    """A time signature, starting a bar at its tick."""

    tick: int
    numerator: int
    denominator: int

    @property
    def bar_ticks(self) -> int:
        """Length of one full bar."""
        return self.numerator * PPQ * 4 // self.denominator


class Control(NamedTuple):
    """A controller change (number 0-127), or a pitch bend (number `BEND`, value 0-16383)."""

    tick: int
    number: int
    value: int


BEND = 128
BEND_CENTRE = 8192
SUSTAIN = 64


class Bar(NamedTuple):
    """One bar, as long as its meter says unless a change of meter cuts it short."""

    onset_ticks: int
    offset_ticks: int
    meter: Meter


@dataclass(slots=True)
class Part:
    """The notes of one instrument. `program` is the General MIDI number, 0-127, for drums the kit."""

    name: str = ""
    program: int = 0
    is_drum: bool = False
    notes: list[Note] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    channel: int | None = None


@dataclass(slots=True)
class Score:
    """Parts, tempos and meters. See the module for the conventions."""

    parts: list[Part] = field(default_factory=list)
    tempos: list[Tempo] = field(default_factory=lambda: [Tempo(0, DEFAULT_BPM)])
    meters: list[Meter] = field(default_factory=lambda: [Meter(0, 4, 4)])

    @classmethod
    def read(cls, path: str | Path) -> Score:
        """Reads a MIDI file.

        Raises:
            MidiError: the file is missing, damaged, empty or absurd.
        """
        from melodia.midi import read_midi

        return read_midi(path)

    def write(self, path: str | Path) -> Path:
        """Writes a format 1 MIDI file and returns its path; an existing file is replaced whole.

        Raises:
            MidiError: the file cannot be written.
        """
        from melodia.midi import write_midi

        return write_midi(self, path)

    def to_pretty_midi(self) -> pretty_midi.PrettyMIDI:
        """The same music as a `pretty_midi.PrettyMIDI` object."""
        from melodia.midi import to_pretty_midi

        return to_pretty_midi(self)

    @classmethod
    def from_pretty_midi(cls, music: pretty_midi.PrettyMIDI) -> Score:
        """The same music as a score.

        Raises:
            MidiError: there are no notes in it.
        """
        from melodia.midi import from_pretty_midi

        return from_pretty_midi(music)

    @property
    def num_notes(self) -> int:
        """Notes in all parts."""
        return sum(len(part.notes) for part in self.parts)

    @property
    def end_ticks(self) -> int:
        """The last offset of any note, 0 without notes."""
        return max((n[1] for part in self.parts for n in part.notes), default=0)

    @property
    def seconds(self) -> float:
        """Length up to the last offset."""
        return self.seconds_at(self.end_ticks)

    def seconds_at(self, tick: int) -> float:
        """When a tick sounds, in seconds from the start."""
        total, last_tick, bpm = 0.0, 0, self.tempos[0].tempo_bpm
        for tempo in self.tempos:
            if tempo.tick >= tick:
                break
            total += (tempo.tick - last_tick) * 60.0 / (bpm * PPQ)
            last_tick, bpm = tempo.tick, tempo.tempo_bpm
        return total + (tick - last_tick) * 60.0 / (bpm * PPQ)

    def tempo_at(self, tick: int) -> Tempo:
        """The tempo in force at a tick."""
        return self.tempos[max(bisect_right(self.tempos, tick, key=lambda t: t.tick) - 1, 0)]

    def meter_at(self, tick: int) -> Meter:
        """The meter in force at a tick."""
        return self.meters[max(bisect_right(self.meters, tick, key=lambda m: m.tick) - 1, 0)]

    def bars(self, end_ticks: int | None = None) -> list[Bar]:
        """The bars from tick 0 to the one that holds the last tick before `end_ticks`."""
        end = self.end_ticks if end_ticks is None else end_ticks
        bars = []
        for i, meter in enumerate(self.meters):
            following = self.meters[i + 1].tick if i + 1 < len(self.meters) else None
            full = meter.bar_ticks
            last = end if following is None else min(following, end)
            bars += [Bar(tick, tick + full, meter) for tick in range(meter.tick, last, full)]
            if following is not None and bars and bars[-1].offset_ticks > following:
                bars[-1] = bars[-1]._replace(offset_ticks=following)
        return bars

    def closing_bar_line(self) -> int:
        """The bar line after the music: where a continuation starts."""
        notes = [n for part in self.parts for n in part.notes]
        if not notes:
            return 0
        last_onset = max(n.onset_ticks for n in notes)
        end = max(last_onset + 1, self.end_ticks - LATE_RELEASE_TICKS)
        return self.bars(end)[-1].offset_ticks

    def clip(self, onset_ticks: int, offset_ticks: int) -> Score:
        """The notes that begin in [onset_ticks, offset_ticks), moved so that the span starts at 0.

        Notes that ring past the span are cut at its end. The parts, even if empty, stay.
        """
        parts = []
        for part in self.parts:
            first = bisect_left(part.notes, onset_ticks, key=lambda n: n.onset_ticks)
            last = bisect_left(part.notes, offset_ticks, key=lambda n: n.onset_ticks)
            notes = [Note(n[0] - onset_ticks, min(n[1], offset_ticks) - onset_ticks, n[2], n[3]) for n in part.notes[first:last]]
            controls = [c._replace(tick=c.tick - onset_ticks) for c in part.controls if onset_ticks <= c.tick < offset_ticks]
            parts.append(replace(part, notes=notes, controls=controls))
        first_tempo = self.tempo_at(onset_ticks)._replace(tick=0)
        tempos = [t._replace(tick=t.tick - onset_ticks) for t in _inside(self.tempos, onset_ticks, offset_ticks)]
        first_meter = self.meter_at(onset_ticks)._replace(tick=0)
        meters = [m._replace(tick=m.tick - onset_ticks) for m in _inside(self.meters, onset_ticks, offset_ticks)]
        return Score(parts, [first_tempo, *tempos], [first_meter, *meters])

    def sustained(self) -> Score:
        """The same score with every note held as long as its part's sustain pedal (CC 64) holds it."""
        return replace(self, parts=[replace(part, notes=to_notes(sustained_array(part))) for part in self.parts])


E = TypeVar("E", Tempo, Meter)


def _inside(events: list[E], onset_ticks: int, offset_ticks: int) -> list[E]:
    return [e for e in events if onset_ticks < e.tick < offset_ticks]


def without_overlaps(notes: Iterable[Note]) -> list[Note]:
    """Sorted notes in which no pitch sounds twice at once.

    A note is cut where the same pitch starts again; of notes with one onset and one pitch, the
    longest stays with the greatest velocity.
    """
    return to_notes(trimmed(note_array(notes)))


def note_array(notes: Iterable[tuple[int, int, int, int]]) -> NDArray[np.int64]:
    """Notes as rows (notes, 4) of onset, offset, pitch, velocity."""
    return np.fromiter(chain.from_iterable(notes), dtype=np.int64).reshape(-1, 4)


def to_notes(rows: NDArray[np.int64]) -> list[Note]:
    """The rows of `note_array` as notes."""
    return list(map(Note._make, rows.tolist()))


def trimmed(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """`without_overlaps` of the rows of a `note_array`."""
    if not len(rows):
        return rows
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0], rows[:, 2]))]  # by pitch, onset, offset
    last = np.ones(len(rows), dtype=bool)  # of those with one pitch and onset: the longest
    last[:-1] = (rows[1:, 2] != rows[:-1, 2]) | (rows[1:, 0] != rows[:-1, 0])
    first = np.flatnonzero(np.concatenate([[True], last[:-1]]))
    velocity = np.maximum.reduceat(rows[:, 3], first)
    rows = rows[last]
    rows[:, 3] = velocity
    again = rows[1:, 2] == rows[:-1, 2]
    rows[:-1, 1] = np.where(again, np.minimum(rows[:-1, 1], rows[1:, 0]), rows[:-1, 1])
    return rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))]


def sustained_array(part: Part) -> NDArray[np.int64]:
    """The notes of a part as a `note_array`, each held as long as the sustain pedal (CC 64) holds it."""
    rows = note_array(part.notes)
    pedal = np.array([(c.tick, c.value >= 64) for c in part.controls if c.number == SUSTAIN], dtype=np.int64).reshape(-1, 2)
    if part.is_drum or not pedal[:, 1].any() or not len(rows):
        return rows
    ticks, down = pedal[:, 0], pedal[:, 1] > 0
    ups = np.append(np.flatnonzero(~down), len(ticks))  # where the pedal comes up, at last with the music's end
    next_up = ups[np.searchsorted(ups, np.arange(len(ticks)))]
    release = np.append(ticks, rows[:, 1].max())[next_up]
    at = np.searchsorted(ticks, rows[:, 1], side="right") - 1
    held = (at >= 0) & down[at]
    rows[:, 1] = np.where(held, np.maximum(release[at], rows[:, 1]), rows[:, 1])
    return trimmed(rows)

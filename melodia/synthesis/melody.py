"""A score -> the one line of notes that a voice sings, in seconds.

The part is the one that is named, or that `melodia.tune` finds. Where notes overlap the upper one is sung (the skyline of
Uitdenbogerd and Zobel 1999), and grace notes go into their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from melodia.config import check_range
from melodia.score import Note, Score, Tempo
from melodia.tune import melody_part

CHORD = 0.03  # seconds within which notes begin together
GRACE = 0.06  # seconds: shorter notes are no notes of their own
LEGATO = 0.08  # seconds of silence or overlap between notes that is none
LOWEST_TEMPO, HIGHEST_TEMPO = 20.0, 400.0
OCTAVE = 12


class SungNote(NamedTuple):
    """Onset and offset in seconds, MIDI pitch, velocity (1-127)."""

    onset: float
    offset: float
    pitch: int
    velocity: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.offset - self.onset


def melody_of(score: Score, part: str | int | None = None, tempo: float | None = None) -> list[SungNote]:
    """The notes to sing, one after the other.

    Args:
        score: with the melody in one of its parts.
        part: its number, from 1, or a piece of its name; None finds it.
        tempo: quarter notes a minute, instead of the score's.

    Raises:
        ConfigError: there is no such part, or the tempo is out of range.
        MidiError: there are no notes but drums.
    """
    if tempo is not None:
        check_range("tempo", tempo, LOWEST_TEMPO, HIGHEST_TEMPO)
        score = replace(score, tempos=[Tempo(0, tempo)])
    chosen = melody_part(score, part)
    times = _seconds(score, chosen.notes)
    return without_graces(skyline([SungNote(times[n[0]], times[n[1]], n.pitch, n.velocity) for n in chosen.notes]))


def _seconds(score: Score, notes: Sequence[Note]) -> dict[int, float]:
    return {tick: score.seconds_at(tick) for tick in {tick for note in notes for tick in note[:2]}}


def skyline(notes: Sequence[SungNote]) -> list[SungNote]:
    """The upper line: of notes that begin together the highest; a lower one under a note that sounds is left out."""
    line: list[SungNote] = []
    for note in sorted(notes, key=lambda n: (n.onset, -n.pitch)):
        last = line[-1] if line else None
        if last and note.onset < last.onset + CHORD:
            if note.pitch > last.pitch:
                line[-1] = note
            continue
        if last and note.onset < last.offset:
            held = last.offset - note.onset > max(LEGATO, (last.offset - last.onset) / 4)
            if note.pitch < last.pitch and held:
                continue
            line[-1] = last._replace(offset=note.onset)
        line.append(note)
    return line


def without_graces(notes: Sequence[SungNote]) -> list[SungNote]:
    """Notes shorter than `GRACE` become a part of the one that follows at once, or else of the one before."""
    found: list[SungNote] = []
    onset: float | None = None  # of grace notes that wait for theirs
    for note, after in zip(notes, [*notes[1:], None], strict=True):
        if note.offset - note.onset >= GRACE:
            found.append(note if onset is None else note._replace(onset=onset))
            onset = None
        elif after and after.onset - note.offset < LEGATO:
            onset = note.onset if onset is None else onset
        elif onset is not None:
            found.append(note._replace(onset=onset))
            onset = None
        elif found and note.onset - found[-1].offset < LEGATO:
            found[-1] = found[-1]._replace(offset=note.offset)
        else:
            found.append(note._replace(offset=min(note.onset + GRACE, after.onset if after else note.onset + GRACE)))
    return found


def moved_into(notes: Sequence[SungNote], lowest: int, highest: int) -> int:
    """The whole octaves, in semitones, by which as little of a melody as can be lies outside [lowest, highest]."""

    def outside(semitones: int) -> tuple[float, int]:
        beyond = (max(lowest - n.pitch - semitones, n.pitch + semitones - highest, 0) * (n.offset - n.onset) for n in notes)
        return sum(beyond), abs(semitones)

    return min(range(-8 * OCTAVE, 9 * OCTAVE, OCTAVE), key=outside)


def phrases_of(notes: Sequence[SungNote], rest: float) -> list[list[int]]:
    """Places of notes, apart where so many seconds of silence lie between."""
    found: list[list[int]] = []
    for place, note in enumerate(notes):
        if not found or note.onset - notes[place - 1].offset >= rest:
            found.append([])
        found[-1].append(place)
    return found

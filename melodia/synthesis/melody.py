"""A score -> the one line of notes that a voice sings, in seconds.

The part is the one that is named, or that calls itself a melody; else the highest of those that play one note at a time. Where
notes overlap the upper one is sung (the skyline of Uitdenbogerd and Zobel 1999), and grace notes go into their neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from melodia.config import check_range
from melodia.errors import ConfigError, MidiError
from melodia.midi import part_name
from melodia.score import Note, Part, Score, Tempo

SINGS = re.compile(r"melod|vocal|voice|vox|lead|sing|song|sopran|tune|lyric", re.IGNORECASE)
CHORD = 0.03  # seconds within which notes begin together
GRACE = 0.06  # seconds: shorter notes are no notes of their own
LEGATO = 0.08  # seconds of silence or overlap between notes that is none
MONOPHONIC = 0.9  # of a part's notes that begin when no other sounds
LOWEST_TEMPO, HIGHEST_TEMPO = 20.0, 400.0
OCTAVE = 12


class SungNote(NamedTuple):
    """Onset and offset in seconds, MIDI pitch, velocity (1-127)."""

    onset: float
    offset: float
    pitch: int
    velocity: int


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
    chosen = _part(score, part)
    times = _seconds(score, chosen.notes)
    return without_graces(skyline([SungNote(times[n[0]], times[n[1]], n.pitch, n.velocity) for n in chosen.notes]))


def _seconds(score: Score, notes: Sequence[Note]) -> dict[int, float]:
    return {tick: score.seconds_at(tick) for tick in {tick for note in notes for tick in note[:2]}}


def _part(score: Score, wanted: str | int | None) -> Part:
    parts = [part for part in score.parts if part.notes]
    pitched = [part for part in parts if not part.is_drum]
    if not pitched:
        raise MidiError("melody: there are no notes in it but drums, so there is nothing to sing")
    if wanted is None:
        return max([p for p in pitched if SINGS.search(p.name)] or pitched, key=_melodic)
    text = str(wanted).strip()
    if text.isdecimal() and 1 <= int(text) <= len(parts) and not parts[int(text) - 1].is_drum:
        return parts[int(text) - 1]
    named = [part for part in pitched if text and text.lower() in part_name(part).lower()]
    if not named:
        known = ", ".join(f"{i} {part_name(p)}" for i, p in enumerate(parts, 1) if not p.is_drum)
        raise ConfigError(f"part: there is no {text[:40]!r} to sing; the parts are: {known}")
    return named[0]


def _melodic(part: Part) -> tuple[bool, float]:
    """Whether it plays one note at a time, and how high."""
    ends, alone = 0, 0
    for note in sorted(part.notes):
        alone += note.onset_ticks >= ends - (note.offset_ticks - note.onset_ticks) // 4
        ends = max(ends, note.offset_ticks)
    return alone >= MONOPHONIC * len(part.notes), sum(n.pitch for n in part.notes) / len(part.notes)


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

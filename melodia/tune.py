"""Which part of a score is its melody: the one that calls itself so, or the highest of those that play one note at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from melodia.errors import ConfigError, MidiError
from melodia.midi import part_name
from melodia.score import Note, Part, Score

SINGS = re.compile(r"melod|vocal|voice|vox|lead|sing|song|sopran|tune|lyric", re.IGNORECASE)
MONOPHONIC = 0.9  # of a part's notes that begin when no other sounds


def pitched_parts(score: Score, purpose: str = "sing", where: str = "melody") -> list[Part]:
    """The parts with notes that are no drums.

    Raises:
        MidiError: there are none.
    """
    pitched = [part for part in score.parts if part.notes and not part.is_drum]
    if not pitched:
        raise MidiError(f"{where}: there are no notes in it but drums, so there is nothing to {purpose}")
    return pitched


def melody_part(score: Score, wanted: str | int | None = None, purpose: str = "sing", where: str = "melody") -> Part:
    """The part with the melody.

    Args:
        score: with one or more parts.
        wanted: its number, from 1, among those with notes, or a piece of its name; None finds it.
        purpose: what it is wanted for, as a verb.
        where: what the score is called.

    Raises:
        ConfigError: there is no such part.
        MidiError: there are no notes but drums.
    """
    pitched = pitched_parts(score, purpose, where)
    if wanted is None:
        return most_melodic([part for part in pitched if SINGS.search(part.name)] or pitched)
    parts = [part for part in score.parts if part.notes]
    text = str(wanted).strip()
    if text.isdecimal() and 1 <= int(text) <= len(parts) and not parts[int(text) - 1].is_drum:
        return parts[int(text) - 1]
    named = [part for part in pitched if text and text.lower() in part_name(part).lower()]
    if not named:
        known = ", ".join(f"{i} {part_name(p)}" for i, p in enumerate(parts, 1) if not p.is_drum)
        raise ConfigError(f"part: there is no {text[:40]!r} to {purpose}; the parts are: {known}")
    return named[0]


def most_melodic(parts: Sequence[Part], lowest: bool = False) -> Part:
    """The highest (or the lowest) of the parts that play one note at a time, or of all if none does."""
    return max(parts, key=lambda part: (one_at_a_time(part), (-1 if lowest else 1) * _mean_pitch(part)))


def top_line(part: Part) -> Part:
    """The highest notes of a part, one at a time: each ends where the next one begins."""
    line: list[Note] = []
    for note in sorted(part.notes, key=lambda n: (n.onset_ticks, -n.pitch)):
        sounds = bool(line) and note.onset_ticks < line[-1].offset_ticks
        if line and (note.onset_ticks == line[-1].onset_ticks or (sounds and note.pitch < line[-1].pitch)):
            continue
        if sounds:
            line[-1] = line[-1]._replace(offset_ticks=note.onset_ticks)
        line.append(note)
    return replace(part, notes=line)


def one_at_a_time(part: Part) -> bool:
    """Whether nearly all notes begin when no other sounds; a quarter of a note may overlap."""
    ends, alone = 0, 0
    for note in sorted(part.notes):
        alone += note.onset_ticks >= ends - (note.offset_ticks - note.onset_ticks) // 4
        ends = max(ends, note.offset_ticks)
    return alone >= MONOPHONIC * len(part.notes)


def _mean_pitch(part: Part) -> float:
    return sum(note.pitch for note in part.notes) / len(part.notes)

"""A grid that has been harmonised -> a score of four parts: the given ones as they were, the others in their ranges on the grid.

A voice that stays on a pitch sings it anew with each given note that begins on a beat, as the syllables of a hymn do. What begins
with a given note begins at its very tick, on the grid or off it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melodia.harmony.parts import OCTAVE, Given, Grid
from melodia.harmony.prepare import REST, STEP_TICKS, VOICES, Voices
from melodia.harmony.rules import STEPS, count_errors
from melodia.midi import part_name
from melodia.score import PPQ, Meter, Note, Part, Score

PROGRAM = 52  # a choir, of the voices that are made
SOFTER = 0.85  # than the given notes


@dataclass(slots=True, kw_only=True)
class Chorale:
    """A take.

    `score`: parts named soprano, alto, tenor and bass, in the tempo and meter of the first given one. `voices`: (steps, 4)
    MIDI pitches of the 16ths from the first note on, the given voices as they were read. `errors`: of voice-leading, by kind, as it
    is written (`melodia.harmony.rules`), given notes included. `messages`: what a user should know.
    """

    score: Score
    voices: Voices
    given: tuple[bool, ...]
    errors: dict[str, int]
    messages: list[str] = field(default_factory=list)

    @property
    def errors_a_hundred_steps(self) -> dict[str, float]:
        """The rate of each kind."""
        return {kind: STEPS * count / len(self.voices) for kind, count in self.errors.items()}

    def write(self, path: str | Path) -> Path:
        """Writes the score as a MIDI file and returns its path.

        Raises:
            MidiError: it cannot be written.
        """
        return self.score.write(path)


def chorale_of(voices: Voices, grid: Grid, lines: Sequence[Given]) -> Chorale:
    """A take as music.

    Args:
        voices: (steps, 4), as `melodia.harmony.harmonize` gave it.
        grid: that it was made from.
        lines: and what that was made from.
    """
    own = {line.voice: line.part for line in lines}
    velocity = round(SOFTER * float(np.median([note.velocity for part in own.values() for note in part.notes])))
    parts = []
    for voice, name in enumerate(VOICES):
        if voice in own:
            parts.append(replace(own[voice], name=name))
        else:
            parts.append(Part(name, PROGRAM, notes=made_notes(voices, voice, grid, lines, max(velocity, 1))))
    first = lines[0].score
    score = Score(parts, list(first.tempos), list(first.meters))
    written = voices.astype(np.int64)
    for line in lines:
        column = written[:, line.voice]
        written[:, line.voice] = np.where(column == REST, REST, column - OCTAVE * grid.octaves[line.voice])
    return Chorale(score=score, voices=voices, given=grid.given, errors=count_errors(written), messages=notices(grid, lines))


def made_notes(voices: Voices, voice: int, grid: Grid, lines: Sequence[Given], velocity: int) -> list[Note]:
    """The notes of a voice that is made."""
    steps, column = len(voices), voices[:, voice]
    end = max(note.offset_ticks for line in lines for note in line.part.notes)
    ticks = [grid.moments.get(step, (grid.origin + step) * STEP_TICKS) for step in range(steps)] + [end]
    strikes = {step for step, tick in grid.moments.items() if on_beat(lines[0].score, (grid.origin + step) * STEP_TICKS)}
    return line_of(np.where(grid.silent, REST, column), ticks, strikes, velocity)


def line_of(column: NDArray[np.integer], ticks: Sequence[int], strikes: Collection[int], velocity: int) -> list[Note]:
    """A voice as notes: each lasts until the pitch changes, or is struck anew.

    Args:
        column: (steps,) pitches or rests.
        ticks: where each step begins, and the last ends.
        strikes: steps in which a pitch is struck anew.
        velocity: of all notes.
    """
    notes: list[Note] = []
    first = 0
    for step in range(1, len(column) + 1):
        if step == len(column) or column[step] != column[first] or step in strikes:
            if column[first] != REST and ticks[step] > ticks[first]:
                notes.append(Note(ticks[first], ticks[step], int(column[first]), velocity))
            first = step
    return notes


def on_beat(score: Score, tick: int) -> bool:
    """Whether a beat of the meter begins then."""
    meter = score.meter_at(tick)
    return (tick - meter.tick) % meter.bar_ticks % beat_ticks(meter) == 0


def beat_ticks(meter: Meter) -> int:
    """Three eighths of 6/8, 9/8, 12/8 and their like; else a note of the meter's denominator, at least an eighth."""
    unit = max(PPQ * 4 // meter.denominator, PPQ // 2)
    return 3 * unit if meter.denominator >= 8 and meter.numerator % 3 == 0 and meter.numerator > 3 else unit


def notices(grid: Grid, lines: Sequence[Given]) -> list[str]:
    """What a user should know of how given parts were read."""
    found = []
    for line in lines:
        if octaves := grid.octaves[line.voice]:
            far = f"{abs(octaves)} octave{'s' if abs(octaves) > 1 else ''} {'higher' if octaves > 0 else 'lower'}"
            name = part_name(line.part) if line.where == part_name(line.part) else f"{line.where}: {part_name(line.part)}"
            found.append(f"{name} is out of a {VOICES[line.voice]}'s range: harmonised as if {far}, written as it is")
    first = lines[0]
    left = [part_name(p) for p in first.score.parts if p.notes and not any(p is line.part for line in lines)]
    return found + ([f"{first.where}: left out: {', '.join(left)}"] if left else [])

"""Parts of scores that are given as voices -> the grid of 16ths that a harmonizer reads.

The grid begins with the first note, so a pickup is one. Onsets and offsets go to the nearest step; of notes that would begin in
one step the longest stays. A part that is out of its voice's range is read octaves higher or lower. A note is held over the rest
after it, as pieces of the corpus hardly rest; where all given voices rest for a beat or more, the others will too (`silent`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.errors import ConfigError, MidiError
from melodia.harmony.echoes import BEAT
from melodia.harmony.model import ChoirConfig
from melodia.harmony.prepare import NUM_VOICES, REST, STEP_TICKS, VOICES, Voices
from melodia.harmony.rules import RANGES
from melodia.midi import part_name
from melodia.score import Note, Part, Score
from melodia.tune import melody_part, most_melodic, one_at_a_time, pitched_parts

OCTAVE = 12
MOST_OCTAVES = 8
STEPS_A_BAR, MOST_STEPS = 16, 32_000  # of 4/4; of what is harmonised in one go


@dataclass(frozen=True, slots=True)
class Given:
    """A part that is given as a voice (0: soprano), the score that it is of, and what that is called."""

    voice: int
    part: Part
    score: Score
    where: str


class Stretch(NamedTuple):
    """A note on the grid: its first step and the one after its last, its pitch, and the tick where it does begin."""

    first: int
    last: int
    pitch: int
    onset_ticks: int


@dataclass(frozen=True, slots=True)
class Grid:
    """What a harmonizer reads: (steps, 4) pitches, which voices mean something, and how they lie in the score.

    `origin`: steps before the first one. `silent`: (steps,), whether all are to rest. `octaves`: by how many octaves higher each
    given voice is read. `moments`: the ticks where notes begin that are given, by step.
    """

    voices: Voices
    given: tuple[bool, ...]
    origin: int
    silent: NDArray[np.bool_]
    octaves: dict[int, int]
    moments: dict[int, int]


def voice_of(name: str) -> int:
    """The number of a voice, 0 for the soprano.

    Raises:
        ConfigError: there is none of that name.
    """
    if name.strip().lower() not in VOICES:
        raise ConfigError(f"voice: '{name[:40]}' is none; it must be {', '.join(VOICES[:-1])} or {VOICES[-1]}")
    return VOICES.index(name.strip().lower())


def given_part(score: Score, voice: int, wanted: str | int | None, where: str) -> Given:
    """The part of a score that is a voice: the one that is wanted, or named so, or the melody, or the lowest for the bass.

    Raises:
        ConfigError: there is no such part, or several may be meant.
        MidiError: there are no notes but drums, or the part has several notes at a time.
    """
    pitched = pitched_parts(score, "harmonise", where)
    named = [part for part in pitched if VOICES[voice] in part.name.lower()]
    if wanted is not None or (voice == 0 and not named):
        part = melody_part(score, wanted, "harmonise", where)
    elif named or len(pitched) == 1:
        part = (named or pitched)[0]
    elif voice == NUM_VOICES - 1:
        part = most_melodic(pitched, lowest=True)
    else:
        known = ", ".join(f"{i} {part_name(p)}" for i, p in enumerate((p for p in score.parts if p.notes), 1) if not p.is_drum)
        raise ConfigError(f"voice: {where} has several parts ({known}); say which is the {VOICES[voice]}, by number or name")
    if not one_at_a_time(part):
        raise MidiError(
            f"{where}: {part_name(part)} has several notes at a time, as in bar {_chord_bar(part, score)}; "
            f"a {VOICES[voice]} sings one at a time: take another part, or leave one line in it"
        )
    return Given(voice, part, score, where)


def _chord_bar(part: Part, score: Score) -> int:
    """The first bar, from 1, in which a note begins while another one sounds."""
    end, ticks = 0, 0
    for note in sorted(part.notes):
        ticks = note.onset_ticks
        if end > ticks:
            break
        end = max(end, note.offset_ticks)
    return sum(bar.onset_ticks <= ticks for bar in score.bars())


def on_grid(lines: Sequence[Given], config: ChoirConfig) -> Grid:
    """Voices that are given together, one or more, as a grid.

    Raises:
        ConfigError: a voice is given twice, they differ in length by more than a bar, or are too long.
    """
    found = {line.voice: stretches(line.part.notes) for line in lines}
    if len(found) < len(lines):
        raise ConfigError("voice: one is given twice; leave one out")
    origin = min(notes[0].first for notes in found.values())
    steps = max(notes[-1].last for notes in found.values()) - origin
    for line in lines[1:]:
        _check_length(lines[0], line, found[line.voice][-1].last - found[lines[0].voice][-1].last)
    if steps > MOST_STEPS:
        raise ConfigError(
            f"voices: {steps // STEPS_A_BAR:,} bars of 4/4 are too many; at most {MOST_STEPS // STEPS_A_BAR:,}, give a part of them"
        )
    voices = np.full((steps, NUM_VOICES), REST, np.uint8)
    sounds = np.zeros(steps, bool)
    octaves, moments = {}, {}
    for voice, notes in sorted(found.items(), reverse=True):  # the highest voice has the last word on when notes begin
        octaves[voice] = octaves_into(notes, *RANGES[voice])
        for i, stretch in enumerate(notes):
            first = stretch.first - origin
            sounds[first : stretch.last - origin] = True
            voices[first if i else 0 :, voice] = folded(stretch.pitch + OCTAVE * octaves[voice], config)
            moments[first] = stretch.onset_ticks
    given = tuple(voice in found for voice in range(NUM_VOICES))
    return Grid(voices, given, origin, _long_rests(sounds), octaves, moments)


def _check_length(first: Given, other: Given, steps: int) -> None:
    end = first.score.end_ticks
    if abs(steps) * STEP_TICKS > first.score.meter_at(end).bar_ticks:
        beats = abs(steps) / BEAT
        raise ConfigError(
            f"voice: {other.where} ({VOICES[other.voice]}) ends {beats:g} beats {'after' if steps > 0 else 'before'} "
            f"{first.where} ({VOICES[first.voice]}); voices that are given together must be of one length"
        )


def stretches(notes: Sequence[Note]) -> list[Stretch]:
    """Notes on the grid, one after the other."""
    found: list[Stretch] = []
    longest = 0  # ticks of the last
    for note in sorted(notes, key=lambda n: (n.onset_ticks, -n.pitch)):
        first, ticks = round(note.onset_ticks / STEP_TICKS), note.offset_ticks - note.onset_ticks
        stretch = Stretch(first, max(round(note.offset_ticks / STEP_TICKS), first + 1), note.pitch, note.onset_ticks)
        if found and found[-1].first == first:
            if ticks > longest:
                found[-1], longest = stretch, ticks
            continue
        if found:
            found[-1] = found[-1]._replace(last=min(found[-1].last, first))
        found.append(stretch)
        longest = ticks
    return found


def octaves_into(line: Sequence[Stretch], lowest: int, highest: int) -> int:
    """How many octaves higher most of a line is in a range; of several as few as can be."""

    def outside(octaves: int) -> tuple[int, int]:
        moved = ((s, s.pitch + OCTAVE * octaves) for s in line)
        return sum(s.last - s.first for s, pitch in moved if not lowest <= pitch <= highest), abs(octaves)

    return min(range(-MOST_OCTAVES, MOST_OCTAVES + 1), key=outside)


def folded(pitch: int, config: ChoirConfig) -> int:
    """A pitch that the model knows, octaves away if need be.

    Raises:
        ConfigError: the model knows none.
    """
    known = [p for p in range(pitch % OCTAVE, 128, OCTAVE) if config.lowest_pitch <= p <= config.highest_pitch]
    if not known:
        raise ConfigError(f"model: it knows pitches from {config.lowest_pitch} to {config.highest_pitch} alone; take a harmonizer")
    return min(known, key=lambda p: abs(p - pitch))


def _long_rests(sounds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where nothing sounds for a beat or more."""
    silent = np.zeros(len(sounds), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], sounds, [True]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2).tolist():
        silent[first:last] = last - first >= BEAT
    return silent

"""Band arrangements of keyboard scores: more instruments than the corpora at hand have at once.

POP909 is all piano and Groove is all drums, but people ask for a band. An arrangement gives the
parts other instruments, splits a bass off the lowest part, and lays the bars of a drum take under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from melodia.score import PPQ, Note, Part, Score

LEADS = (0, 4, 11, 22, 24, 26, 27, 40, 52, 53, 54, 56, 64, 65, 66, 71, 73, 80, 81)
MIDDLES = (0, 4, 5, 16, 18, 24, 25, 27, 48, 50, 61, 88, 89, 90)
CHORDS = (0, 0, 0, 1, 2, 4, 5, 16, 24, 25, 27)
BASSES = tuple(range(32, 40))
HIGHEST_BASS = 54
LOWEST_BASS = 28


def band(score: Score, drums: Score, random: np.random.Generator) -> Score:
    """An arrangement for lead, chords, bass and drums of a score of a few melodic parts in 4/4."""
    parts = sorted((p for p in score.parts if p.notes), key=lambda p: -float(np.mean([n.pitch for n in p.notes])))
    made: list[Part] = []
    for i, part in enumerate(parts[:-1]):
        if len(parts) > 1 and random.random() < (0.15 if i == 0 else 0.35):
            continue
        made.append(Part(program=_choice(LEADS if i == 0 else MIDDLES, random), notes=part.notes))
    if random.random() < 0.85:
        upper, bass = split_bass(parts[-1].notes)
        made += [Part(program=_choice(CHORDS, random), notes=upper), Part(program=_choice(BASSES, random), notes=bass)]
    else:
        made.append(Part(program=_choice(CHORDS, random), notes=parts[-1].notes))
    if random.random() < 0.85:
        made.append(Part(is_drum=True, notes=_loop(drums, score.closing_bar_line(), int(random.choice([0, 0, 0, 2, 4, 8])))))
    return replace(score, parts=[p for p in made if p.notes])


def split_bass(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """The notes above, and a line of the lowest note of each onset where it is low enough for a bass."""
    lowest: dict[int, Note] = {}
    for note in notes:
        if note.pitch <= HIGHEST_BASS and (note.onset_ticks not in lowest or note.pitch < lowest[note.onset_ticks].pitch):
            lowest[note.onset_ticks] = note
    line: list[Note] = []
    for note in (lowest[onset] for onset in sorted(lowest)):
        if line and line[-1].offset_ticks > note.onset_ticks:
            line[-1] = line[-1]._replace(offset_ticks=note.onset_ticks)
        line.append(note if note.pitch >= LOWEST_BASS else note._replace(pitch=note.pitch + 12))
    taken = set(lowest.values())
    return [n for n in notes if n not in taken], line


def _loop(drums: Score, end_ticks: int, first_bar: int) -> list[Note]:
    """A drum take again and again from a bar on, up to a tick."""
    bar = 4 * PPQ
    length = max(drums.end_ticks // bar, 1) * bar
    strokes = [n for part in drums.parts for n in part.notes if n.onset_ticks < length]
    notes = []
    for start in range(first_bar * bar, end_ticks, length):
        notes += [Note(start + n[0], start + n[1], n[2], n[3]) for n in strokes if start + n.onset_ticks < end_ticks]
    return notes


def _choice(programs: Sequence[int], random: np.random.Generator) -> int:
    return int(programs[int(random.integers(len(programs)))])

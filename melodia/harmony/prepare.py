"""Four-part music as a corpus of steps: what `melodia.preparation` needs to know of it.

A file is a piece: `.npy`, (steps, 4), the pitches of soprano, alto, tenor and bass in each 16th, `REST` for a rest; or a MIDI
file of four parts. The benchmark whose pieces these are has a split of its own, given by folders, so pieces have no
signatures: those that are alike stay where the benchmark has them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodia.errors import CorpusError
from melodia.midi.reader import parse_midi
from melodia.recipe import Recipe
from melodia.representation import Reading, Underived
from melodia.score import PPQ, Score

VERSION = 1  # of what is read out of a file; another one reads all files anew
VOICES = ("soprano", "alto", "tenor", "bass")
NUM_VOICES = len(VOICES)
REST = 128
STEP_TICKS = PPQ // 4
LEAST_STEPS = 2
Voices = NDArray[np.uint8]  # (steps, 4): pitches, or REST


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicesRepresentation(Underived):
    """See the module."""

    name = "voices"
    domain = "harmony"
    unit = "steps"
    arrays = ("voices",)
    suffixes = frozenset({".npy", ".mid", ".midi"})
    files_a_shard = 256

    def companions(self, name: str) -> tuple[str, ...]:
        """None."""
        return ()

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        return {"version": VERSION}

    def for_recipe(self, recipe: Recipe) -> VoicesRepresentation:
        """The same: recipes change nothing."""
        return self

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes steps of a piece.

        Raises:
            MelodiaError: it is no array of numpy's and no MIDI file, or no four voices of two steps or more.
        """
        if path.suffix.lower() == ".npy":
            try:
                found = np.load(io.BytesIO(data), allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise CorpusError(f"{path.name}: no array that numpy can read ({error})") from error
            voices = as_voices(found, path.name)
        else:
            voices = four_parts(parse_midi(data, path.name), path.name)
        if len(voices) < LEAST_STEPS:
            raise CorpusError(f"{path.name}: {len(voices)} steps; a piece has two or more")
        return Reading({"voices": voices}, len(voices))


def as_voices(found: Any, where: str) -> Voices:
    """An array as voices.

    Raises:
        CorpusError: it is none of four voices.
    """
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.shape[1] != NUM_VOICES or found.dtype.kind not in "iuf":
        shape = getattr(found, "shape", type(found).__name__)
        raise CorpusError(f"{where}: {shape} is no piece of four voices; it must be (steps, {NUM_VOICES}) numbers")
    if not ((found >= 0) & (found <= REST) & (found == np.floor(found))).all():
        raise CorpusError(f"{where}: no piece of four voices; its numbers must be pitches from 0 to 127, or {REST} for a rest")
    return found.astype(np.uint8)


def four_parts(score: Score, where: str) -> Voices:
    """The steps of a score: of four parts, the highest first, or of one with four notes at a time.

    Raises:
        CorpusError: it is neither.
    """
    parts = [part.notes for part in score.parts if part.notes and not part.is_drum]
    steps = -(-score.end_ticks // STEP_TICKS)
    if len(parts) not in (1, NUM_VOICES) or score.num_notes != sum(map(len, parts)):
        raise CorpusError(f"{where}: {len(parts)} parts with notes; it must have four, or one of four notes at a time")
    sounding: list[list[list[int]]] = [[[] for _ in range(steps)] for _ in parts]
    for rows, notes in zip(sounding, parts, strict=True):
        for note in notes:
            first = round(note.onset_ticks / STEP_TICKS)
            for step in rows[first : max(round(note.offset_ticks / STEP_TICKS), first + 1)]:
                step.append(note.pitch)
    voices = np.full((steps, NUM_VOICES), REST, np.uint8)
    if len(parts) == 1:
        for row, pitches in zip(voices, sounding[0], strict=True):
            if len(pitches) not in (0, NUM_VOICES):
                raise CorpusError(f"{where}: one part, with {len(pitches)} notes at a time; it must have four, or four parts")
            row[: len(pitches)] = sorted(pitches, reverse=True)
        return voices
    means = [-float(np.mean([note.pitch for note in notes])) for notes in parts]
    for voice, part in enumerate(np.argsort(means, kind="stable").tolist()):
        for row, pitches in zip(voices, sounding[part], strict=True):
            row[voice] = max(pitches, default=REST)
    return voices

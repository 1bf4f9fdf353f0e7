"""MIDI files as a corpus of performances: what `melodia.preparation` needs to know of them.

The benchmark whose pieces these are has a split of its own, in a table, and plays some works several times, so pieces have no
signatures: those that are alike stay where the benchmark has them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from melodia.errors import MidiError
from melodia.midi import parse_midi
from melodia.midi.reader import MAX_BYTES
from melodia.performance.codec import Events, encode, notes_of
from melodia.recipe import Recipe
from melodia.representation import Reading, Underived
from melodia.score import Score

VERSION = 1  # of what is read out of a file; another one reads all files anew
LEAST_NOTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRepresentation(Underived):
    """See the module. `ppq`: see `Recipe`."""

    ppq: int = 0

    name = "performance"
    domain = "performance"
    unit = "events"
    arrays = ("events",)
    suffixes = frozenset({".mid", ".midi"})
    files_a_shard = 64

    def companions(self, name: str) -> tuple[str, ...]:
        """None: a MIDI file says all."""
        return ()

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        return {"version": VERSION, "ppq": self.ppq}

    def for_recipe(self, recipe: Recipe) -> PerformanceRepresentation:
        """The same as a corpus wants it."""
        return replace(self, ppq=recipe.ppq)

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes events of the bytes of a MIDI file.

        Raises:
            MidiError: it cannot be read, or a piano has too few notes in it.
        """
        if len(data) > MAX_BYTES:
            raise MidiError(f"{path.name}: larger than {MAX_BYTES >> 20} MiB")
        events = performance_of(parse_midi(data, path.name, self.ppq), path.name)
        return Reading({"events": events}, len(events))


def performance_of(score: Score, where: str) -> Events:
    """The events of a score.

    Raises:
        MidiError: it has fewer than `LEAST_NOTES` notes that are not drums.
    """
    notes = notes_of(score)
    if len(notes) < LEAST_NOTES:
        raise MidiError(f"{where}: {len(notes)} notes for a piano; a performance has {LEAST_NOTES} or more")
    return encode(notes)

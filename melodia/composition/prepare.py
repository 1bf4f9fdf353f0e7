"""MIDI files as a corpus of events: what `melodia.preparation` needs to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from melodia.composition.align import align
from melodia.composition.arrange import band
from melodia.composition.codec import KIND, KIND_BAR, METER, METER_INDEX, PITCH, POSITION, Events, decode, encode, num_notes
from melodia.config import check_range
from melodia.errors import MidiError
from melodia.midi import parse_midi
from melodia.midi.reader import MAX_BYTES
from melodia.recipe import Recipe
from melodia.representation import Arrays, Derived, Reading, Record
from melodia.splits import minhash

VERSION = 1  # of what is read out of a file; another one reads all files anew
SUFFIXES = frozenset({".mid", ".midi", ".kar"})
SHINGLE = 7
BAND_SUFFIX = "+band"  # of the source of an arrangement
SONG, TAKE = "song in 4/4", "drums in 4/4"  # tags: what an arrangement can be made of
SHORTEST_TAKE = 4  # bars


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRepresentation:
    """`bands`: arrangements to make of each training song in 4/4 without drums; `align` and `ppq`: see `Recipe`."""

    shortest_notes: int = 8
    bands: int = 0
    random_seed: int = 0
    align: bool = False
    ppq: int = 0

    name = "events"
    domain = "composition"
    unit = "notes"
    arrays = ("events",)
    suffixes = SUFFIXES
    files_a_shard = 256

    def __post_init__(self) -> None:
        check_range("shortest_notes", self.shortest_notes, 1)
        check_range("bands", self.bands, 0, 10)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)

    def companions(self, name: str) -> tuple[str, ...]:
        """None: a MIDI file says all."""
        return ()

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        settings = asdict(self)
        del settings["bands"], settings["random_seed"]  # they change nothing in what is read
        return settings | {"version": VERSION}

    def for_recipe(self, recipe: Recipe) -> EventsRepresentation:
        """The same as a corpus wants it."""
        return replace(self, align=recipe.align, ppq=recipe.ppq)

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes events of the bytes of a MIDI file.

        Raises:
            MidiError: it cannot be read, or has too few notes.
        """
        if len(data) > MAX_BYTES:
            raise MidiError(f"{path.name}: larger than {MAX_BYTES >> 20} MiB")
        score = parse_midi(data, path.name, self.ppq)
        events = encode(align(score) if self.align else score)
        notes = num_notes(events)
        if notes < self.shortest_notes:
            raise MidiError(f"{path.name}: fewer than {self.shortest_notes} notes")
        return Reading({"events": events}, notes, minhash(shingles(events)), tag_of(events))

    def derive(self, records: Sequence[Record]) -> list[Derived]:
        """Band arrangements: each of a training song and a training drum take."""
        songs = [i for i, r in enumerate(records) if r.split == "train" and r.tag == SONG]
        takes = [i for i, r in enumerate(records) if r.split == "train" and r.tag == TAKE]
        made = []
        for copy in range(self.bands if takes else 0):
            for index, song in enumerate(songs):
                random_seed = (self.random_seed, copy, index)
                take = takes[int(np.random.default_rng(random_seed).integers(len(takes)))]
                record = records[song]
                seed_and_choice = (*random_seed, len(takes))
                made.append(Derived(record.source + BAND_SUFFIX, record.path, record.group, (song, take), seed_and_choice))
        return made

    def combine(self, parents: Sequence[Arrays], derived: Derived) -> Reading:
        """An arrangement of a song with the drums of a take."""
        song, take = (decode(np.asarray(p["events"])) for p in parents)
        *random_seed, num_takes = derived.random_seed
        random = np.random.default_rng(random_seed)
        random.integers(num_takes)  # the choice of the take was the first draw
        events = encode(band(song, take, random))
        return Reading({"events": events}, num_notes(events))


def tag_of(events: Events) -> str:
    """Whether a piece can be arranged, or lend its drums to an arrangement."""
    bars = events[events[:, KIND] == KIND_BAR]
    if not (bars[:, METER] == METER_INDEX[4, 4]).all():
        return ""
    drums = events[events[:, POSITION] >= 0, PITCH] >= 128
    if drums.all() and len(bars) >= SHORTEST_TAKE:
        return TAKE
    return SONG if not drums.any() else ""


def shingles(events: Events) -> list[int]:
    """What identifies a piece in any key: runs of intervals of its top line, or for drums of strokes."""
    notes = events[events[:, POSITION] >= 0].astype(np.int64)
    bars = (np.cumsum(events[:, KIND] == KIND_BAR) - 1)[events[:, POSITION] >= 0]
    melodic = notes[:, PITCH] < 128
    if melodic.any():
        notes, bars = notes[melodic], bars[melodic]
        times = bars * 1000 + notes[:, POSITION]
        _, first = np.unique(times, return_index=True)
        line = np.diff(np.maximum.reduceat(notes[:, PITCH], first)) + 128
    else:
        line = notes[:, PITCH] * 97 + notes[:, POSITION] // 6
    if len(line) < SHINGLE:  # a piece so short is alike only if it is the same
        line = np.concatenate([line, np.zeros(SHINGLE - len(line), dtype=np.int64)])
    codes = np.zeros(len(line) - SHINGLE + 1, dtype=np.int64)
    for i in range(SHINGLE):
        codes = codes * 1_000_003 + line[i : len(line) - SHINGLE + 1 + i]
    return list((codes ^ codes >> 29).tolist())

"""Recordings with labels as a corpus of spectrograms and notes: what `melodia.preparation` needs to know of them.

The files read are the labels: a table of notes (`.tsv`: onset, offset, pitch, velocity in seconds) or a MIDI file, with
the recording of the same name beside it. `<name>.pedal.tsv`, spans of the sustain pedal, is read too if it is there.
What is played of one piece on two pianos comes into one split.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodia.audio import SUFFIXES as AUDIO_SUFFIXES
from melodia.audio import read_blocks
from melodia.config import to_json
from melodia.errors import CorpusError
from melodia.features import FeatureConfig, packed, stream_spectrogram
from melodia.midi import read_midi
from melodia.recipe import Recipe
from melodia.representation import Reading, Underived
from melodia.splits import minhash
from melodia.transcription.labelled import LABELS, PEDAL, recording_of
from melodia.transcription.notes import ONSET, PITCH, Notes, pedal_of_midi, read_notes, read_table

VERSION = 2  # of what is read out of a file; another one reads all files anew
SHINGLE = 5
TOGETHER = 0.04  # seconds between strokes of one chord, at most
NOBODY_KNOWS = np.full((1, 2), -1, dtype=np.float32)  # of the pedal


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesRepresentation(Underived):
    """See the module."""

    features: FeatureConfig = field(default_factory=FeatureConfig)

    name = "notes"
    domain = "transcription"
    unit = "frames"
    arrays = ("frames", "notes", "pedal")
    suffixes = frozenset(LABELS)
    files_a_shard = 16

    def companions(self, name: str) -> tuple[str, ...]:
        """The recording, and the pedal."""
        stem = Path(name).stem
        return (*(stem + s for suffix in AUDIO_SUFFIXES for s in (suffix, suffix.upper())), stem + PEDAL)

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        return {"features": to_json(self.features), "version": VERSION}

    def for_recipe(self, recipe: Recipe) -> NotesRepresentation:
        """The same: recipes change nothing."""
        return self

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes a spectrogram of the recording beside the labels.

        Raises:
            MelodiaError: labels or recording are missing or damaged.
        """
        recording = recording_of(path)
        notes = read_notes(path)
        if not len(notes):
            raise CorpusError(f"{path.name}: no notes in it")
        blocks = read_blocks(recording, self.features.sample_rate)
        frames = np.concatenate([packed(part.numpy()) for part in stream_spectrogram(blocks, self.features)])
        if notes[:, ONSET].max() > len(frames) / self.features.frame_rate + 1:
            raise CorpusError(f"{path.name}: its notes go on after the end of {recording.name}; do the two belong together?")
        arrays = {"frames": frames, "notes": notes.astype(np.float32), "pedal": pedal_of(path)}
        return Reading(arrays, len(frames), minhash(shingles(notes)))


def pedal_of(labels: Path) -> NDArray[np.float32]:
    """Spans of the sustain pedal, of its own table or in the MIDI file."""
    table = labels.with_name(labels.stem + PEDAL)
    if table.is_file():
        return read_table(table, 2).astype(np.float32)
    spans = None if labels.suffix.lower() == ".tsv" else pedal_of_midi(read_midi(labels))
    return NOBODY_KNOWS if spans is None else spans.astype(np.float32)


def shingles(notes: Notes) -> list[int]:
    """What identifies a piece, whoever plays it in whatever tempo: runs of pitches of its top line."""
    starts = np.flatnonzero(np.diff(notes[:, ONSET], prepend=-1.0) > TOGETHER)
    line = np.maximum.reduceat(notes[:, PITCH], starts).astype(np.int64)
    line = np.concatenate([line, np.zeros(max(SHINGLE - len(line), 0), dtype=np.int64)])
    codes = np.zeros(len(line) - SHINGLE + 1, dtype=np.int64)
    for i in range(SHINGLE):
        codes = codes * 131 + line[i : len(line) - SHINGLE + 1 + i]
    return list(codes.tolist())

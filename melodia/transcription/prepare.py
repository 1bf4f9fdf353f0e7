"""Recordings with labels as a corpus of spectrograms and notes: what `melodia.preparation` needs to know of them.

The files read are the labels: a table of notes (`.tsv`: onset, offset, pitch, velocity in seconds) or a MIDI file, with
the recording of the same name beside it. `<name>.pedal.tsv`, spans of the sustain pedal, is read too if it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from melodia.audio import SUFFIXES as AUDIO_SUFFIXES
from melodia.audio import read_audio
from melodia.config import to_json
from melodia.errors import AudioError, CorpusError
from melodia.features import FeatureConfig, spectrogram
from melodia.recipe import Recipe
from melodia.representation import Arrays, Derived, Reading, Record
from melodia.transcription.data import packed
from melodia.transcription.notes import read_notes, read_table

VERSION = 1  # of what is read out of a file; another one reads all files anew
PEDAL = ".pedal.tsv"
NOBODY_KNOWS = np.full((1, 2), -1, dtype=np.float32)  # of the pedal


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesRepresentation:
    """See the module."""

    features: FeatureConfig = field(default_factory=FeatureConfig)

    name = "notes"
    domain = "transcription"
    unit = "frames"
    arrays = ("frames", "notes", "pedal")
    suffixes = frozenset({".tsv", ".mid", ".midi"})
    files_a_shard = 16

    def companions(self, name: str) -> tuple[str, ...]:
        """The recording, and the pedal."""
        stem = Path(name).stem
        return (*(stem + suffix for suffix in AUDIO_SUFFIXES), stem + PEDAL)

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
        if path.name.endswith(PEDAL):
            raise CorpusError(f"{path.name}: belongs to another file")
        notes = read_notes(path)
        recording = recording_beside(path)
        if not len(notes):
            raise CorpusError(f"{path.name}: no notes in it")
        waveform = read_audio(recording, self.features.sample_rate)
        if notes[:, 0].max() > len(waveform) / self.features.sample_rate + 1:
            raise CorpusError(f"{path.name}: its notes go on after the end of {recording.name}; do the two belong together?")
        frames = packed(spectrogram(torch.from_numpy(waveform), self.features).numpy())
        table = path.with_name(path.stem + PEDAL)
        pedal = read_table(table, 2).astype(np.float32) if table.is_file() else NOBODY_KNOWS
        return Reading({"frames": frames, "notes": notes.astype(np.float32), "pedal": pedal}, len(frames))

    def derive(self, records: Sequence[Record]) -> list[Derived]:
        """None."""
        return []

    def combine(self, parents: Sequence[Arrays], derived: Derived) -> Reading:
        """Never asked for."""
        raise NotImplementedError


def recording_beside(path: Path) -> Path:
    """The recording that labels belong to.

    Raises:
        AudioError: there is none.
    """
    for suffix in AUDIO_SUFFIXES:
        if (found := path.with_suffix(suffix)).is_file():
            return found
    raise AudioError(f"{path.name}: no recording of that name beside it ({', '.join(AUDIO_SUFFIXES)})")

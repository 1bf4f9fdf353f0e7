"""Recordings in folders `music` and `speech` as a corpus of spectrograms: what `melodia.preparation` needs to know of them.

Of long recordings the first minutes alone are kept. What a recording is stands in its record's tag.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from melodia.audio import SUFFIXES as AUDIO_SUFFIXES
from melodia.audio import read_blocks
from melodia.config import to_json
from melodia.detection.labelled import label_of
from melodia.detection.level import SILENCE_DB, level_db
from melodia.detection.model import FEATURES
from melodia.errors import CorpusError
from melodia.features import MelConfig, packed, stream_log_mel
from melodia.recipe import Recipe
from melodia.representation import Reading, Underived

VERSION = 1  # of what is read out of a file; another one reads all files anew
LONGEST_SECONDS = 300.0  # of a recording


@dataclass(frozen=True, slots=True, kw_only=True)
class KindsRepresentation(Underived):
    """See the module."""

    features: MelConfig = field(default_factory=lambda: FEATURES)

    name = "kinds"
    domain = "detection"
    unit = "frames"
    arrays = ("frames",)
    suffixes = frozenset(AUDIO_SUFFIXES)
    files_a_shard = 64

    def companions(self, name: str) -> tuple[str, ...]:
        """None."""
        return ()

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        return {"features": to_json(self.features), "version": VERSION}

    def for_recipe(self, recipe: Recipe) -> KindsRepresentation:
        """The same: recipes change nothing."""
        return self

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes a spectrogram of a recording.

        Raises:
            MelodiaError: it cannot be read, is silent, or lies in no folder that says what it is.
        """
        kind, _ = label_of(path)
        blocks = read_blocks(path, self.features.sample_rate, 0.0, LONGEST_SECONDS)
        decibels = torch.cat(list(stream_log_mel(blocks, self.features)) or [torch.zeros(0, self.features.n_mels)])
        if level_db(decibels, self.features) < SILENCE_DB:
            raise CorpusError(f"{path.name}: silent, or nearly so (below {SILENCE_DB:g} dB)")
        return Reading({"frames": packed(decibels.numpy())}, len(decibels), tag=kind)

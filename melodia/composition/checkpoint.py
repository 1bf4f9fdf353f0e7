"""Checkpoint folders -> composers."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_weights, open_checkpoint
from melodia.composition.model import Composer, ComposerConfig
from melodia.config import from_json


def load_composer(name: str | Path) -> Composer:
    """The composer of a checkpoint, by name or folder, on the CPU.

    Raises:
        CheckpointError: it is missing, damaged, or not of this domain.
    """
    folder, info = open_checkpoint(name, "composition")
    composer = Composer(from_json(ComposerConfig, info.model, f"{folder / 'config.json'}"))
    load_weights(composer, folder)
    return composer.eval()

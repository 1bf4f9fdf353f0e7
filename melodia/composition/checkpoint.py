"""Checkpoint folders -> composers."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.composition.model import Composer, ComposerConfig


def load_composer(name: str | Path) -> Composer:
    """The composer of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "composition", ComposerConfig, Composer)

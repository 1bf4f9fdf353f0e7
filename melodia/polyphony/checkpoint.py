"""Checkpoint folders -> models of frames."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.polyphony.model import PolyphonyConfig, PolyphonyModel


def load_polyphony(name: str | Path) -> PolyphonyModel:
    """The model of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "polyphony", PolyphonyConfig, PolyphonyModel)

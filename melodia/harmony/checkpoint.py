"""Checkpoint folders -> choirs."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.harmony.model import Choir, ChoirConfig


def load_choir(name: str | Path) -> Choir:
    """The model of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "harmony", ChoirConfig, Choir)

"""Checkpoint folders -> pianists."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.performance.model import Pianist, PianistConfig


def load_pianist(name: str | Path) -> Pianist:
    """The model of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "performance", PianistConfig, Pianist)

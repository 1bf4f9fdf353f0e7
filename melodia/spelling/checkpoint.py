"""Checkpoint folders -> spellers."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.spelling.model import SpellingConfig, SpellingModel


def load_spelling(name: str | Path) -> SpellingModel:
    """The network of a checkpoint, by name or folder, on the CPU.

    Errors are those of `melodia.checkpoint.load_model`.
    """
    return load_model(name, "spelling", SpellingConfig, SpellingModel)

"""Checkpoint folders -> language models."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.language.model import LanguageConfig, LanguageModel


def load_language(name: str | Path) -> LanguageModel:
    """The language model of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "language", LanguageConfig, LanguageModel)

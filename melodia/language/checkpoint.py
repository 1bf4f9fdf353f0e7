"""Checkpoint folders -> language models."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_weights, open_checkpoint
from melodia.config import from_json
from melodia.language.model import LanguageConfig, LanguageModel


def load_language(name: str | Path) -> LanguageModel:
    """The language model of a checkpoint, by name or folder, on the CPU.

    Raises:
        CheckpointError: it is missing, damaged, or not of this domain.
        ConfigError: a setting in it is not known or out of range.
    """
    folder, info = open_checkpoint(name, "language")
    model = LanguageModel(from_json(LanguageConfig, info.model, f"{folder / 'config.json'}"))
    load_weights(model, folder)
    return model.eval()

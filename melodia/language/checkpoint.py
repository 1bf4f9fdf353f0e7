"""Checkpoint folders -> language models."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import find_checkpoint, load_model
from melodia.language.model import LanguageConfig, LanguageModel
from melodia.language.trigrams import FILE, load_trigrams


def load_language(name: str | Path) -> LanguageModel:
    """The language model of a checkpoint, by name or folder, on the CPU, with its words, if they are beside it.

    Errors are those of `melodia.checkpoint.load_model`.
    """
    model = load_model(name, "language", LanguageConfig, LanguageModel)
    words = find_checkpoint(name) / FILE
    model.trigrams = load_trigrams(words) if words.is_file() else None
    return model

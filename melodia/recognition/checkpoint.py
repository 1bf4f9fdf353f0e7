"""Checkpoint folders -> recognisers."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.recognition.model import Recognizer, RecognizerConfig


def load_recognizer(name: str | Path) -> Recognizer:
    """The recogniser of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "recognition", RecognizerConfig, Recognizer)

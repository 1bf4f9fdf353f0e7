"""Checkpoint folders -> recognisers."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_weights, open_checkpoint
from melodia.config import from_json
from melodia.recognition.model import Recognizer, RecognizerConfig


def load_recognizer(name: str | Path) -> Recognizer:
    """The recogniser of a checkpoint, by name or folder, on the CPU.

    Raises:
        CheckpointError: it is missing, damaged, or not of this domain.
        ConfigError: a setting in it is not known or out of range.
    """
    folder, info = open_checkpoint(name, "recognition")
    model = Recognizer(from_json(RecognizerConfig, info.model, str(folder / "config.json")))
    load_weights(model, folder)
    return model.eval()

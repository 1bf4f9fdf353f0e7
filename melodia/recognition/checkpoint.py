"""Recognisers on the disk."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import DEFAULTS, load_weights, open_checkpoint
from melodia.config import from_json
from melodia.recognition.model import Recognizer, RecognizerConfig


def load_recognizer(name: str | Path = DEFAULTS["recognition"]) -> Recognizer:
    """Loads a recogniser by name or folder, in evaluation mode.

    Raises:
        CheckpointError: it is missing, damaged, or no recogniser.
    """
    folder, info = open_checkpoint(name, "recognition")
    model = Recognizer(from_json(RecognizerConfig, info.model, str(folder / "config.json")))
    load_weights(model, folder)
    return model.eval()

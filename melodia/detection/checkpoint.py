"""Checkpoint folders -> detectors."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_weights, open_checkpoint
from melodia.config import from_json
from melodia.detection.model import Detector, DetectorConfig


def load_detector(name: str | Path) -> Detector:
    """The detector of a checkpoint, by name or folder, on the CPU.

    Raises:
        CheckpointError: it is missing, damaged, or not of this domain.
        ConfigError: a setting in it is not known or out of range.
    """
    folder, info = open_checkpoint(name, "detection")
    model = Detector(from_json(DetectorConfig, info.model, f"{folder / 'config.json'}"))
    load_weights(model, folder)
    return model.eval()

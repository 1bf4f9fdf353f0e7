"""Checkpoint folders -> detectors."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.detection.model import Detector, DetectorConfig


def load_detector(name: str | Path) -> Detector:
    """The detector of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "detection", DetectorConfig, Detector)

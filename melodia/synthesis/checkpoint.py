"""Checkpoint folders -> voices."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.synthesis.model import Voice, VoiceConfig


def load_voice(name: str | Path) -> Voice:
    """The voice of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "synthesis", VoiceConfig, Voice)

"""Checkpoint folders -> transcribers."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_model
from melodia.transcription.model import Transcriber, TranscriberConfig


def load_transcriber(name: str | Path) -> Transcriber:
    """The transcriber of a checkpoint, by name or folder, on the CPU; errors are those of `melodia.checkpoint.load_model`."""
    return load_model(name, "transcription", TranscriberConfig, Transcriber)

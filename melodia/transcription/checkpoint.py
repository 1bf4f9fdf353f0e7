"""Checkpoint folders -> transcribers."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import load_weights, open_checkpoint
from melodia.config import from_json
from melodia.transcription.model import Transcriber, TranscriberConfig


def load_transcriber(name: str | Path) -> Transcriber:
    """The transcriber of a checkpoint, by name or folder, on the CPU.

    Raises:
        CheckpointError: it is missing, damaged, or not of this domain.
        ConfigError: a setting in it is not known or out of range.
    """
    folder, info = open_checkpoint(name, "transcription")
    model = Transcriber(from_json(TranscriberConfig, info.model, f"{folder / 'config.json'}"))
    load_weights(model, folder)
    return model.eval()

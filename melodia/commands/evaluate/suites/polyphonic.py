"""The polyphonic-music benchmark: JSB chorales, Nottingham, MuseData, Piano-midi; nats a frame on the split that all use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SETS = ("jsb", "nottingham", "musedata", "piano")
MODELS = {name: f"frames-{name}" for name in SETS}


def measure(name: str, data: Path, split: str, model: str, device: str) -> dict[str, Any]:
    """A set.

    Raises:
        MelodiaError: its checkpoint or its file is missing or damaged.
    """
    from melodia.device import resolve_device
    from melodia.polyphony.benchmark import SETS as FILES
    from melodia.polyphony.benchmark import read_mat
    from melodia.polyphony.checkpoint import load_polyphony
    from melodia.polyphony.evaluate import evaluate

    loaded = load_polyphony(model).to(resolve_device(device))
    return {"set": name, "split": split, **evaluate(loaded, read_mat(data / FILES[name], split))}


def line(row: dict[str, Any]) -> str:
    """A row as text."""
    return (
        f"{row['set']:12}{row['nats']:8.3f} nats a frame, mean of pieces{row['nats_a_piece_mean']:8.3f}; "
        f"{row['pieces']} pieces of {row['split']}, {row['frames']:,} frames, {row['seconds']:.0f} s"
    )

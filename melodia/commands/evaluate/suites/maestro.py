"""MAESTRO in the 388 events of Performance RNN: nats an event on the split that published figures use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SETS = ("maestro388",)
MODELS = {"maestro388": "piano"}


def measure(name: str, data: Path, split: str, model: str, device: str) -> dict[str, Any]:
    """A set.

    Raises:
        MelodiaError: its checkpoint or one of its files is missing or damaged.
    """
    from melodia.device import resolve_device
    from melodia.performance.benchmark import read_maestro
    from melodia.performance.checkpoint import load_pianist
    from melodia.performance.evaluate import evaluate

    loaded = load_pianist(model).to(resolve_device(device))
    return {"set": name, "split": split, **evaluate(loaded, read_maestro(data, split))}


def line(row: dict[str, Any]) -> str:
    """A row as text."""
    return (
        f"{row['set']:12}{row['nats']:8.4f} nats an event, {row['nats_a_note']:.4f} a note, {row['nats_a_second']:.3f} a second of "
        f"music; {row['pieces']} pieces of {row['split']}, {row['events']:,} events, {row['seconds']:.0f} s"
    )

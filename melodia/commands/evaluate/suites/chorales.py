"""The chorales on a grid of 16ths, token by token: nats a token on the split that published figures use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SETS = ("jsb16",)
MODELS = {"jsb16": "chorale"}


def measure(name: str, data: Path, split: str, model: str, device: str) -> dict[str, Any]:
    """A set.

    Raises:
        MelodiaError: its checkpoint or its file is missing or damaged, or the model is a harmonizer.
    """
    from melodia.device import resolve_device
    from melodia.errors import ConfigError
    from melodia.harmony.benchmark import FILE, read_npz
    from melodia.harmony.checkpoint import load_choir
    from melodia.harmony.evaluate import evaluate

    loaded = load_choir(model).to(resolve_device(device))
    if loaded.config.ahead_size:
        raise ConfigError(f"model: {model} knows the soprano from the outset; measure it on jsb16-harmony")
    return {"set": name, "split": split, **evaluate(loaded, read_npz(data / FILE, split))}


def line(row: dict[str, Any]) -> str:
    """A row as text."""
    return (
        f"{row['set']:12}{row['nats']:8.4f} nats a token, {row['nats_a_step']:.4f} a step, {row['nats_a_piece']:.1f} a piece; "
        f"{row['pieces']} pieces of {row['split']}, {row['tokens']:,} tokens, {row['seconds']:.0f} s"
    )

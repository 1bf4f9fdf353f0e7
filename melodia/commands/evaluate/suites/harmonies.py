"""Chorales harmonised anew: errors of voice-leading under the sopranos of a split, beside Bach's, and nats a token of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from melodia.checkpoint import HARMONIZER

SETS = ("jsb16-harmony",)
MODELS = {"jsb16-harmony": HARMONIZER}


def measure(name: str, data: Path, split: str, model: str, device: str) -> dict[str, Any]:
    """A set: a take of each piece.

    Raises:
        MelodiaError: its checkpoint or its file is missing or damaged, or the model cannot harmonise.
    """
    from melodia.device import resolve_device
    from melodia.harmony.benchmark import FILE, read_npz
    from melodia.harmony.checkpoint import load_choir
    from melodia.harmony.evaluate import evaluate, harmonised
    from melodia.harmony.rules import errors_a_hundred_steps

    loaded = load_choir(model).to(resolve_device(device))
    pieces = read_npz(data / FILE, split)
    takes = harmonised(loaded, pieces)
    report = evaluate(loaded, pieces)
    return {
        "set": name,
        "split": split,
        "bach": errors_a_hundred_steps(pieces),
        "model": errors_a_hundred_steps(takes),
        "nats": report["nats"],
        "pieces": len(pieces),
        "steps": sum(map(len, pieces)),
    }


def line(row: dict[str, Any]) -> str:
    """A row as text."""
    kinds = ", ".join(f"{kind} {row['model'][kind]:.3f} ({row['bach'][kind]:.3f})" for kind in row["bach"])
    total, bach = sum(row["model"].values()), sum(row["bach"].values())
    return (
        f"{row['set']}: {total:.2f} errors in 100 steps, Bach's own {bach:.2f}; {kinds}; {row['nats']:.4f} nats a token; "
        f"{row['pieces']} pieces of {row['split']}"
    )

"""`melodia evaluate` of a model of frames, on a prepared corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.commands.console import progress_bar
from melodia.errors import ConfigError

if TYPE_CHECKING:
    from melodia.corpus import Corpus


def measure(folder: Path, prepared: Corpus | None, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """Nats a frame."""
    from melodia.corpus import Corpus
    from melodia.device import resolve_device
    from melodia.polyphony.checkpoint import load_polyphony
    from melodia.polyphony.data import pieces_of
    from melodia.polyphony.evaluate import evaluate

    name, split = options["model"], options["split"] or "valid"
    if not name:
        raise ConfigError("model: none ships for all piano rolls; name a checkpoint with --model")
    model = load_polyphony(name).to(resolve_device(options["device"]))
    pieces = pieces_of(prepared or Corpus(folder), split)
    with progress_bar(quiet, "pieces") as bar:
        line = bar.add_task("reading", total=len(pieces), note="")
        report = evaluate(model, pieces, lambda done: bar.update(line, completed=done))
    return {"model": str(name), "split": split, **report}


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    return (
        f"{report['pieces']} pieces of {report['split']}, {report['frames']:,} frames, with {report['model']}\n\n"
        f"nats a frame{report['nats']:10.3f}   mean of pieces{report['nats_a_piece_mean']:10.3f}"
    )

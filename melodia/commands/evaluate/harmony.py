"""`melodia evaluate` of a choir, on a prepared corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.commands.console import progress_bar
from melodia.errors import ConfigError

if TYPE_CHECKING:
    from melodia.corpus import Corpus


def measure(folder: Path, prepared: Corpus | None, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """Nats a token."""
    from melodia.corpus import Corpus
    from melodia.device import resolve_device
    from melodia.harmony.checkpoint import load_choir
    from melodia.harmony.data import pieces_of
    from melodia.harmony.evaluate import evaluate

    name, split = options["model"], options["split"] or "valid"
    if not name:
        raise ConfigError("model: none ships for all four-part music; name a checkpoint with --model")
    model = load_choir(name).to(resolve_device(options["device"]))
    pieces = pieces_of(prepared or Corpus(folder), split)
    with progress_bar(quiet, "pieces") as bar:
        line = bar.add_task("reading", total=len(pieces), note="")
        report = evaluate(model, pieces, lambda done: bar.update(line, completed=done))
    return {"model": str(name), "split": split, **report}


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    return (
        f"{report['pieces']} pieces of {report['split']}, {report['tokens']:,} tokens, with {report['model']}\n\n"
        f"nats a token{report['nats']:10.4f}   a step{report['nats_a_step']:10.4f}   a piece{report['nats_a_piece']:10.1f}"
    )

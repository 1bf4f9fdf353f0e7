"""`melodia evaluate` of a pianist, on a prepared corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.commands.console import progress_bar
from melodia.errors import ConfigError

if TYPE_CHECKING:
    from melodia.corpus import Corpus


def measure(folder: Path, prepared: Corpus | None, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """Nats an event, a note and a second."""
    from melodia.corpus import Corpus
    from melodia.device import resolve_device
    from melodia.performance.checkpoint import load_pianist
    from melodia.performance.data import pieces_of
    from melodia.performance.evaluate import evaluate

    name, split = options["model"], options["split"] or "valid"
    if not name:
        raise ConfigError("model: name a checkpoint of performance with --model, for example piano")
    model = load_pianist(name).to(resolve_device(options["device"]))
    pieces = pieces_of(prepared or Corpus(folder), split)
    with progress_bar(quiet, "pieces") as bar:
        line = bar.add_task("listening", total=len(pieces), note="")
        report = evaluate(model, pieces, lambda done: bar.update(line, completed=done))
    return {"model": str(name), "split": split, **report}


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    return (
        f"{report['pieces']} pieces of {report['split']}, {report['events']:,} events, {report['notes']:,} notes, with "
        f"{report['model']}\n\nnats an event{report['nats']:10.4f}   a note{report['nats_a_note']:10.4f}   "
        f"a second{report['nats_a_second']:10.3f}"
    )

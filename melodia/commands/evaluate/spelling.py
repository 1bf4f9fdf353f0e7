"""`melodia evaluate` of a speller, on a prepared corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.checkpoint import DEFAULTS

if TYPE_CHECKING:
    from melodia.corpus import Corpus


def measure(folder: Path, prepared: Corpus | None, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """Words and phonemes that are wrong."""
    from melodia.corpus import Corpus
    from melodia.device import resolve_device
    from melodia.spelling.checkpoint import load_spelling
    from melodia.spelling.data import words_of
    from melodia.spelling.evaluate import evaluate

    name, split = options["model"] or DEFAULTS["spelling"], options["split"] or "valid"
    model = load_spelling(name).to(resolve_device(options["device"]))
    return {"model": str(name), "split": split, **evaluate(model, words_of(prepared or Corpus(folder), split))}


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [f"{report['words']:,} words of {report['split']}, with {report['model']}", "", f"{'':16}{'words':>10}{'phonemes':>10}"]
    for title, suffix in (("wrong", ""), ("without stress", "_unstressed")):
        lines.append(f"{title:16}{report[f'words_wrong{suffix}']:10.1%}{report[f'signs_wrong{suffix}']:10.1%}")
    if report["wrong"]:
        lines += ["", "of those that are wrong, as they are said and as they were spelled:"]
        width = max(len(row["word"]) for row in report["wrong"]) + 2
        lines += [f"  {row['word']:{width}}{row['reference']}  {row['estimate']}" for row in report["wrong"]]
    return "\n".join(lines)

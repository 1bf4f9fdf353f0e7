"""`melodia evaluate` of a transcriber, on a folder of recordings with their notes or on a prepared corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.checkpoint import DEFAULTS
from melodia.commands.console import progress_bar

if TYPE_CHECKING:
    from melodia.corpus import Corpus


def measure(folder: Path, prepared: Corpus | None, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """F1 of notes and frames."""
    from melodia.device import resolve_device
    from melodia.transcription.checkpoint import load_transcriber
    from melodia.transcription.evaluate import evaluate, items_of_corpus, items_of_folder

    name = options["model"] or DEFAULTS["transcription"]
    model = load_transcriber(name).to(resolve_device(options["device"]))
    features, split = model.config.features, options["split"] or "valid"
    items = items_of_corpus(prepared, split, features) if prepared else items_of_folder(folder, features)
    with progress_bar(quiet, "recordings") as bar:
        line = bar.add_task("listening", total=len(items), note="")
        report = evaluate(model, items, lambda done: bar.update(line, completed=done))
    return {"model": str(name), **({"split": split} if prepared else {}), **report}


def table(report: dict[str, Any]) -> str:
    """A report of recordings as text."""
    columns = (("onset", "onset"), ("onset_offset", "+ offset"), ("onset_offset_velocity", "+ velocity"))
    lines = [f"{report['recordings']} recordings, {report['seconds']:.0f} s, with {report['model']}", ""]
    lines.append("F1, mean of recordings".ljust(26) + "".join(f"{title:>12}" for _, title in columns) + f"{'frames':>12}")
    for name, title in (("50", "onsets within 50 ms"), ("100", "onsets within 100 ms")):
        values = "".join(f"{report[f'{kind}_{name}']:12.3f}" for kind, _ in columns)
        lines.append(title.ljust(26) + values + (f"{report['frames']:12.3f}" if name == "50" else ""))
    lines += ["", f"{report['compute']:.3f} seconds of compute a second of audio"]
    scored = [row for row in report["rows"] if "error" not in row]
    worst = sorted(scored, key=lambda row: row["onset_50"])[:5]
    lines.append("hardest: " + ", ".join(f"{row['recording']} {row['onset_50']:.2f}" for row in worst))
    return "\n".join(lines)

"""`melodia inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.commands.console import device_option, json_option, notice, parse_bars, progress_bar, quiet_option, result
from melodia.config import check_range
from melodia.errors import ConfigError, MelodiaError

if TYPE_CHECKING:
    from melodia.composition.inspect import Inspection
    from melodia.inspection.reading import Reading
    from melodia.inspection.units import Ranked

SOUND = (".wav", ".flac", ".ogg", ".oga", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".opus", ".wma")


@click.command("inspect")
@click.argument("model")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write into. Default: NAME-inspect here.")
@click.option("--layer", "layers", type=int, multiple=True, help="Show this layer, from 1; may be given again. Default: all.")
@click.option("--top", type=int, default=5, show_default=True, help="How many units to name for each thing that they follow.")
@click.option("--bars", help="Show these bars only, for example 5-8; the network still reads from the start.")
@device_option
@quiet_option
@json_option
def command(model: str, file: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Look into a network while it reads a piece: its gates, what its units follow, and what surprised it.

    Writes index.html, a page to explore, and the pictures overview.png and units.png.
    """
    from melodia.composition.checkpoint import load_composer
    from melodia.composition.inspect import inspect
    from melodia.device import resolve_device
    from melodia.inspection.page import MOST_LAYERS
    from melodia.inspection.units import rank
    from melodia.score import Score

    check_range("top", options["top"], 1, 100)
    bars = parse_bars(options["bars"])
    folder = options["output"] or Path(f"{file.stem}-inspect")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"output: {folder} is a file; name a folder")
    composer = load_composer(model).to(resolve_device(options["device"]))
    if file.suffix.lower() in SOUND:
        raise MelodiaError(f"{file}: a sound file, but {model} is a composition checkpoint, which reads MIDI; give a .mid file")
    for layer in options["layers"]:
        check_range("layer", layer, 1, composer.config.num_layers)
    layers = [layer - 1 for layer in dict.fromkeys(options["layers"])] or list(range(composer.config.num_layers))
    with progress_bar(quiet, "") as bar:
        task = bar.add_task("reading", total=None, note="")
        inspection = inspect(
            composer, Score.read(file), bars, title=printable(file.name), model=printable(Path(model).name or model)
        )
        reading = inspection.reading
        bar.update(task, description="ranking units")
        ranked = rank(reading.traces, reading.signals, options["top"])
        bar.update(task, description="drawing")
        files = write_files(reading, ranked, folder, layers)
    if len(layers) > MOST_LAYERS:
        notice(f"the page shows {MOST_LAYERS} of {len(layers)} layers; choose others with --layer", quiet)
    for message in inspection.messages:
        notice(message, quiet)
    result("\n".join([*files.values(), "", table(inspection, ranked)]), files | report(inspection, ranked), as_json)


def write_files(reading: Reading, ranked: Sequence[Ranked], folder: Path, layers: Sequence[int]) -> dict[str, str]:
    """Writes the page and the pictures and gives their paths."""
    from melodia.inspection.page import write_page
    from melodia.inspection.picture import draw_overview, draw_units

    return {
        "page": str(write_page(reading, ranked, folder / "index.html", layers)),
        "overview": str(draw_overview(reading, ranked, folder / "overview.png", layers)),
        "units": str(draw_units(reading, ranked, folder / "units.png")),
    }


def printable(name: str) -> str:
    """A name of a file, with an escape for what is no text in it."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def table(inspection: Inspection, ranked: Sequence[Ranked]) -> str:
    """The best unit for each name, and the surprise, as text."""
    from melodia.inspection.panels import shortened

    reading = inspection.reading
    lines = [f"{'follows':28}{'layer':>6}{'unit':>6}{'r':>8}{'chance':>8}"]
    for found in ranked:
        best = found.best[0]
        verdict = "" if found.above_chance else "  not above chance"
        lines.append(f"{shortened(found.name, 27):28}{best.layer + 1:6}{best.unit:6}{best.r:8.2f}{found.chance:8.2f}{verdict}")
    if not ranked:
        lines.append("(too few events to tell)")
    lines += ["", f"{reading.mean_nats:.2f} nats a note over {len(reading.boxes):,} notes: {shares_text(inspection)}"]
    return "\n".join(lines)


def mean_shares(inspection: Inspection) -> dict[str, float]:
    """Of the notes shown, the mean nats lost on each attribute."""
    reading = inspection.reading
    count = max(len(reading.boxes), 1)
    return {name: sum(box.shares[i] for box in reading.boxes) / count for i, name in enumerate(reading.share_names)}


def shares_text(inspection: Inspection) -> str:
    """`time 1.20, pitch 0.80 ...`."""
    return ", ".join(f"{name} {value:.2f}" for name, value in mean_shares(inspection).items())


def report(inspection: Inspection, ranked: Sequence[Ranked]) -> dict[str, Any]:
    """The ranking and the surprise of each note, for other programs. Layers count from 1."""
    reading = inspection.reading
    notes = [
        {
            "onset_quarters": round(box.onset, 4),
            "duration_quarters": round(box.offset - box.onset, 4),
            "pitch": int(box.height),
            "part": reading.groups[box.group],
            "nats": round(box.nats, 4),
            **{f"nats_{name}": round(share, 4) for name, share in zip(reading.share_names, box.shares, strict=True)},
        }
        for box in reading.boxes
    ]
    units = {
        found.name: {
            "chance": round(found.chance, 4),
            "events": found.steps,
            "units": [{"layer": unit.layer + 1, "unit": unit.unit, "r": round(unit.r, 4)} for unit in found.best],
        }
        for found in ranked
    }
    return {
        "facts": reading.facts,
        "nats_a_note": round(reading.mean_nats, 4),
        "nats_by_attribute": {name: round(value, 4) for name, value in mean_shares(inspection).items()},
        "nats_a_note_with_bars_and_parts": round(inspection.nats_a_note, 4),
        "units": units,
        "notes": notes,
    }

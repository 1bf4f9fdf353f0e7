"""Pictures: a score as a piano roll, one lane a part, and a learning curve."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from melodia.errors import MelodiaError
from melodia.files import temporary_beside, why_not_written
from melodia.midi import part_name
from melodia.score import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRIMER_COLOUR, MADE_COLOUR = "#5b6b7a", "#e0672f"
MOST_PARTS = 16  # drawn; of more those with the most notes
MOST_BARS = 64  # drawn; of a longer score its end


def draw_piano_roll(score: Score, path: str | Path, join_ticks: int = 0) -> Path:
    """Draws bars and notes, those before `join_ticks` in one colour and the rest in another.

    Of a score of more than `MOST_BARS` bars the last are drawn.

    Raises:
        MelodiaError: the file cannot be written.
    """
    from matplotlib.collections import PatchCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle

    parts = [part for part in score.parts if part.notes]
    if len(parts) > MOST_PARTS:
        fewest = sorted(len(part.notes) for part in parts)[-MOST_PARTS]
        parts = [part for part in parts if len(part.notes) >= fewest][:MOST_PARTS]
    bars = score.bars()[-MOST_BARS:]
    begin, end = (bars[0].onset_ticks, bars[-1].offset_ticks) if bars else (0, 1)
    first = len(score.bars()) - len(bars) + 1
    figure = Figure(figsize=(max(8.0, 0.45 * len(bars)), 1.2 + 1.5 * max(len(parts), 1)), dpi=110, layout="constrained")
    lanes = figure.subplots(max(len(parts), 1), 1, sharex=True, squeeze=False)[:, 0]
    for lane, part in zip(lanes, parts, strict=False):
        notes = [n for n in part.notes if n.offset_ticks > begin]
        pitches = [n.pitch for n in notes] or [60]
        for colour, wanted in ((PRIMER_COLOUR, False), (MADE_COLOUR, True)):
            boxes = [
                Rectangle((n.onset_ticks, n.pitch - 0.45), max(n.offset_ticks - n.onset_ticks, 30), 0.9)
                for n in notes
                if (n.onset_ticks >= join_ticks) == wanted
            ]
            lane.add_collection(PatchCollection(boxes, facecolor=colour, edgecolor="white", linewidth=0.3))
        lane.set_ylim(min(pitches) - 2.5, max(pitches) + 2.5)
        lane.yaxis.get_major_locator().set_params(integer=True)
        lane.set_ylabel(part_name(part)[:22], rotation=0, ha="right", va="center", fontsize=9, parse_math=False)
        lane.tick_params(labelsize=7)
        for bar in bars:
            lane.axvline(bar.onset_ticks, color="#00000030", linewidth=0.7, zorder=0)
        if begin < join_ticks < end:
            lane.axvline(join_ticks, color="black", linewidth=1.2)
    lanes[-1].set_xlim(begin, end)
    stride = max(len(bars) // 16, 1)
    lanes[-1].set_xticks([b.onset_ticks for b in bars[::stride]], [str(first + i) for i in range(0, len(bars), stride)])
    lanes[-1].set_xlabel("bar")
    if begin < join_ticks < end:
        handles = [Patch(color=PRIMER_COLOUR, label="seed"), Patch(color=MADE_COLOUR, label="continuation")]
        figure.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    return save_figure(figure, Path(path))


def draw_learning_curve(metrics: Path, path: Path) -> Path:
    """Draws the losses in a `metrics.jsonl`.

    Raises:
        MelodiaError: the file cannot be read or written.
    """
    from matplotlib.figure import Figure

    try:
        rows = [json.loads(line) for line in metrics.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise MelodiaError(f"{metrics}: cannot be read: {error}") from error
    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    for name, colour in (("train", PRIMER_COLOUR), ("valid", MADE_COLOUR)):
        points = [(r["iteration"], r[name]) for r in rows if r[name] is not None]
        axes.plot(
            *zip(*points, strict=True) if points else ([], []), color=colour, label=name, marker="." if len(points) < 30 else ""
        )
    best = min(rows, key=lambda r: r["valid"])
    axes.plot(best["iteration"], best["valid"], "o", color=MADE_COLOUR, markersize=8, markerfacecolor="none")
    label = f"{best['valid']:.3f} at {best['iteration']}"
    axes.annotate(label, (best["iteration"], best["valid"]), (0, 10), textcoords="offset points", ha="center", fontsize=9)
    axes.set_xlabel("iteration")
    axes.set_ylabel(rows[0]["unit"])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.legend(frameon=False)
    return save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> Path:
    """Writes a figure as PNG, whole or not at all, on the figure's own ground.

    Raises:
        MelodiaError: it cannot be written.
    """
    try:
        with temporary_beside(path) as temporary, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in a script that the font lacks
            figure.savefig(temporary, format="png", facecolor=figure.get_facecolor())
    except OSError as error:
        raise MelodiaError(f"{path}: cannot be written: {why_not_written(error, path)}") from error
    return path

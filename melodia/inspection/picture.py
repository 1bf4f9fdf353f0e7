"""Two pictures of a reading: all gates under the roll, and for each name the unit that follows it best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from melodia.inspection.colours import FADED, GROUPS, INK, LINE, PAPER
from melodia.inspection.lanes import lay_out
from melodia.inspection.panels import bare, draw_heat, draw_roll, draw_surprise, draw_ticks, shortened, signed, title_panel
from melodia.inspection.reading import Reading, gates, memory, step_edges
from melodia.inspection.units import Ranked, fitted, rows_of
from melodia.picture import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_STEPS = 640  # drawn: more would be narrower than a pixel or two
MOST_ROWS, MOST_LAYERS = 16, 4
WIDTH, LEFT, RIGHT = 15.0, 2.15, 0.35  # inches
ROW = 0.125  # inches a unit
EXPLANATION = {
    "cell": "what the layer remembers: blue below 0, orange above; each row on its own scale",
    "hidden": "what the layer gives: blue below 0, orange above; each row on its own scale",
    "input": "how much of what is new is let in: dark is open",
    "forget": "how much is kept: dark keeps all, light forgets",
    "output": "how much of the cell is shown: dark is open",
    "reset": "how much of the past the candidate sees: dark sees all",
    "update": "how much of the past is kept: dark keeps all",
}


def draw_overview(reading: Reading, ranked: Sequence[Ranked], path: Path, layers: Sequence[int]) -> Path:
    """Surprise, roll, and each layer's memory and gates on one time axis.

    Raises:
        MelodiaError: the file cannot be written.
    """
    drawn = first_stretch(reading)
    panels = []
    for layer in layers[:MOST_LAYERS]:
        trace, rows = drawn.traces[layer], rows_of(reading.traces, ranked, layer, MOST_ROWS)
        units = [row.unit.unit for row in rows]
        labels = [f"{shortened(row.name, 24)}  {signed(row.unit.r)}  ·{row.unit.unit:>4}" for row in rows]
        for name in (memory(trace), *gates(trace)):
            values, names = trace[name][:, units].T, labels
            if name in gates(trace):
                mean = trace[name].mean(axis=1, keepdims=True).T
                values, names = np.concatenate([mean, values]), [f"mean of all {trace[name].shape[1]}", *labels]
            if len(values):
                panels.append((layer, name, values, names))
    sizes = [1.1, roll_inches(drawn), *(ROW * len(values) for _, _, values, _ in panels)]
    figure, axes = _sheet(sizes, f"What {reading.model} did while it read {reading.title}", _facts(reading, drawn))
    title_panel(axes[0], "Surprise", f"nats each {reading.unit_name} cost, by what they were lost on", above=16)
    draw_surprise(axes[0], drawn)
    draw_ticks(axes[0], drawn, labelled=True)
    draw_roll(axes[1], drawn)
    title_panel(axes[1], f"What it read, each {reading.unit_name} coloured by its surprise", f"mean {reading.mean_nats:.2f} nats")
    for place, (layer, name, values, names) in zip(axes[2:], panels, strict=True):
        draw_heat(place, drawn, values, names, signed=name in ("cell", "hidden"))
        kind = f"{name} state" if name in ("cell", "hidden") else f"{name} gate"
        title_panel(place, f"Layer {layer + 1} · {kind}", EXPLANATION.get(name, ""))
    return save_figure(figure, path)


def draw_units(reading: Reading, ranked: Sequence[Ranked], path: Path) -> Path:
    """For each name its best unit over time, over what it follows, with r and the level of chance.

    Raises:
        MelodiaError: the file cannot be written.
    """
    drawn = first_stretch(reading)
    sizes = [roll_inches(drawn), *[0.5] * len(ranked)]
    heading = f"Units of {reading.model} that follow something nameable in {reading.title}"
    figure, axes = _sheet(sizes, heading, _facts(reading, drawn), right=3.1)
    draw_roll(axes[0], drawn)
    draw_ticks(axes[0], drawn, labelled=True)
    for place, found in zip(axes[1:], ranked, strict=True):
        _draw_following(place, reading, drawn, found)
        box = place.get_position()
        _draw_strength(figure.add_axes((box.x1 + 0.1 / WIDTH, box.y0, 2.85 / WIDTH, box.height)), found)
    return save_figure(figure, path)


def first_stretch(reading: Reading) -> Reading:
    """As many whole bars as can be drawn."""
    if len(reading.times) <= MOST_STEPS:
        return reading
    latest = float(reading.times[MOST_STEPS])
    ends = [time for time, _ in reading.ticks if reading.begin < time <= latest]
    return reading.until(ends[-1] if ends else latest)


def roll_inches(reading: Reading) -> float:
    """How tall the roll is."""
    lanes, _ = lay_out(reading)
    return float(np.clip((lanes[-1].bottom if lanes else 1) * 0.052, 0.8, 7.0))


def _facts(reading: Reading, drawn: Reading) -> str:
    facts = "   ·   ".join(reading.facts)
    if len(drawn.times) < len(reading.times):
        last = [label for time, label in drawn.ticks if time < drawn.end][-1]
        facts += f"   ·   drawn up to {reading.tick_name} {last}; the page has all"
    return facts


def _sheet(sizes: Sequence[float], heading: str, facts: str, right: float = RIGHT) -> tuple[Figure, list[Axes]]:
    """A figure with a heading and panels of these heights in inches, one under the other."""
    from matplotlib.figure import Figure

    top, gap, bottom = 1.25, 0.36, 0.3
    height = top + sum(sizes) + gap * (len(sizes) - 1) + bottom
    if right != RIGHT:
        gap = 0.12
        height = top + sum(sizes) + gap * (len(sizes) - 1) + bottom
    figure = Figure(figsize=(WIDTH, height), dpi=110, facecolor=PAPER)
    figure.text(LEFT / WIDTH, 1 - 0.42 / height, heading, fontsize=17, family="serif", color=INK, va="center", parse_math=False)
    figure.text(LEFT / WIDTH, 1 - 0.72 / height, facts, fontsize=9, color=FADED, va="center", parse_math=False)
    axes, y = [], height - top
    for size in sizes:
        y -= size
        axes.append(figure.add_axes((LEFT / WIDTH, y / height, (WIDTH - LEFT - right) / WIDTH, size / height)))
        y -= gap
    return figure, axes


def _draw_following(axes: Axes, reading: Reading, drawn: Reading, found: Ranked) -> None:
    best, trace = found.best[0], reading.traces[found.best[0].layer]
    values = trace[memory(trace)][:, best.unit]
    follows = fitted(reading.signals[found.name], values)
    keep, edges = len(drawn.times), step_edges(drawn.times, drawn.end)
    bare(axes, drawn)
    draw_ticks(axes, drawn)
    low, high = float(values[:keep].min()), float(values[:keep].max())
    axes.stairs(follows[:keep], edges, baseline=low, fill=True, color="#dcd7cb", linewidth=0, zorder=1)
    axes.stairs(values[:keep], edges, baseline=None, color=GROUPS[best.layer % 2], linewidth=1.0, zorder=2)
    room = max(high - low, 1e-6) * 0.08
    axes.set_ylim(low - room, high + room)
    axes.set_yticks([(low + high) / 2], [shortened(found.name, 26)])
    axes.get_yticklabels()[0].set(parse_math=False, color=INK, fontsize=9)


def _draw_strength(axes: Axes, found: Ranked) -> None:
    """A bar as long as |r|, a mark where chance stands, and which unit it is."""
    best = found.best[0]
    axes.set(xlim=(0, 2.4), ylim=(0, 1))
    axes.axis("off")
    axes.barh(0.5, 1, 0.2, color=LINE)
    axes.barh(0.5, abs(best.r), 0.2, color=GROUPS[best.layer % 2] if found.above_chance else FADED)
    axes.plot([found.chance] * 2, [0.3, 0.7], color=INK, linewidth=1.6)
    axes.text(1.06, 0.62, f"{signed(best.r)}  layer {best.layer + 1}, unit {best.unit}", fontsize=8.5, color=INK, va="center")
    verdict = "chance reaches" if found.above_chance else "no more than chance,"
    axes.text(1.06, 0.28, f"{verdict} {found.chance:.2f}", fontsize=7.5, color=FADED, va="center")

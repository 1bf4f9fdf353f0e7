"""The panels that the pictures are made of: surprise, roll, heat map; all over the same time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from melodia.inspection.colours import FADED, GROUPS, INK, LINE, colour_map, group_colour
from melodia.inspection.lanes import brightest, lay_out
from melodia.inspection.reading import Floats, Reading, brightness, step_edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap

SMALL = 7.5


def listed(name: str) -> ListedColormap:
    """A map of `colours` as matplotlib takes it."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(colour_map(name) / 255.0)


def signed(r: float) -> str:
    """A correlation as text, with a real minus."""
    return f"{r:+.2f}".replace("-", "−")


def shortened(name: str, most: int) -> str:
    """A name in at most so many letters."""
    return name if len(name) <= most else name[: most - 1] + "…"


def bare(axes: Axes, reading: Reading) -> None:
    """Takes frame and ticks away and sets the time axis."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_facecolor("none")
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=FADED, pad=3)
    axes.set_xlim(reading.begin, reading.end)
    axes.set_xticks([])
    axes.set_yticks([])


def draw_ticks(axes: Axes, reading: Reading, colour: str = LINE, labelled: bool = False) -> None:
    """Bar lines, and above them their labels, as many as there is room for."""
    for time, _ in reading.ticks:
        axes.axvline(time, color=colour, linewidth=0.6, zorder=0.5)
    if labelled:
        stride = max(-(-len(reading.ticks) // 40), 1)
        for time, label in reading.ticks[::stride]:
            axes.annotate(
                f"{label}", (time, 1), (1, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
                fontsize=SMALL, color=FADED, annotation_clip=True,
            )  # fmt: skip


def title_panel(axes: Axes, text: str, note: str = "", above: float = 5) -> None:
    """A heading over the left end of a panel, and a remark in grey behind it."""
    drawn = axes.annotate(text, (0, 1), (0, above), xycoords="axes fraction", textcoords="offset points", fontsize=9.5, color=INK)
    drawn.set_parse_math(False)
    if note:
        axes.annotate(
            note, (1, 0), (8, 1.3), xycoords=drawn, textcoords="offset points", fontsize=SMALL, color=FADED, parse_math=False
        )  # fmt: skip


def draw_surprise(axes: Axes, reading: Reading) -> None:
    """A stem for each box, at its step, stacked by what the nats were lost on."""
    from matplotlib.patches import Patch

    bare(axes, reading)
    draw_ticks(axes, reading)
    edges = step_edges(reading.times, reading.end)
    steps = np.array([box.step for box in reading.boxes], dtype=int)
    widest = (reading.end - reading.begin) / 260
    widths = np.minimum(np.diff(edges)[steps] * 0.82, widest)
    shares = np.array([box.shares or (box.nats,) for box in reading.boxes]).reshape(len(steps), max(len(reading.share_names), 1))
    bottom = np.zeros(len(steps))
    for i in range(shares.shape[1]):
        axes.bar(edges[steps], shares[:, i], widths, bottom, color=GROUPS[i % len(GROUPS)], align="edge", linewidth=0)
        bottom += shares[:, i]
    highest = float(bottom.max()) if len(bottom) else 1.0
    axes.set_ylim(0, highest * 1.04)
    marks = [m for m in (5, 10, 20, 30) if m < highest * 1.02] or [int(highest)]
    axes.set_yticks(marks)
    for mark in marks:
        axes.axhline(mark, color=LINE, linewidth=0.5, zorder=0.4)
    handles = [Patch(color=GROUPS[i % len(GROUPS)], label=name) for i, name in enumerate(reading.share_names)]
    if handles:
        axes.legend(
            handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.13), ncols=len(handles), frameon=False, fontsize=SMALL,
            labelcolor=FADED, handlelength=0.8, handleheight=0.8, columnspacing=1.2, borderaxespad=0.1, handletextpad=0.5,
        )  # fmt: skip


def draw_roll(axes: Axes, reading: Reading, surprise: bool = True) -> None:
    """What was read as boxes in one lane a group, coloured by surprise or by group."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    bare(axes, reading)
    draw_ticks(axes, reading)
    lanes, places = lay_out(reading)
    inset = (reading.end - reading.begin) / 2500
    boxes = [
        Rectangle((box.onset, top), max(box.offset - box.onset - inset, inset * 4), bottom - top)
        for box, (top, bottom) in zip(reading.boxes, places.tolist(), strict=True)
    ]
    drawn = PatchCollection(boxes, linewidth=0, zorder=2)
    if surprise:
        drawn.set(array=np.array([box.nats for box in reading.boxes]), cmap=listed("surprise"), clim=(0, brightest(reading)))
    else:
        drawn.set_facecolor([group_colour(box.group) for box in reading.boxes])
    axes.add_collection(drawn)
    axes.set_ylim(lanes[-1].bottom if lanes else 1, 0)
    axes.set_yticks([(lane.top + lane.bottom) / 2 for lane in lanes], [shortened(lane.name, 24) for lane in lanes])
    for label in axes.get_yticklabels():
        label.set(parse_math=False, color=INK, fontsize=8.5)
    for lane in lanes[1:]:
        axes.axhline(lane.top, color=LINE, linewidth=0.6, zorder=0.4)


def draw_heat(axes: Axes, reading: Reading, rows: Floats, labels: list[str], signed: bool) -> None:
    """Rows of values over time: from 0 to 1, or if signed each on its own scale around 0."""
    bare(axes, reading)
    edges = step_edges(reading.times, reading.end)
    if signed:
        rows = np.stack([row / brightness(row) for row in rows])
    axes.pcolormesh(
        edges, np.arange(len(rows) + 1), rows, cmap=listed("signed" if signed else "gate"), vmin=-1.0 if signed else 0.0,
        vmax=1.0, rasterized=True, antialiased=False,
    )  # fmt: skip
    for time, _ in reading.ticks[1:]:
        axes.axvline(time, color="#ffffff", alpha=0.55, linewidth=0.7)
    for row in range(1, len(rows)):
        axes.axhline(row, color="#ffffff", alpha=0.7, linewidth=0.5)
    axes.set_ylim(len(rows), 0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels)
    for label in axes.get_yticklabels():
        label.set(parse_math=False, fontsize=6.8)

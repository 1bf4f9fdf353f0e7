"""Two pictures of a `MemoryReport`: what was learned at which delay, and what the gradients did.

Colours are those of Okabe and Ito, which the colour-blind tell apart; markers and dashes say the same again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.picture import save_figure
from melodia.probes.gradients import RADIUS, ClippingRun
from melodia.probes.run import PLAIN_LSTM, MemoryReport
from melodia.probes.tasks import TASKS
from melodia.probes.train import SOLVED, ProbeResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"lstm": "#0072b2", "gru": "#009e73", "rnn": "#d55e00", PLAIN_LSTM: "#56b4e9"}
MARKERS = {"lstm": "o", "gru": "s", "rnn": "^"}
NAMES = {"lstm": "LSTM", "gru": "GRU", "rnn": "plain RNN", PLAIN_LSTM: "LSTM, forget bias 1"}
GREY, CLIPPED_COLOUR = "#6b6b6b", "#0072b2"
MOST_LENGTHS = 4  # with learning curves; of more these, evenly picked
LOWEST_SHARE, HIGHEST_SHARE = 0.004, 4.0  # of the baseline; what lies outside is drawn at the edge
SMALLEST_FLOAT32 = 1.4e-45


def draw_memory(report: MemoryReport, path: Path) -> Path:
    """Draws for each task the loss at the end against the delay, and how it was learned at each delay.

    Raises:
        MelodiaError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    tasks, lengths = report.config.tasks, _picked(sorted(report.config.lengths))
    size = (3.4 + 2.5 * len(lengths), 1.2 + 2.3 * len(tasks))
    figure = Figure(figsize=size, dpi=130, layout="constrained")
    grid = figure.subplots(len(tasks), 1 + len(lengths), sharey=True, squeeze=False, width_ratios=[1.2] + [1.0] * len(lengths))
    for task, row in zip(tasks, grid, strict=True):
        results = [r for r in report.results if r.task == task]
        _draw_ends(row[0], results)
        row[0].set_ylabel(f"{task}\nloss ÷ loss without memory")
        for axes, length in zip(row[1:], lengths, strict=True):
            _draw_curves(axes, [r for r in results if r.length == length], report.config.iterations)
    for axes, title in zip(grid[0], ["at the end", *(f"learning at delay {n:,}" for n in lengths)], strict=True):
        axes.set_title(title, fontsize=10)
    for axes in grid[-1]:
        axes.set_xlabel("iteration")
    grid[-1][0].set_xlabel("delay in frames")
    counts = [r.parameters for r in report.results]
    _legend(
        figure,
        {cell: NAMES[cell] for cell in report.config.cells},
        f"What cells of {min(counts):,} to {max(counts):,} parameters remember",
        True,
    )
    return save_figure(figure, path)


def _draw_ends(axes: Axes, results: Sequence[ProbeResult]) -> None:
    for cell in dict.fromkeys(r.cell for r in results):
        points = sorted((r.length, _share(r, r.loss)) for r in results if r.cell == cell)
        axes.plot(*zip(*points, strict=True), **_line(cell), marker=MARKERS[cell], markersize=7, clip_on=False, zorder=3)
    lengths = sorted({r.length for r in results})
    axes.set_xscale("log")
    spread = (lengths[-1] / lengths[0]) ** 0.12 * 1.05
    axes.set_xlim(lengths[0] / spread**4, lengths[-1] * spread)  # room for words to the left
    axes.set_xticks(_picked(lengths), [f"{n:,}" for n in _picked(lengths)])
    axes.minorticks_off()
    _frame_shares(axes)
    axes.annotate("no memory", (0.02, 1), (0, 3), ("axes fraction", "data"), "offset points", fontsize=8, color=GREY)
    axes.annotate("solved", (0.02, SOLVED), (0, -10), ("axes fraction", "data"), "offset points", fontsize=8, color=GREY)


def _draw_curves(axes: Axes, results: Sequence[ProbeResult], iterations: int) -> None:
    for result in results:
        x, y = zip(*((i, _share(result, loss)) for i, loss in result.curve), strict=True)
        axes.plot(x, y, **_line(result.cell))
        if result.solved_at:
            axes.plot(x[-1], y[-1], color=COLOURS[result.cell], marker=MARKERS[result.cell], markersize=7, clip_on=False, zorder=3)
    axes.set_xlim(0, iterations)
    _frame_shares(axes)


def _frame_shares(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.set_ylim(LOWEST_SHARE, HIGHEST_SHARE)
    axes.set_yticks([0.01, 0.1, 1], ["1%", "10%", "100%"])
    axes.axhline(1, color=GREY, linewidth=1.2, dashes=(4, 2), zorder=1)
    axes.axhline(SOLVED, color=GREY, linewidth=0.8, dashes=(1, 2), zorder=1)
    _bare(axes)


def draw_gradients(report: MemoryReport, path: Path) -> Path:
    """Draws the gradients' way back through time, untrained and trained, and training with and without clipping.

    Raises:
        MelodiaError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 8), dpi=130, layout="constrained")
    upper, lower = figure.subplots(2, 2)
    values = [v for curve in report.gradients for v in _relative(curve.norms)]
    lowest, highest = min(values), max(values)
    for axes, trained in zip(upper, (False, True), strict=True):
        for curve in report.gradients:
            if curve.trained == trained:
                axes.plot(_relative(curve.norms), **_line(curve.name))
        axes.set_yscale("log")
        axes.set_ylim(max(lowest / 10, SMALLEST_FLOAT32 / 1e3), highest * 10)
        axes.set_xlim(0, report.gradient_length)
        axes.set_xlabel("frames back from the loss")
        axes.set_title(f"Gradient through time, {'trained' if trained else 'untrained'} ({report.gradient_task})", fontsize=11)
        _bare(axes)
        if lowest < SMALLEST_FLOAT32:
            axes.axhline(SMALLEST_FLOAT32, color=GREY, linewidth=0.8, dashes=(1, 2))
            place = (0.02, SMALLEST_FLOAT32), (0, 3), ("axes fraction", "data"), "offset points"
            axes.annotate("smallest float32", *place, fontsize=8, color=GREY)
    upper[0].set_ylabel("norm of ∂loss / ∂state, relative to its end")
    _draw_clipping(report.clipping, lower)
    names = {c.name: NAMES[c.name] for c in report.gradients}
    if "lstm" in names:
        names["lstm"] += f", forget bias {report.config.forget_bias}"
    _legend(figure, names, "Where gradients vanish, and where they explode")
    return save_figure(figure, path)


def _draw_clipping(runs: Sequence[ClippingRun], lower: Sequence[Axes]) -> None:
    """The exploding RNN's gradient norms to the left, its losses to the right."""
    norms, losses = lower
    for run in runs:
        colour = CLIPPED_COLOUR if run.clip_norm else COLOURS["rnn"]
        iterations = range(1, len(run.losses) + 1)
        norms.plot(iterations, run.norms, color=colour, linewidth=1.6)
        losses.plot(iterations, run.losses, color=colour, linewidth=1.6)
        name = f"clipped at {run.clip_norm:g}" if run.clip_norm else f"not clipped: overflows at {len(run.losses) + 1}"
        place = ((0.97, 0.30), "right") if run.clip_norm else ((0.27, 0.90), "left")
        if run.clip_norm:
            norms.plot(iterations, run.applied_norms, color="black", linewidth=1.2)
            norms.annotate(
                f"after clipping at {run.clip_norm:g}",
                (0.97, 0.05),
                xycoords="axes fraction",
                color="black",
                ha="right",
                fontsize=9,
            )
            norms.annotate("before clipping", place[0], xycoords="axes fraction", color=colour, ha="right", fontsize=9)
        elif len(run.losses) == max(len(r.losses) for r in runs):
            name = "not clipped"
        for axes in (losses,) if run.clip_norm else lower:
            axes.annotate(name, place[0], xycoords="axes fraction", color=colour, ha=place[1], fontsize=9)
    for axes, title, label, limits in (
        (norms, f"Plain RNN, spectral radius {RADIUS:g}: gradient", "norm of the gradient of all weights", (1e-2, 1e8)),
        (losses, "the same: loss on adding", "mean squared error", (2e-2, 1e6)),
    ):
        axes.set_yscale("log")
        axes.set_ylim(*limits)
        axes.set_xlim(1, max(len(r.losses) for r in runs))
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("iteration of plain gradient descent")
        axes.set_ylabel(label)
        _bare(axes)
    losses.axhline(TASKS["adding"].baseline(0), color="black", linewidth=1.2, dashes=(4, 2))
    losses.annotate("no memory: 0.167", (0.97, 0.05), xycoords="axes fraction", ha="right", fontsize=9)


def _relative(norms: Sequence[float]) -> list[float]:
    """Against the norm at the loss itself; what float64 cannot hold is its smallest number."""
    return [max(norm / (norms[0] or 1.0), 1e-300) for norm in norms]


def _share(result: ProbeResult, loss: float) -> float:
    share = loss / result.baseline if math.isfinite(loss) else math.inf
    return min(max(share, LOWEST_SHARE), HIGHEST_SHARE)


def _picked(lengths: Sequence[int]) -> list[int]:
    """At most `MOST_LENGTHS`, evenly, with the first and the last."""
    last = min(len(lengths), MOST_LENGTHS) - 1
    return [lengths[round(i * (len(lengths) - 1) / max(last, 1))] for i in range(last + 1)]


def _line(name: str) -> dict[str, Any]:
    style: dict[str, Any] = {"color": COLOURS[name], "linewidth": 1.8}
    return style | ({"dashes": (4, 1.5)} if name == PLAIN_LSTM else {})


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.grid(True, color="#00000012", linewidth=0.7)


def _legend(figure: Figure, names: dict[str, str], title: str, with_markers: bool = False) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], **_line(name), marker=MARKERS.get(name) if with_markers else None, label=label)
        for name, label in names.items()
    ]
    figure.suptitle(title, fontsize=13, x=0.01, ha="left")
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=10)

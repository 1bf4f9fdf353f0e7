"""`melodia bench-memory`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.commands.console import device_option, json_option, notice, progress_bar, quiet_option, result
from melodia.errors import ConfigError

if TYPE_CHECKING:
    from melodia.probes.run import MemoryReport


@click.command("bench-memory")
@click.option("-o", "--output", type=click.Path(path_type=Path), default="memory", show_default=True, help="Folder to write.")
@click.option("--tasks", default="adding,copy,recall", show_default=True, help="What to learn.")
@click.option("--cells", default="lstm,gru,rnn", show_default=True, help="What to compare.")
@click.option("--lengths", default="50,100,200", show_default=True, help="Frames to remember over.")
@click.option("--iterations", type=int, default=800, show_default=True, help="Updates of the weights, at most, of each network.")
@click.option("--parameters", type=int, default=16_000, show_default=True, help="Of each network; hidden sizes follow.")
@click.option("--forget-bias", default="chrono", show_default=True, help="Of the LSTM: a number (1 is usual), or chrono, by delay.")
@click.option("--learning-rate", type=float, help="Of Adam.  [default: 0.02 for lstm, 0.01 gru, 0.001 rnn]")
@click.option("--batch-size", type=int, default=32, show_default=True, help="Sequences an iteration.")
@click.option("--clip-norm", type=float, default=1.0, show_default=True, help="Highest norm of a gradient; 0: not clipped.")
@click.option("--random-seed", type=int, default=0, show_default=True, help="The same seed gives the same numbers.")
@device_option
@quiet_option
@json_option
def command(output: Path, device: str, quiet: bool, as_json: bool, **options: Any) -> None:
    """Compare how long LSTM, GRU and plain RNN remember, at equal size, and draw their gradients.

    Three classic tasks at growing delays, beside what a network without a memory scores; the gradient's
    way back through time; and what clipping does for an RNN whose gradients explode. Writes memory.json,
    memory.png and gradients.png. Delays of 1,000 take some minutes a network.
    """
    from melodia.device import resolve_device
    from melodia.files import write_json
    from melodia.probes.picture import draw_gradients, draw_memory
    from melodia.probes.run import run_benchmark
    from melodia.probes.train import ProbeConfig

    for name in ("tasks", "cells"):
        options[name] = _names(options[name])
    options["lengths"] = tuple(_number("lengths", text, int) for text in _names(options["lengths"]))
    if options["forget_bias"] != "chrono":
        options["forget_bias"] = _number("forget_bias", options["forget_bias"], float)
    config = ProbeConfig(**options)
    if output.exists() and not output.is_dir():
        raise ConfigError(f"output: {output} is a file; name a folder")
    where = resolve_device(device)
    output.mkdir(parents=True, exist_ok=True)
    with progress_bar(quiet, "iterations") as bar:
        report = run_benchmark(config, where, _follow(bar))
    content = report.to_json()
    write_json(output / "memory.json", content)
    files = [draw_memory(report, output / "memory.png"), draw_gradients(report, output / "gradients.png")]
    result(table(report), content, as_json)
    notice(f"written: {', '.join(map(str, [output / 'memory.json', *files]))}", quiet)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _number(field: str, text: str, kind: type[int] | type[float]) -> Any:
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number, or chrono"
        raise ConfigError(f"{field}: '{text}' is not {wanted}") from None


def _follow(bar: Any) -> Any:
    """What shows the benchmark's progress on the bar."""
    task = bar.add_task("starting", total=None, note="")
    begin: dict[Any, float] = {}

    def report(progress: Any) -> None:
        job = progress.job
        seconds = time.perf_counter() - begin.setdefault(job, time.perf_counter())
        rate = f", {(progress.iteration - 1) / seconds:.0f}/s" if seconds > 0.5 else ""
        name = f"{job.task} {job.length:,}: {job.cell}"
        # the share is of the loss without a memory
        bar.update(task, description=name, completed=progress.done, total=progress.total, note=f"{progress.share:.0%}{rate}")

    return report


def table(report: MemoryReport) -> str:
    """The report as text."""
    from melodia.probes.train import HELD_OUT

    config, results = report.config, {(r.task, r.length, r.cell): r for r in report.results}
    lines = ["task".ljust(10) + f"{'delay':>6}{'no memory':>12}" + "".join(f"{cell:>16}" for cell in config.cells)]
    for task in config.tasks:
        for length in config.lengths:
            row = [results[task, length, cell] for cell in config.cells]
            cells = "".join(f"{r.loss:9.4f}" + (f"{f'({r.solved_at})':>7}" if r.solved_at else " " * 7) for r in row)
            lines.append(f"{task:10}{length:6}{row[0].baseline:12.4f}{cells}")
    counts = [r.parameters for r in report.results]
    lines += [
        "",
        f"Loss on {HELD_OUT:,} held-out sequences; in brackets the iteration at which it fell below 5% of that without a memory.",
        f"{min(counts):,} to {max(counts):,} parameters a network, forget bias {config.forget_bias}, "
        f"random seed {config.random_seed}.",
        "",
        f"Gradient on {report.gradient_task}, {report.gradient_length} frames back from the loss, relative to that at the loss:",
    ]
    for curve in report.gradients:
        kind = "trained" if curve.trained else "untrained"
        lines.append(f"  {curve.name:22}{kind:10}{curve.relative(report.gradient_length):12.1e}")
    lines += ["", "A plain RNN with exploding gradients, highest gradient norm and last loss:"]
    for run in report.clipping:
        name = f"clipped at {run.clip_norm:g}" if run.clip_norm else "not clipped"
        lines.append(f"  {name:22}{max(run.norms):12.1e}{run.losses[-1]:12.4g}   ({len(run.losses)} iterations)")
    return "\n".join(lines)

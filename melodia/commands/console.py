"""What all commands share: progress, notices, results as text or JSON."""

from __future__ import annotations

import glob
import json
import os
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.errors import ConfigError

if TYPE_CHECKING:
    from rich.progress import Progress

quiet_option = click.option("--quiet", "-q", is_flag=True, help="Print results only: no progress, no notices.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
device_option = click.option(
    "--device", default="cpu", show_default=True, help="cpu, cuda, mps, or auto for a GPU if there is one."
)


def free_path(path: Path, taken: Collection[Path] = (), numbered: str = ".mid") -> Path:
    """The path, or with a number after it if there are files of that name already, or `numbered` takes of it."""
    names = (path.with_stem(f"{path.stem}{f'-take{i}' if i > 1 else ''}") for i in range(1, 10_000))
    free = (p for p in names if p not in taken and not os.path.lexists(p))
    return next(p for p in free if not any(p.parent.glob(f"{glob.escape(p.stem)}-[0-9]*{numbered}")))


def notice(text: str, quiet: bool) -> None:
    """A line for the person watching, on stderr."""
    if not quiet:
        click.echo(text, err=True)


def result(text: str, content: Any, as_json: bool) -> None:
    """The result, on stdout."""
    click.echo(json.dumps(content, ensure_ascii=False, indent=2) if as_json else text)


def parse_bars(text: str | None) -> tuple[int, int] | None:
    """`5-8` -> (5, 8), `5` -> (5, 5).

    Raises:
        ConfigError: it is not of that form.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,7})\s*(?:[-–]\s*(\d{1,7})\s*)?", text, re.ASCII)
    if not found:
        raise ConfigError(f"bars: '{text}' is no range of bars; write for example 5-8")
    return int(found[1]), int(found[2] or found[1])


class NoBar:
    """Nobody watches."""

    def add_task(self, description: str, **fields: Any) -> Any:
        """No task."""

    def update(self, task: Any, **fields: Any) -> None:
        """Shows nothing."""

    def advance(self, task: Any, advance: float = 1) -> None:
        """Shows nothing."""


@contextmanager
def progress_bar(quiet: bool, unit: str) -> Iterator[Progress | NoBar]:
    """A rich progress bar on stderr, if that is a terminal, with count, rate and time left."""
    if quiet or not sys.stderr.isatty():
        yield NoBar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit + " {task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress

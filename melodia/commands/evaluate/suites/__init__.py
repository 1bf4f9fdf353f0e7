"""Suites: benchmarks that `melodia evaluate NAME --data FOLDER` measures a model a set on.

A suite is a module here with `SETS`, the names of its sets, `MODELS`, the checkpoints that ship for them, `measure`, which
gives a row, and `line`, a row as text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from melodia.commands.console import notice
from melodia.commands.evaluate.suites import chorales, harmonies, maestro, polyphonic
from melodia.errors import MelodiaError

SUITES: dict[str, Any] = {
    "polyphonic-nll": polyphonic,
    "jsb16": chorales,
    "jsb16-harmony": harmonies,
    "maestro388": maestro,
}


def run(name: str, data: Path, split: str, models: Sequence[str], device: str, as_json: bool) -> None:
    """Measures each set and prints a line for it as soon as it is done, JSON if asked; ends with 1 if one cannot be measured."""
    suite = SUITES[name]
    chosen = {**suite.MODELS, **_by_set(name, suite.SETS, models)}
    failed = False
    for one in suite.SETS:
        try:
            row = suite.measure(one, data, split, chosen[one], device)
        except MelodiaError as error:
            notice(f"melodia: {one}: {' '.join(str(error).split())}", quiet=False)
            failed = True
            continue
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else suite.line(row))
    if failed:
        raise SystemExit(1)


def _by_set(name: str, sets: Sequence[str], models: Sequence[str]) -> dict[str, str]:
    """What `--model SET=FOLDER` says; a suite of one set needs no name of it."""
    found = {}
    for text in models:
        if len(sets) == 1 and not text.startswith(f"{sets[0]}="):
            text = f"{sets[0]}={text}"
        one, _, model = text.partition("=")
        if one not in sets or not model:
            raise click.UsageError(f"--model {text}: of {name} it is SET=FOLDER, and SET is {', '.join(sets)}")
        found[one] = model
    return found

"""`melodia prepare`."""

from __future__ import annotations

from pathlib import Path

import click

from melodia.commands.console import json_option, notice, progress_bar, quiet_option, result
from melodia.errors import ConfigError


@click.command("prepare")
@click.argument("sources", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write; replaced whole.")
@click.option("--held-out", type=float, default=0.05, show_default=True, help="Share of the pieces for valid, and again for test.")
@click.option("--bands", type=int, default=0, show_default=True, help="Band arrangements to add for each training song.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes that read files.")
@click.option("--random-seed", type=int, default=0, show_default=True, help="Of the arrangements.")
@quiet_option
@json_option
def command(
    sources: tuple[str, ...], output: Path, held_out: float, bands: int, jobs: int, random_seed: int, quiet: bool, as_json: bool
) -> None:
    """Make a training corpus of folders of MIDI files.

    SOURCES are folders, or NAME=FOLDER where NAME is a recipe that `melodia corpora` lists. Near-duplicate
    pieces never come into two splits. What cannot be read is named in rejected.tsv.
    """
    from melodia.composition.prepare import PrepareConfig, prepare

    config = PrepareConfig(held_out=held_out, bands=bands, jobs=jobs, random_seed=random_seed)
    with progress_bar(quiet, "files") as bar:
        task = bar.add_task("reading", total=None, note="")
        counts = prepare(
            [parse_source(s) for s in sources], output, config, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if counts["rejected"]:
        notice(f"{counts['rejected']} files were left out; {output / 'rejected.tsv'} says why", quiet)
    splits = ", ".join(f"{n} {s}" for s, n in counts["splits"].items())
    result(f"{output}: {counts['pieces']} pieces ({splits}), {counts['notes']:,} notes", {"output": str(output), **counts}, as_json)


def parse_source(text: str) -> tuple[str, Path]:
    """`NAME=FOLDER`, or a folder, which has no name and so no recipe.

    Raises:
        ConfigError: the name is empty.
    """
    name, equals, folder = text.partition("=")
    if not equals:
        return "", Path(text)
    if not name or not folder:
        raise ConfigError(f"source: '{text}' is not NAME=FOLDER")
    return name, Path(folder)

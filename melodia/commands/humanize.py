"""`melodia humanize`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click

from melodia.commands.console import device_option, json_option, notice, progress_bar, quiet_option, result
from melodia.commands.generate import output_paths
from melodia.garbage import uncollected


@click.command("humanize")
@click.argument("song", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="MIDI file to write. Default: NAME-played.mid here.")
@click.option("--amount", type=float, default=1.0, show_default=True, help="0: as it is written; 1: as it is drawn.")
@click.option("--temperature", type=float, default=1.0, show_default=True, help="Below 1: evener; above 1: bolder.")
@click.option("--random-seed", type=int, help="The same number gives the same file. Default: a new one, which is printed.")
@click.option("--model", default="piano", show_default=True, help="Name or folder of a checkpoint of performance.")
@device_option
@quiet_option
@json_option
def command(song: Path, output: Path | None, random_seed: int | None, quiet: bool, as_json: bool, **options: Any) -> None:
    """Play a MIDI file, or a recording, as a hand would: notes move by up to 35 ms, and each is as loud as a pianist might have it.

    The notes stay, and drums stay as they are.
    """
    with uncollected():
        from melodia.api.performance import humanize
        from melodia.api.primer import read_primer
    (target,) = output_paths(output, song, 1, "played", "song")
    chosen = secrets.randbelow(2**31) if random_seed is None else random_seed
    score, messages = read_primer(song, options["device"])
    for message in messages:
        notice(message, quiet)
    with progress_bar(quiet, "notes") as bar:
        task = bar.add_task("playing", total=None, note="")
        played = humanize(
            score, random_seed=chosen, progress=lambda done, total: bar.update(task, completed=done, total=total), **options
        )
    if random_seed is None:
        notice(f"random seed {chosen}", quiet)
    path = played.write(target)
    content = {"midi": str(path), "notes": played.num_notes, "seconds": round(played.seconds, 3), "random_seed": chosen}
    result(str(path), content, as_json)

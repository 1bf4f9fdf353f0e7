"""`melodia vary`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click

from melodia.checkpoint import DEFAULT
from melodia.commands.console import device_option, json_option, notice, parse_bars, progress_bar, quiet_option, result
from melodia.commands.generate import output_paths, write_takes
from melodia.commands.steering import rank_option, steered, steering_options
from melodia.config import check_range
from melodia.garbage import uncollected


@click.command("vary")
@click.argument("song", type=click.Path(path_type=Path))
@click.option("--bars", required=True, help="The bars to rewrite, counted from 1: 5-8, or 5.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="MIDI file to write; several takes are numbered. Default: NAME-varied.mid here.",
)
@click.option("--count", type=int, default=1, show_default=True, help="How many takes.")
@rank_option
@click.option("--random-seed", type=int, help="The same number gives the same files. Default: a new one, which is printed.")
@click.option("--instruments", help="Whose parts are rewritten: piano,drums; in some bars alone: drums@6-7. Default: all.")
@steering_options
@click.option("--following", type=int, default=4, show_default=True, help="How many bars after the span the new ones must lead to.")
@click.option("--particles", type=int, default=16, show_default=True, help="Candidates for each take; 1 does not look ahead.")
@click.option("--wav/--no-wav", default=False, help="Also write a WAV file beside each MIDI file.")
@click.option("--picture/--no-picture", default=False, help="Also draw a piano roll (PNG) of each.")
@click.option("--model", default=DEFAULT, show_default=True, help="Name or folder of a checkpoint.")
@device_option
@quiet_option
@json_option
def command(song: Path, **options: Any) -> None:
    """Rewrite some bars of a MIDI file; all else stays as it is.

    The new bars go on from what is before them, and lead to what comes after.
    """
    with uncollected():
        from melodia.api.vary import make_variations

    quiet = options["quiet"]
    random_seed = options["random_seed"] if options["random_seed"] is not None else secrets.randbelow(2**31)
    check_range("count", options["count"], 1, 1000)
    bars = parse_bars(options["bars"])
    assert bars
    targets = output_paths(options["output"], song, options["count"], "varied", "song")
    with progress_bar(quiet, "bars") as bar:
        task = bar.add_task("playing", total=None, note="")
        takes = make_variations(
            song,
            bars,
            count=options["count"],
            rank=options["rank"],
            random_seed=random_seed,
            instruments=options["instruments"],
            **steered(options),
            following=options["following"],
            particles=options["particles"],
            model=options["model"],
            device=options["device"],
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for message in takes.messages:
        notice(message, quiet)
    if options["random_seed"] is None:
        notice(f"random seed {random_seed}", quiet)
    rows = [row | {"random_seed": random_seed} for row in write_takes(takes, targets, options["wav"], options["picture"])]
    result("\n".join(row[k] for row in rows for k in ("midi", "wav", "picture") if k in row), rows, options["as_json"])

"""`melodia generate`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.checkpoint import DEFAULT
from melodia.commands.console import device_option, free_path, json_option, notice, progress_bar, quiet_option, result
from melodia.commands.steering import rank_option, steered, steering_options
from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.garbage import uncollected

if TYPE_CHECKING:
    from melodia.score import Score
    from melodia.takes import Takes


@click.command("generate")
@click.argument("song", type=click.Path(path_type=Path), required=False)
@click.option(
    "--seed", type=click.Path(path_type=Path), help="MIDI file or recording to continue; without it the music starts from silence."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="MIDI file to write; several takes are numbered. Default: NAME-melodia.mid here.",
)
@click.option("--bars", type=int, help="Length of the continuation in bars. Default: 16.")
@click.option("--seconds", type=float, help="Length of the continuation in seconds, instead of bars. Default of piano: 30.")
@click.option("--count", type=int, default=1, show_default=True, help="How many takes.")
@rank_option
@click.option("--random-seed", type=int, help="The same number gives the same files. Default: a new one, which is printed.")
@click.option("--tempo", type=float, help="Quarter notes a minute. Default: the seed's.")
@click.option("--meter", help="For example 3/4. Default: the seed's.")
@click.option(
    "--instruments", help="Who plays: piano,bass,drums; from bar 5 on: bass@5; in some bars: drums@9-12. Default: as in the seed."
)
@steering_options
@click.option("--seed-bars", type=int, default=64, show_default=True, help="How many bars of the seed's end to listen to.")
@click.option("--continuation-only", is_flag=True, help="Leave the seed out of the output.")
@click.option("--wav/--no-wav", default=False, help="Also write a WAV file beside each MIDI file.")
@click.option("--picture/--no-picture", default=False, help="Also draw a piano roll (PNG) of each.")
@click.option("--model", default=DEFAULT, show_default=True, help="Name or folder of a checkpoint.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "int8"]),
    default="float32",
    show_default=True,
    help="Of the weights while notes are drawn; int8: faster, and nearly the same music.",
)
@device_option
@quiet_option
@json_option
def command(song: Path | None, **options: Any) -> None:
    """Continue a MIDI file or a recording, or start from silence. SONG is short for --seed SONG.

    A model of performance, --model piano, plays one piano with the timing, the loudness and the pedal of a hand: in seconds, so
    what is of bars (--bars, --tempo, --meter, --instruments, --key ...) has no meaning for it. --model chorale sings in four
    voices; a seed that has not four is harmonised first. --model drums and --model melody hear the drums or the melody of a seed,
    and play nothing else.
    """
    with uncollected():
        from melodia.api.domains import UNITS, domain_of
        from melodia.api.music import make_takes

    if song and options["seed"]:
        raise click.UsageError(f"two seeds are given, {song} and {options['seed']}; give one")
    options["seed"] = options["seed"] or song

    quiet = options["quiet"]
    random_seed = options["random_seed"] if options["random_seed"] is not None else secrets.randbelow(2**31)
    check_range("count", options["count"], 1, 1000)
    targets = output_paths(options["output"], options["seed"], options["count"])
    with progress_bar(quiet, UNITS.get(domain_of(options["model"]), "bars")) as bar:
        task = bar.add_task("playing", total=None, note="")
        takes = make_takes(
            options["seed"],
            bars=options["bars"],
            seconds=options["seconds"],
            count=options["count"],
            rank=options["rank"],
            random_seed=random_seed,
            tempo=options["tempo"],
            meter=options["meter"],
            instruments=options["instruments"],
            **steered(options),
            seed_bars=options["seed_bars"],
            continuation_only=options["continuation_only"],
            model=options["model"],
            precision=options["precision"],
            device=options["device"],
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for message in takes.messages:
        notice(message, quiet)
    if takes.nats_a_token:
        notice(f"nats a token, take by take: {', '.join(f'{nats:.3f}' for nats in takes.nats_a_token)}", quiet)
    rows = write_takes(takes, targets, options["wav"], options["picture"])
    rows = [row | {"random_seed": random_seed} for row in rows]
    if options["random_seed"] is None:
        notice(f"random seed {random_seed}", quiet)
    result("\n".join(row[k] for row in rows for k in ("midi", "wav", "picture") if k in row), rows, options["as_json"])


def output_paths(output: Path | None, seed: Path | None, count: int, called: str = "melodia", role: str = "seed") -> list[Path]:
    """Where the takes go: `out.mid`, or `out-1.mid`, `out-2.mid` ... for several.

    Raises:
        ConfigError: the output is a folder, has another suffix, or is what is read.
    """
    path = output or free_path(Path(f"{seed.stem if seed else 'new'}-{called}.mid"))
    if path.is_dir():
        raise ConfigError(f"output: {path} is a folder; name a .mid file in it")
    if path.suffix.lower() not in (".mid", ".midi"):
        raise ConfigError(f"output: {path} does not end in .mid; WAV files and pictures are written beside the MIDI file")
    if above := next((folder for folder in path.parents if folder.exists() and not folder.is_dir()), None):
        raise ConfigError(f"output: {above} is a file, so nothing can be written in it; give another name")
    digits = len(str(count))
    paths = [path] if count == 1 else [path.with_stem(f"{path.stem}-{i:0{digits}}") for i in range(1, count + 1)]
    if seed and any(p.resolve() == seed.resolve() for p in paths):
        raise ConfigError(f"output: {seed} is the {role} itself; give another name with -o")
    return paths


def write_takes(takes: Takes, paths: Sequence[Path], wav: bool, picture: bool) -> list[dict[str, Any]]:
    """Writes all takes and says what they are."""
    rows = [write_take(score, path, takes, wav, picture) for score, path in zip(takes.scores, paths, strict=True)]
    for row, nats in zip(rows, takes.nats_a_token, strict=False):
        row["nats_a_token"] = round(nats, 4)
    return rows


def write_take(score: Score, path: Path, takes: Takes, wav: bool, picture: bool) -> dict[str, Any]:
    """Writes one take and says what it is."""
    row: dict[str, Any] = {"midi": str(score.write(path))}
    if wav:
        from melodia.render import SAMPLE_RATE, render
        from melodia.soundfiles import write_sound

        row["wav"] = str(write_sound(path.with_suffix(".wav"), render(score), SAMPLE_RATE))
    if picture:
        from melodia.picture import draw_piano_roll

        row["picture"] = str(draw_piano_roll(score, path.with_suffix(".png"), takes.join_ticks))
    begin, end = takes.join_ticks, score.end_ticks + 1 if takes.end_ticks is None else takes.end_ticks
    made = sum(begin <= n.onset_ticks < end for part in score.parts for n in part.notes)
    row |= {"notes": made, "seconds": round(score.seconds, 3), "starts_at_seconds": round(score.seconds_at(begin), 3)}
    return row

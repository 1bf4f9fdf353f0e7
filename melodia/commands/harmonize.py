"""`melodia harmonize`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.checkpoint import HARMONIZER
from melodia.commands.console import device_option, free_path, json_option, notice, progress_bar, quiet_option, result
from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.garbage import uncollected

if TYPE_CHECKING:
    from melodia.harmony.setting import Chorale


@click.command("harmonize")
@click.argument("melody", type=click.Path(path_type=Path), required=False)
@click.option("--part", help="Number (from 1) or name of the part with the melody.  [default: the one that looks like a melody]")
@click.option(
    "--voice",
    "voices",
    multiple=True,
    help="Another voice that is given: NAME=FILE, NAME=FILE#PART, or NAME=PART of the same file; soprano, alto, tenor, bass.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="MIDI file to write; several takes are numbered. Default: NAME-chorale.mid here.",
)
@click.option("--count", type=int, default=1, show_default=True, help="How many takes.")
@click.option("--temperature", type=float, help="0: the likeliest notes; 1: as the model has it.  [default: 0.6]")
@click.option("--strictness", type=float, help="How dear an error of voice-leading is; 0: as the model has it.  [default: 2]")
@click.option("--key", help="New notes only in this key: C, F#, Bb, Am, 'D dorian' ...")
@click.option("--random-seed", type=int, help="The same number gives the same files. Default: a new one, which is printed.")
@click.option("--wav/--no-wav", default=False, help="Also write a WAV file beside each MIDI file.")
@click.option("--picture/--no-picture", default=False, help="Also draw a piano roll (PNG) of each.")
@click.option("--model", default=HARMONIZER, show_default=True, help="Name or folder of a checkpoint.")
@device_option
@quiet_option
@json_option
def command(melody: Path | None, voices: tuple[str, ...], **options: Any) -> None:
    """Set MELODY, a MIDI file, for four voices: soprano, alto, tenor and bass.

    Notes that are given stay as they are. Without MELODY the voices of --voice are set: `--voice bass=bass.mid` harmonises
    a bass. Errors of voice-leading are counted beside those that Bach makes.
    """
    with uncollected():
        from melodia.api.harmony import harmonize_takes
    from melodia.harmony.draw import STRICTNESS, TEMPERATURE

    quiet = options["quiet"]
    if not melody and not voices:
        raise click.UsageError("give a melody, a MIDI file, or a voice: --voice bass=bass.mid")
    named = dict(parse_voice(text) for text in voices)
    if len(named) < len(voices):
        raise ConfigError("voice: one is given twice; leave one out")
    random_seed = options["random_seed"] if options["random_seed"] is not None else secrets.randbelow(2**31)
    check_range("count", options["count"], 1, 1000)
    targets = output_paths(options["output"], [str(melody), *named.values()] if melody else list(named.values()), options["count"])
    with progress_bar(quiet, "16ths") as bar:
        task = bar.add_task("singing", total=None, note="")
        takes = harmonize_takes(
            melody,
            options["count"],
            voices=named,
            part=options["part"],
            key=options["key"],
            temperature=TEMPERATURE if options["temperature"] is None else options["temperature"],
            strictness=STRICTNESS if options["strictness"] is None else options["strictness"],
            random_seed=random_seed,
            model=options["model"],
            device=options["device"],
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for message in takes[0].messages:
        notice(message, quiet)
    if options["random_seed"] is None:
        notice(f"random seed {random_seed}", quiet)
    rows = []
    for take, path in zip(takes, targets, strict=True):
        rows.append(write_take(take, path, options["wav"], options["picture"]) | {"random_seed": random_seed})
        notice(f"{path.name}: {verdict(take)}", quiet)
    result("\n".join(row[k] for row in rows for k in ("midi", "wav", "picture") if k in row), rows, options["as_json"])


def parse_voice(text: str) -> tuple[str, str]:
    """`alto=alto.mid` -> name and source.

    Raises:
        ConfigError: it is not of that form.
    """
    name, _, source = text.partition("=")
    if not name.strip() or not source.strip():
        raise ConfigError(f"voice: '{text}' must be NAME=FILE or NAME=PART, for example alto=alto.mid")
    return name.strip().lower(), source.strip()


def output_paths(output: Path | None, sources: Sequence[str], count: int) -> list[Path]:
    """Where the takes go: as `melodia.commands.generate` has it.

    Raises:
        ConfigError: the output is a folder, has another suffix, or is what is given.
    """
    from melodia.commands.generate import output_paths as numbered

    files = [Path(source.partition("#")[0]) for source in sources]
    paths = numbered(output or free_path(Path(f"{files[0].stem}-chorale.mid")), None, count)
    taken = {file.resolve() for file in files}
    if any(path.resolve() in taken for path in paths):
        raise ConfigError(f"output: {output} is what is to be harmonised; give another name with -o")
    return paths


def write_take(take: Chorale, path: Path, wav: bool, picture: bool) -> dict[str, Any]:
    """Writes one take and says what it is."""
    from melodia.harmony.prepare import VOICES
    from melodia.harmony.rules import BACH

    row: dict[str, Any] = {"midi": str(take.write(path))}
    if wav:
        from melodia.render import SAMPLE_RATE, render
        from melodia.soundfiles import write_sound

        row["wav"] = str(write_sound(path.with_suffix(".wav"), render(take.score), SAMPLE_RATE))
    if picture:
        from melodia.picture import draw_piano_roll

        row["picture"] = str(draw_piano_roll(take.score, path.with_suffix(".png")))
    return row | {
        "given": [name for name, known in zip(VOICES, take.given, strict=True) if known],
        "notes": {part.name: len(part.notes) for part in take.score.parts},
        "seconds": round(take.score.seconds, 3),
        "steps": len(take.voices),
        "errors": take.errors,
        "errors_a_hundred_steps": {kind: round(rate, 3) for kind, rate in take.errors_a_hundred_steps.items()},
        "bach_a_hundred_steps": BACH,
    }


def verdict(take: Chorale) -> str:
    """The errors of a take beside Bach's."""
    from melodia.harmony.rules import BACH

    kinds = ", ".join(f"{count} {kind.removesuffix('s') if count == 1 else kind}" for kind, count in take.errors.items() if count)
    rate, bach = sum(take.errors_a_hundred_steps.values()), sum(BACH.values())
    total = sum(take.errors.values())
    told = f"{total} error{'' if total == 1 else 's'} of voice-leading{f' ({kinds})' if kinds else ''}"
    return f"{told}, {rate:.1f} in 100 sixteenths; Bach makes {bach:.1f}"

"""`melodia transcribe`: what it is asked, and of which kind each recording is; the rest is in `music` and `speech`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.checkpoint import DEFAULTS
from melodia.commands.console import device_option, json_option, notice, progress_bar, quiet_option, result
from melodia.commands.transcribe import music, speech
from melodia.commands.transcribe.recordings import matched
from melodia.config import check_range
from melodia.errors import ConfigError, MelodiaError
from melodia.recognition.writing import SUFFIXES

if TYPE_CHECKING:
    from melodia.detection.model import Detector

KINDS: dict[str, Any] = {"music": music, "speech": speech}
FLAGS = {"kind_of_text": "--format"}
DOMAINS = {"transcription": "music", "recognition": "speech"}  # what a model is for


@click.command("transcribe")
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write: .mid of music; .txt, .srt, .vtt, .json or .TextGrid of speech. Of several recordings, a folder.",
)
@click.option(
    "--task",
    type=click.Choice(["auto", "music", "speech"]),
    default="auto",
    show_default=True,
    help="What is in the recordings; auto listens, unless another option tells.",
)
@click.option("--start", type=float, default=0.0, show_default=True, help="Begin so many seconds into the recording.")
@click.option("--end", type=float, help="Stop at this second of the recording.")
@click.option(
    "--threshold",
    type=float,
    help="Music: how sure a note must be, 0 to 1; lower hears more.  [default: the model's]",
)
@click.option(
    "--tempo",
    default="auto",
    show_default=True,
    help="Music: quarter notes a minute of a click that began with the recording, or auto.",
)
@click.option(
    "--quantize",
    default="",
    help="Music: move notes to a grid: 1/4, 1/8, 1/16, 1/32, with t for triplets.  [default: the played timing]",
)
@click.option("--pedal/--no-pedal", default=False, show_default=True, help="Music: write the sustain pedal too.")
@click.option("--wav/--no-wav", default=False, help="Music: also play the result into NAME-rendered.wav.")
@click.option("--picture/--no-picture", default=False, help="Music: also draw the notes over the spectrogram (PNG).")
@click.option(
    "--notes",
    type=click.Path(path_type=Path),
    help="Music: also write a table of notes, .csv or .tsv; of several recordings, a folder.",
)
@click.option(
    "--format",
    "kind_of_text",
    type=click.Choice([suffix[1:] for suffix in SUFFIXES], case_sensitive=False),
    help="Speech: what to write where -o names no file.  [default: txt]",
)
@click.option("--words", help="Speech: words to expect, between commas, or a file with one a line.")
@click.option("--only-words", is_flag=True, help="Speech: hear no words but those of --words.")
@click.option("--beam", type=int, help="Speech: texts compared at a time; 0 is fastest.  [default: the model's]")
@click.option("--lm", help=f"Speech: name or folder of a language model, or none.  [default: {DEFAULTS['language']}]")
@click.option("--jobs", type=int, default=1, show_default=True, help="Recordings read at the same time.")
@click.option("--model", help="Name or folder of a checkpoint.  [default: the one that ships for the task]")
@device_option
@quiet_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    /,
    recordings: tuple[Path, ...],
    output: Path | None,
    task: str,
    jobs: int,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write down recordings: music as MIDI, English speech as text, beside them unless -o says where.

    Reads WAV, FLAC, OGG, MP3 and AIFF of any rate and length. Patterns in quotes are looked up: 'takes/*.wav'.
    """
    from melodia.audio import check_span

    check_range("jobs", jobs, 1, 256)
    paths = matched(recordings)
    task = decided(context, task, output, options["model"])
    check_span(options["start"], options["end"])
    if task == "auto":
        detector(options["device"])  # what is wrong with it is said once
    heard = [listened(path, task, options) for path in paths]
    rows = [row for row in heard if "error" in row]
    for row in heard:
        tell(row, quiet)
    planned: list[tuple[str, Any]] = []
    for kind, module in KINDS.items():
        own = [path for path, row in zip(paths, heard, strict=True) if row.get("task") == kind]
        planned += [(kind, job) for job in module.plan(own, output, options, several=len(paths) > 1)] if own else []
    settings = {kind: KINDS[kind].settings_of(options) for kind in {kind for kind, _ in planned}}
    for kind, given in settings.items():
        KINDS[kind].load(given)  # what is wrong with a model is said once
    for number, row in transcribed(planned, settings, jobs, quiet):
        kind, job = planned[number]
        rows.append(heard[paths.index(job.recording)] | row)
        KINDS[kind].report(rows[-1], quiet, as_json)
    places = {str(path): place for place, path in enumerate(paths)}
    rows.sort(key=lambda row: places[row["recording"]])
    if as_json:
        result("", rows if len(paths) > 1 else rows[0], as_json)
    failed = sum("error" in row for row in rows)
    if failed and len(rows) > 1:
        notice(f"{failed} of {len(rows)} recordings could not be transcribed", quiet=False)
    if failed:
        raise SystemExit(1)


def decided(context: click.Context, task: str, output: Path | None, model: str | None) -> str:
    """The task, where it is given or follows from the other options.

    Raises:
        UsageError: they contradict each other.
    """
    reasons = {} if task == "auto" else {f"--task {task}": task}
    for kind, module in KINDS.items():
        given = [n for n in module.OPTIONS if context.get_parameter_source(n) is not click.core.ParameterSource.DEFAULT]
        reasons |= {FLAGS.get(name, "--" + name.replace("_", "-")): kind for name in given}
        if output and output.suffix.lower() in module.SUFFIXES and not output.is_dir():
            reasons[f"-o {output}"] = kind
    if model:
        from melodia.checkpoint import find_checkpoint, read_info

        domain = read_info(find_checkpoint(model)).domain
        if domain not in DOMAINS:
            raise ConfigError(f"model: {model} is for {domain}; it must be for {' or '.join(DOMAINS)}")
        reasons[f"--model {model}"] = DOMAINS[domain]
    if len(set(reasons.values())) > 1:
        told = " and ".join(f"{flag} is of {kind}" for kind in KINDS for flag in [f for f, k in reasons.items() if k == kind][:1])
        raise click.UsageError(f"{told}; leave one of them out")
    return next(iter(reasons.values()), "auto")


def listened(path: Path, task: str, options: dict[str, Any]) -> dict[str, Any]:
    """A row with the kind of a recording under `task`, or with what is wrong with it."""
    row: dict[str, Any] = {"recording": str(path)}
    if task != "auto":
        return row | {"task": task}
    from melodia.detection.detect import detect

    try:
        found = detect(path, detector(options["device"]), options["start"], options["end"])
    except MelodiaError as error:
        return row | {"error": " ".join(str(error).split())}
    return row | {"task": found.kind, "sureness": round(found.sureness, 3), "unsure": found.unsure}


@lru_cache(maxsize=1)
def detector(device: str) -> Detector:
    """What tells music from speech, loaded once."""
    from melodia.detection.checkpoint import load_detector
    from melodia.device import resolve_device

    return load_detector(DEFAULTS["detection"]).to(resolve_device(device))


def tell(row: dict[str, Any], quiet: bool) -> None:
    """Says what a recording was taken for, and how to have it otherwise; or what is wrong with it."""
    if "error" in row:
        notice(f"melodia: {row['error']}", quiet=False)
    elif "sureness" in row:
        other = next(kind for kind in KINDS if kind != row["task"])
        doubt = ", which is not sure" if row["unsure"] else ""
        notice(
            f"{row['recording']}: sounds like {row['task']} ({row['sureness']:.0%}{doubt}); --task {other} takes it for that", quiet
        )


def transcribed(
    planned: list[tuple[str, Any]], settings: dict[str, dict[str, Any]], jobs: int, quiet: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Runs what is planned: the number of each job, and what became of it."""
    with progress_bar(quiet, "seconds" if jobs == 1 else "recordings") as bar:
        line = bar.add_task("listening", total=None if jobs == 1 else len(planned), note="")
        if jobs == 1:
            for number, (kind, job) in enumerate(planned):
                bar.update(line, description=job.recording.name, completed=0, total=None)
                row = KINDS[kind].run(
                    job, settings[kind], lambda d, total: bar.update(line, completed=round(d), total=round(total))
                )
                yield number, row
            return
        from melodia.engine import in_parallel

        threads = max((os.cpu_count() or 1) // jobs, 1)
        calls = ((kind, job, settings[kind], threads) for kind, job in planned)
        for number, row in enumerate(in_parallel(run_alone, calls, jobs)):
            yield number, row
            bar.advance(line)


def run_alone(kind: str, job: Any, settings: dict[str, Any], threads: int) -> dict[str, Any]:
    """A job in a process of its own."""
    import torch

    torch.set_num_threads(threads)
    row: dict[str, Any] = KINDS[kind].run(job, settings)
    return row

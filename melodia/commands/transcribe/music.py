"""`melodia transcribe`."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.checkpoint import DEFAULTS
from melodia.commands.console import device_option, free_path, json_option, notice, progress_bar, quiet_option, result
from melodia.config import check_range
from melodia.errors import ConfigError, MelodiaError

if TYPE_CHECKING:
    from melodia.transcription.model import Transcriber
    from melodia.transcription.transcribe import Transcription

NOTES_SUFFIXES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One recording, and the files to make of it."""

    recording: Path
    midi: Path
    wav: Path | None
    picture: Path | None
    notes: Path | None


@click.command("transcribe")
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="MIDI file to write; of several recordings, the folder for them."
)
@click.option("--task", type=click.Choice(["music"]), default="music", show_default=True, help="What is in the recordings.")
@click.option("--start", type=float, default=0.0, show_default=True, help="Begin so many seconds into the recording.")
@click.option("--end", type=float, help="Stop at this second of the recording.")
@click.option(
    "--threshold", type=float, help="How sure a note must be, 0 to 1: lower hears more, true and false. Default: the model's."
)
@click.option(
    "--tempo", default="auto", show_default=True, help="Quarter notes a minute of a click that began with the recording, or auto."
)
@click.option(
    "--quantize",
    default="",
    help="Move notes to a grid: 1/4, 1/8, 1/16, 1/32, with t for triplets. Default: the played timing is kept.",
)
@click.option("--pedal/--no-pedal", default=False, show_default=True, help="Write the sustain pedal too.")
@click.option("--wav/--no-wav", default=False, help="Also play the result into NAME-rendered.wav.")
@click.option("--picture/--no-picture", default=False, help="Also draw the notes over the spectrogram (PNG).")
@click.option(
    "--notes", type=click.Path(path_type=Path), help="Also write a table of notes, .csv or .tsv; of several recordings, a folder."
)
@click.option("--jobs", type=int, default=1, show_default=True, help="Recordings read at the same time.")
@click.option("--model", default=DEFAULTS["transcription"], show_default=True, help="Name or folder of a checkpoint.")
@device_option
@quiet_option
@json_option
def command(
    recordings: tuple[Path, ...],
    output: Path | None,
    task: str,
    jobs: int,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write down recordings of music as MIDI, beside them unless -o says where.

    Reads WAV, FLAC, OGG, MP3 and AIFF of any rate and length. Patterns in quotes are looked up: 'takes/*.wav'.
    """
    check_range("jobs", jobs, 1, 256)
    tempo = parse_tempo(options.pop("tempo"))
    paths = matched(recordings)
    planned = plan(paths, output, options.pop("notes"), wav=options.pop("wav"), picture=options.pop("picture"))
    settings = {**options, "tempo": tempo}
    model_of(settings["model"], settings["device"])  # what is wrong with it is said once
    rows: list[dict[str, Any]] = []
    with progress_bar(quiet, "seconds" if jobs == 1 else "recordings") as bar:
        line = bar.add_task("listening", total=None if jobs == 1 else len(planned), note="")
        if jobs == 1:
            for job in planned:
                bar.update(line, description=job.recording.name, completed=0, total=None)
                rows.append(run(job, settings, lambda done, total: bar.update(line, completed=round(done), total=round(total))))
                report(rows[-1], quiet, as_json)
        else:
            from melodia.engine import in_parallel

            threads = max((os.cpu_count() or 1) // jobs, 1)
            for row in in_parallel(run_alone, ((job, settings, threads) for job in planned), jobs):
                rows.append(row)
                report(row, quiet, as_json)
                bar.advance(line)
    if as_json:
        result("", rows if len(planned) > 1 else rows[0], as_json)
    failed = sum("error" in row for row in rows)
    if failed and len(rows) > 1:
        notice(f"{failed} of {len(rows)} recordings could not be transcribed", quiet=False)
    if failed:
        raise SystemExit(1)


def parse_tempo(text: str) -> float | None:
    """`auto` as None, or a number.

    Raises:
        ConfigError: it is neither.
    """
    if text == "auto":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"tempo: '{text}' is not usable; give quarter notes a minute, or auto") from error


def matched(recordings: tuple[Path, ...]) -> list[Path]:
    """The recordings, patterns looked up (on Windows no shell does it), none of them twice."""
    found: list[Path] = []
    for path in recordings:
        pattern = not os.path.lexists(path) and any(sign in str(path) for sign in "*?[")
        matches = sorted(Path(p) for p in glob.glob(str(path), recursive=True)) if pattern else []  # noqa: PTH207
        if pattern and not matches:
            raise ConfigError(f"recordings: nothing fits {path}; is the folder right?")
        found += matches or [path]
    return list(dict.fromkeys(found))


def plan(paths: list[Path], output: Path | None, notes: Path | None, *, wav: bool, picture: bool) -> list[Job]:
    """Where everything goes.

    Raises:
        ConfigError: an output is of the wrong kind, or one of the recordings.
    """
    several, recorded = len(paths) > 1, {os.path.realpath(path) for path in paths}
    is_file = output is not None and not output.is_dir() and (output.suffix != "" or output.is_file())
    if output and is_file and several:
        raise ConfigError(f"output: {output} is one file, and there are {len(paths)} recordings; name a folder")
    if output and is_file and output.suffix.lower() not in (".mid", ".midi"):
        raise ConfigError(f"output: {output} does not end in .mid")
    if notes and (notes.suffix.lower() in NOTES_SUFFIXES) == several:
        wanted = "a folder, as there are several recordings" if several else "a file that ends in .csv or .tsv"
        raise ConfigError(f"notes: {notes} is not usable; name {wanted}")
    jobs: list[Job] = []
    taken: set[Path] = set()
    for path in paths:
        midi = output if output and is_file else free_stem((output or path.parent) / f"{path.stem}.mid", taken)
        table = (notes / f"{midi.stem}.csv" if several else notes) if notes else None
        if table and several:
            table = free_path(table, taken)
        made = made_with(midi)
        if output and is_file:  # the name that was given is taken at its word, the others are not
            made = (midi, free_path(made[1]), free_path(made[2]))
        job = Job(recording=path, midi=midi, wav=made[1] if wav else None, picture=made[2] if picture else None, notes=table)
        for file in (job.midi, job.wav, job.picture, job.notes):
            if file and os.path.realpath(file) in recorded:
                raise ConfigError(f"output: {file} is one of the recordings; give another name")
        taken |= {*made, *([table] if table else [])}
        jobs.append(job)
    return jobs


def made_with(midi: Path) -> tuple[Path, Path, Path]:
    """A MIDI file, and what may be written beside it."""
    return midi, midi.with_name(f"{midi.stem}-rendered.wav"), midi.with_suffix(".png")


def free_stem(midi: Path, taken: set[Path]) -> Path:
    """The name, or with a number after it if any file of that name is there, or planned."""
    names = (midi.with_stem(f"{midi.stem}{f'-take{i}' if i > 1 else ''}") for i in range(1, 100_000))
    return next(name for name in names if not any(p in taken or os.path.lexists(p) for p in made_with(name)))


def run_alone(job: Job, settings: dict[str, Any], threads: int) -> dict[str, Any]:
    """`run` in a process of its own."""
    import torch

    torch.set_num_threads(threads)
    return run(job, settings)


@lru_cache(maxsize=1)
def model_of(name: str, device: str) -> Transcriber:
    """The model, loaded once a process."""
    from melodia.device import resolve_device
    from melodia.transcription.checkpoint import load_transcriber

    return load_transcriber(name).to(resolve_device(device))


def run(job: Job, settings: dict[str, Any], progress: Any = lambda done, total: None) -> dict[str, Any]:
    """Transcribes one recording and writes its files; what went wrong stands under `error`, beside what was written before."""
    from melodia import api
    from melodia.files import why_not_written

    row: dict[str, Any] = {"recording": str(job.recording)}
    model = model_of(settings["model"], settings["device"])
    try:
        write(job, api.transcribe(job.recording, **{**settings, "model": model}, progress=progress), row)
    except ConfigError:
        raise
    except MelodiaError as error:
        row["error"] = " ".join(str(error).split())
    except OSError as error:
        path = Path(error.filename or job.midi)
        row["error"] = f"{path}: cannot be written: {why_not_written(error, path)}"
    return row


def write(job: Job, found: Transcription, row: dict[str, Any]) -> None:
    """Writes the files of a transcription and says in a row what it is."""
    bpm, meter = found.score.tempo_at(found.score.end_ticks // 2).tempo_bpm, found.score.meters[-1]
    row |= {"midi": str(found.score.write(job.midi)), "notes": found.score.num_notes, "seconds": round(found.seconds, 3)}
    row |= {"tempo_bpm": round(bpm, 2), "meter": f"{meter.numerator}/{meter.denominator}", "messages": found.messages}
    if job.notes:
        from melodia.transcription.notes import write_notes

        write_notes(job.notes, found.notes, NOTES_SUFFIXES[job.notes.suffix.lower()])
        row["notes_table"] = str(job.notes)
    if job.picture:
        from melodia.transcription.picture import draw_transcription

        row["picture"] = str(draw_transcription(found, job.picture))
    if job.wav:
        from melodia.audio import write_wav
        from melodia.render import SAMPLE_RATE, render

        row["wav"] = str(write_wav(job.wav, render(found.score), SAMPLE_RATE))


def report(row: dict[str, Any], quiet: bool, as_json: bool) -> None:
    """Tells what became of a recording: its files on stdout, the rest on stderr; what went wrong in any case."""
    if not as_json:
        for kind in ("midi", "wav", "picture", "notes_table"):
            if kind in row:
                result(row[kind], None, as_json=False)
    for message in row.get("messages", []):
        notice(f"{row['recording']}: {message}", quiet)
    if row.get("notes"):
        notice(
            f"{row['recording']}: {row['notes']} notes in {row['seconds']:.1f} s, about {row['tempo_bpm']:.0f} quarter notes "
            f"a minute in {row['meter']}",
            quiet,
        )
    if "error" in row:
        notice(f"melodia: {row['error']}", quiet=False)

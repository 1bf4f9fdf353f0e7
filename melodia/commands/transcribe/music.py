"""`melodia transcribe` of music: MIDI files, and what goes with them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.checkpoint import DEFAULTS
from melodia.commands.console import free_path, notice, result
from melodia.commands.transcribe.recordings import names_a_file
from melodia.errors import ConfigError, MelodiaError

if TYPE_CHECKING:
    from melodia.transcription.model import Transcriber
    from melodia.transcription.transcribe import Transcription

SUFFIXES = (".mid", ".midi")
OPTIONS = ("threshold", "tempo", "quantize", "pedal", "wav", "picture", "notes")  # that mean music
NOTES_SUFFIXES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One recording, and the files to make of it."""

    recording: Path
    midi: Path
    wav: Path | None
    picture: Path | None
    notes: Path | None


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


def settings_of(options: dict[str, Any]) -> dict[str, Any]:
    """The options of `melodia.transcribe`."""
    names = ("start", "end", "threshold", "quantize", "pedal", "device")
    model = options["model"] or DEFAULTS["transcription"]
    return {**{name: options[name] for name in names}, "tempo": parse_tempo(options["tempo"]), "model": model}


def load(settings: dict[str, Any]) -> None:
    """Loads the model, to say once what is wrong with it."""
    model_of(settings["model"], settings["device"])


def plan(paths: list[Path], output: Path | None, options: dict[str, Any], *, several: bool) -> list[Job]:
    """Where everything goes.

    Raises:
        ConfigError: an output is of the wrong kind, or one of the recordings.
    """
    recorded, notes = {os.path.realpath(path) for path in paths}, options["notes"]
    parse_tempo(options["tempo"])
    is_file = names_a_file(output, SUFFIXES, several)
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
        wav, picture = (made[i] if options[name] else None for i, name in ((1, "wav"), (2, "picture")))
        job = Job(recording=path, midi=midi, wav=wav, picture=picture, notes=table)
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


@lru_cache(maxsize=1)
def model_of(name: str, device: str) -> Transcriber:
    """The model, loaded once a process."""
    from melodia.device import resolve_device
    from melodia.transcription.checkpoint import load_transcriber

    return load_transcriber(name).to(resolve_device(device))


def run(job: Job, settings: dict[str, Any], progress: Any = lambda done, total: None) -> dict[str, Any]:
    """Transcribes one recording and writes its files; what went wrong stands under `error`, beside what was written before."""
    from melodia.api.listening import transcribe
    from melodia.files import why_not_written

    row: dict[str, Any] = {"recording": str(job.recording)}
    model = model_of(settings["model"], settings["device"])
    try:
        write(job, transcribe(job.recording, **{**settings, "model": model}, progress=progress), row)
    except ConfigError:
        raise
    except MelodiaError as error:
        row["error"] = " ".join(str(error).split())
    except OSError as error:
        row["error"] = f"{job.midi}: cannot be written: {why_not_written(error, job.midi)}"
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
        from melodia.render import SAMPLE_RATE, render
        from melodia.soundfiles import write_sound

        row["wav"] = str(write_sound(job.wav, render(found.score), SAMPLE_RATE))


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

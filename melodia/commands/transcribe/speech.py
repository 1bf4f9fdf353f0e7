"""`melodia transcribe` of speech: text, subtitles, words with their times."""

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
from melodia.recognition import writing

if TYPE_CHECKING:
    from melodia.language.model import LanguageModel
    from melodia.recognition.model import Recognizer
    from melodia.recognition.words import WordList

SUFFIXES = tuple(suffix.lower() for suffix in writing.SUFFIXES)
OPTIONS = ("words", "only_words", "beam", "lm", "kind_of_text")  # that mean speech
SHOWN = 60  # characters of a text that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One recording, and the file to make of it."""

    recording: Path
    text: Path


def settings_of(options: dict[str, Any]) -> dict[str, Any]:
    """The options of `melodia.recognize`."""
    from melodia.api.speech import language_name

    return {
        **{name: options[name] for name in ("start", "end", "beam", "only_words", "words", "device")},
        "model": options["model"] or DEFAULTS["recognition"],
        "lm": language_name(options["lm"] or "auto", options["only_words"], options["beam"]),
    }


def load(settings: dict[str, Any]) -> None:
    """Loads the models and the words, to say once what is wrong with them."""
    words(settings["words"], settings["only_words"])
    recognizer(settings["model"], settings["device"])
    if settings["lm"]:
        language(settings["lm"])


@lru_cache(maxsize=1)
def recognizer(name: str, device: str) -> Recognizer:
    """The recogniser, loaded once a process."""
    from melodia.device import resolve_device
    from melodia.recognition.checkpoint import load_recognizer

    return load_recognizer(name).to(resolve_device(device))


@lru_cache(maxsize=1)
def language(name: str) -> LanguageModel:
    """The language model, loaded once a process."""
    from melodia.language.checkpoint import load_language

    return load_language(name)


@lru_cache(maxsize=1)
def words(given: str | None, only: bool) -> WordList | None:
    """The words to expect, read once a process."""
    from melodia.recognition.words import parse_words, word_list

    return word_list(None if given is None else parse_words(given), only)


def plan(paths: list[Path], output: Path | None, options: dict[str, Any], *, several: bool) -> list[Job]:
    """Where everything goes.

    Raises:
        ConfigError: an output is of the wrong kind, or one of the recordings.
    """
    recorded = {os.path.realpath(path) for path in paths}
    is_file = names_a_file(output, SUFFIXES, several)
    jobs: list[Job] = []
    taken: set[Path] = set()
    for path in paths:
        beside = (output or path.parent) / f"{path.stem}.{options['kind_of_text'] or 'txt'}"
        text = output if output and is_file else free_path(beside, taken)
        if os.path.realpath(text) in recorded:
            raise ConfigError(f"output: {text} is one of the recordings; give another name")
        taken.add(text)
        jobs.append(Job(recording=path, text=text))
    return jobs


def run(job: Job, settings: dict[str, Any], progress: Any = lambda done, total: None) -> dict[str, Any]:
    """Transcribes one recording and writes its text; what went wrong stands under `error`."""
    from melodia.api.speech import recognize
    from melodia.files import why_not_written

    row: dict[str, Any] = {"recording": str(job.recording)}
    found_once = {
        "model": recognizer(settings["model"], settings["device"]),
        "lm": language(settings["lm"]) if settings["lm"] else None,
        "words": words(settings["words"], settings["only_words"]),
    }
    try:
        found = recognize(job.recording, **{**settings, **found_once}, progress=progress)
        row |= {"output": str(writing.write_transcript(job.text, found)), "text": found.text, "words": len(found.words)}
        row |= {"seconds": round(found.seconds - found.start, 3), "messages": found.messages}
    except ConfigError:
        raise
    except MelodiaError as error:
        row["error"] = " ".join(str(error).split())
    except OSError as error:
        row["error"] = f"{job.text}: cannot be written: {why_not_written(error, job.text)}"
    return row


def report(row: dict[str, Any], quiet: bool, as_json: bool) -> None:
    """Tells what became of a recording: its file on stdout, the rest on stderr; what went wrong in any case."""
    if "output" in row and not as_json:
        result(row["output"], None, as_json=False)
    for message in row.get("messages", []):
        notice(f"{row['recording']}: {message}", quiet)
    if row.get("words"):
        shown = row["text"] if len(row["text"]) <= SHOWN else row["text"][:SHOWN].rpartition(" ")[0] + " ..."
        count = f"{row['words']} word{'' if row['words'] == 1 else 's'}"
        notice(f"{row['recording']}: {count} in {row['seconds']:.1f} s: {shown}", quiet)
    if "error" in row:
        notice(f"melodia: {row['error']}", quiet=False)

"""`melodia speak`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.checkpoint import DEFAULTS
from melodia.commands.console import device_option, free_path, json_option, notice, progress_bar, quiet_option, result
from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.garbage import uncollected
from melodia.synthesis.config import FASTEST, MOST_SEMITONES, SLOWEST, SPEECH, SpeakConfig

if TYPE_CHECKING:
    from melodia.synthesis.model import Voice
    from melodia.synthesis.reading import Sentence
    from melodia.synthesis.spoken import Piece

NAME = "spoken.wav"
SHOWN = 40  # characters of a sentence, beside the progress
DRAWN = 30.0  # seconds of speech that are kept for a picture


@click.command("speak")
@click.argument("text", required=False)
@click.option("--file", type=click.Path(path_type=Path, allow_dash=True), help="A text file to read, or - for stdin.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    help=f"Sound file: .wav, .flac, .ogg or .mp3; - for WAV on stdout.  [default: {NAME}, or as the text file]",
)
@click.option("--voice", default=DEFAULTS["synthesis"], show_default=True, help="Name or folder of a checkpoint.")
@click.option("--rate", type=float, default=SPEECH.rate, show_default=True, help=f"Times as fast, {SLOWEST:g} to {FASTEST:g}.")
@click.option(
    "--pitch",
    type=float,
    default=SPEECH.semitones,
    show_default=True,
    help=f"Semitones higher, {-MOST_SEMITONES:g} to {MOST_SEMITONES:g}.",
)
@click.option(
    "--temperature", type=float, default=SPEECH.temperature, show_default=True, help="0: the likeliest reading; above: livelier."
)
@click.option("--random-seed", type=int, help="The same number gives the same files. Default: a new one, which is printed.")
@click.option(
    "--count",
    type=int,
    default=1,
    show_default=True,
    help="Takes: x-1.wav, x-2.wav; without -o, x-take2-1.wav ... if some are there.",
)
@click.option("--emphasis", multiple=True, metavar="WORD", help="Stress this word; may be given several times.")
@click.option("--markup/--no-markup", default=None, help="Whether the text has SSML tags.  [default: look whether it has]")
@click.option(
    "--phonemes",
    is_flag=True,
    help="Print the phonemes that would be said, with *emphasis*; no sound.",
)
@click.option("--read-phonemes", is_flag=True, help="The text is phonemes and marks, as --phonemes prints them, or IPA.")
@click.option("--timings", type=click.Path(path_type=Path), help="Also write each word with its times (JSON); takes are numbered.")
@click.option("--picture/--no-picture", default=False, help="Also draw a spectrogram (PNG) beside each sound file.")
@device_option
@quiet_option
@json_option
def command(text: str | None, **options: Any) -> None:
    """Say a text in English: TEXT, a .txt file, or stdin.

    *Stars* stress words, [pause 1s] is a pause; SSML tags such as <break>, <emphasis>, <prosody> and <phoneme> are known.
    """
    check_range("count", options["count"], 1, 1000)
    random_seed = options["random_seed"] if options["random_seed"] is not None else secrets.randbelow(2**31)
    config = SpeakConfig(
        temperature=options["temperature"], rate=options["rate"], semitones=options["pitch"], random_seed=random_seed
    )
    written, stem = given_text(text, options["file"])
    quiet = options["quiet"]
    if options["phonemes"]:
        print_phonemes(written, options)
        return
    targets = output_paths(options["output"], stem, options["count"])
    refuse_two_on_stdout(options)
    check_timings(options["timings"], targets)
    voice = loaded(options["voice"], options["device"])
    rows = []
    for number, target in enumerate(targets):
        config = replace(config, random_seed=random_seed + number)
        sentences = sentences_to_say(written, options, partial(notice, quiet=quiet or number > 0))
        rows.append(say(voice, sentences, config, target, options, number, len(written)))
    if options["random_seed"] is None:
        notice(f"random seed {random_seed}", quiet)
    if options["output"] != Path("-"):
        result(
            "\n".join(row[key] for row in rows for key in ("sound", "timings", "picture") if key in row), rows, options["as_json"]
        )


def given_text(text: str | None, file: Path | None) -> tuple[str, str | None]:
    """What is to be said, and the stem of the file that it is from.

    Raises:
        UsageError: nothing is given, or too much.
        MelodiaError: a file cannot be read.
    """
    import sys

    from melodia.synthesis.written import decoded, names_text, read_text

    if text is not None and file is not None:
        raise click.UsageError("a text and a --file are given; leave one of them out")
    if text is None and file is None and sys.stdin.isatty():
        raise click.UsageError("no text is given; write it in quotes, name a file with --file, or pipe it in")
    if text is not None and text != "-" and not names_text(text):
        return text, None
    path = Path(text) if text is not None else file or Path("-")
    if path == Path("-"):
        return decoded(sys.stdin.buffer.read(), "stdin"), None
    return read_text(path), path.stem


def output_paths(output: Path | None, stem: str | None, count: int, name: str = NAME) -> list[Path]:
    """Where the takes go: `out.wav`, or `out-1.wav`, `out-2.wav` ... for several.

    Raises:
        ConfigError: the output is a folder, of no kind that can be written, or one stdout for several takes.
    """
    from melodia.soundfiles import check_kind

    path = output or free_path(Path(f"{stem}.wav" if stem else name), numbered=".wav")
    if path == Path("-"):
        if count > 1:
            raise ConfigError(f"output: {count} takes do not go to stdout; name a file")
        return [path]
    check_kind(path)
    return [path] if count == 1 else [numbered(path, number, count) for number in range(count)]


def numbered(path: Path, number: int, count: int) -> Path:
    """The name of one of several takes, which count from 0."""
    return path.with_stem(f"{path.stem}-{number + 1:0{len(str(count))}}") if count > 1 else path


def refuse_two_on_stdout(options: dict[str, Any]) -> None:
    """Keeps sound on stdout by itself, and pictures beside files.

    Raises:
        UsageError: JSON or a picture is wanted with it.
    """
    if options["output"] == Path("-") and (options["as_json"] or options["picture"]):
        raise click.UsageError("-o - writes sound to stdout; name a file for --json or --picture")


def check_timings(timings: Path | None, targets: list[Path]) -> None:
    """Refuses a name for the words' times that is none, before anything is said.

    Raises:
        ConfigError: it is a folder, stdout, or that of the sound.
    """
    names = [numbered(timings, number, len(targets)) for number in range(len(targets))] if timings else []
    if timings and (timings.is_dir() or timings == Path("-") or set(names) & set(targets)):
        raise ConfigError(f"timings: {timings} is a folder, stdout, or the name of the sound; name a JSON file")


def loaded(voice: str, device: str) -> Voice:
    """The voice."""
    with uncollected():
        from melodia.api.voice import voice_of

    return voice_of(voice, device)


def sentences_to_say(text: str, options: dict[str, Any], tell: Callable[[str], None]) -> Iterator[Sentence]:
    """The sentences of a text, with words stressed."""
    from melodia.api.voice import sentences_of

    given = {"markup": options["markup"], "phonemes": options["read_phonemes"], "emphasis": options["emphasis"]}
    return sentences_of(text, **given, notices=tell)


def print_phonemes(text: str, options: dict[str, Any]) -> None:
    """What would be said, a sentence a line as it is read."""
    from melodia.synthesis.reading import phonemes_of

    rows = []
    for sentence in sentences_to_say(text, options, lambda line: notice(line, options["quiet"])):
        if options["as_json"]:
            rows.append({"text": sentence.text, "words": list(sentence.words), "phonemes": phonemes_of(sentence)})
        else:
            result(phonemes_of(sentence), None, as_json=False)
    if options["as_json"]:
        result("", rows, as_json=True)


def say(
    voice: Voice, sentences: Iterator[Sentence], config: Any, target: Path, options: dict[str, Any], number: int, length: int
) -> dict[str, Any]:
    """Says sentences into a file, one by one, and tells what it is."""
    from melodia.api.voice import said
    from melodia.files import write_json
    from melodia.soundfiles import sound_written
    from melodia.synthesis.spoken import timings

    words: list[Any] = []
    drawn: list[Piece] = []
    samples, count, rate = 0, 0, voice.config.features.sample_rate
    with progress_bar(options["quiet"], "characters") as bar, sound_written(target, rate) as write:
        line = bar.add_task("speaking", total=length, note="")
        for piece in said(sentences, voice, config):
            count += 1
            write(piece.said.waveform)
            words += piece.words
            drawn += [piece] if options["picture"] and samples < DRAWN * rate else []
            samples += len(piece.said.waveform)
            bar.update(line, advance=len(piece.sentence.text), note=piece.sentence.text[:SHOWN].replace("\n", " "))
    seconds = samples / rate
    row: dict[str, Any] = {"sound": str(target), "seconds": round(seconds, 3), "sample_rate": rate, "sentences": count}
    row |= {"words": len(words), "random_seed": config.random_seed}
    if options["timings"]:
        path = numbered(options["timings"], number, options["count"])
        write_json(path, timings(words, seconds))
        row["timings"] = str(path)
    if options["picture"]:
        row["picture"] = str(draw(drawn, target.with_suffix(".png")))
    return row


def draw(drawn: list[Piece], path: Path) -> Path:
    """A picture of what is said first."""
    from melodia.synthesis.picture import draw_speech
    from melodia.synthesis.spoken import speech_of

    return draw_speech(speech_of(drawn), path)

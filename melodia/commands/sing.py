"""`melodia sing`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click

from melodia.checkpoint import DEFAULTS
from melodia.commands.console import device_option, json_option, notice, quiet_option, result
from melodia.commands.speak import check_timings, given_text, loaded, output_paths, refuse_two_on_stdout
from melodia.synthesis.config import SONG, SUNG_TEMPERATURE, SongConfig, SpeakConfig

NAME = "sung.wav"


@click.command("sing")
@click.argument("lyrics")
@click.option("--melody", required=True, type=click.Path(path_type=Path), help="MIDI file, or recording, with the melody.")
@click.option("--part", help="Number (from 1) or name of the part to sing.  [default: the one that looks like a melody]")
@click.option("--transpose", type=int, help="Semitones higher.  [default: octaves, to where the voice is at ease]")
@click.option("--tempo", type=float, help="Quarter notes a minute.  [default: the file's]")
@click.option("--repeat", is_flag=True, help="Begin the lyrics anew as long as there are notes.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    help=f"Sound file: .wav, .flac, .ogg or .mp3; - for WAV on stdout.  [default: {NAME}, or as the text file]",
)
@click.option("--voice", default=DEFAULTS["synthesis"], show_default=True, help="Name or folder of a checkpoint.")
@click.option("--vibrato", type=float, default=SONG.vibrato, show_default=True, help="Cents to either side, on long notes.")
@click.option("--temperature", type=float, default=SUNG_TEMPERATURE, show_default=True, help="0: the likeliest; above: livelier.")
@click.option("--random-seed", type=int, help="The same number gives the same file. Default: a new one, which is printed.")
@click.option("--timings", type=click.Path(path_type=Path), help="Also write each word with its times (JSON).")
@click.option("--picture/--no-picture", default=False, help="Also draw a spectrogram (PNG) beside the sound file.")
@device_option
@quiet_option
@json_option
def command(lyrics: str, melody: Path, **options: Any) -> None:
    """Sing LYRICS, a text or a .txt file, to a melody: a syllable a note, and `_` holds one over the next note.

    Where there are as many lines as phrases in the melody, each line has its phrase.
    """
    from melodia.api.primer import read_primer
    from melodia.api.voice import speller_of, sung
    from melodia.soundfiles import STDOUT, sound_written
    from melodia.synthesis.song import set_to

    quiet = options["quiet"]
    config = SongConfig(**{name: options[name] for name in ("part", "transpose", "tempo", "repeat", "vibrato")})
    random_seed = options["random_seed"] if options["random_seed"] is not None else secrets.randbelow(2**31)
    how = SpeakConfig(temperature=options["temperature"], random_seed=random_seed)
    text, stem = given_text(lyrics, None)
    (target,) = output_paths(options["output"], stem, 1, NAME)
    refuse_two_on_stdout(options)
    check_timings(options["timings"], [target])

    def tell(line: str) -> None:
        notice(line, quiet)

    score, messages = read_primer(melody, options["device"])
    for message in messages:
        tell(message)
    song = set_to(text, score, config, speller=speller_of(tell), notices=tell)
    if song.lead:
        tell(f"the first consonants come before the melody: all is {song.lead:.2f} s later than in it")
    speech = sung(song, loaded(options["voice"], options["device"]), how)
    with sound_written(target, speech.sample_rate) as write:
        write(speech.waveform)
    row: dict[str, Any] = {
        "sound": str(target),
        "seconds": round(speech.seconds, 3),
        "sample_rate": speech.sample_rate,
        "notes": len(song.notes),
    }
    row |= {"words": len(speech.words), "transposed": song.transposed, "lead": round(song.lead, 3), "random_seed": random_seed}
    row |= extras(speech, target, options)
    if options["random_seed"] is None:
        tell(f"random seed {random_seed}")
    if target == STDOUT:
        return
    result("\n".join(row[key] for key in ("sound", "timings", "picture") if key in row), row, options["as_json"])


def extras(speech: Any, target: Path, options: dict[str, Any]) -> dict[str, str]:
    """Writes what is wanted beside the sound, and tells where."""
    from melodia.files import write_json
    from melodia.synthesis.picture import draw_speech
    from melodia.synthesis.spoken import timings

    row = {}
    if options["timings"]:
        write_json(options["timings"], timings(speech.words, speech.seconds))
        row["timings"] = str(options["timings"])
    if options["picture"]:
        drawn = target.with_suffix(".png")
        row["picture"] = str(draw_speech(speech, drawn))
    return row

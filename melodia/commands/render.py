"""`melodia render`."""

from __future__ import annotations

from pathlib import Path

import click

from melodia.commands.console import json_option, result
from melodia.errors import ConfigError


@click.command("render")
@click.argument("midi", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="WAV file to write. Default: beside the MIDI file.")
@click.option("--soundfont", type=click.Path(path_type=Path), help="An .sf2 file. Default: TimGM6mb, which comes along.")
@click.option("--synth", default="builtin", show_default=True, help="builtin, or fluidsynth where it is installed.")
@json_option
def command(midi: Path, output: Path | None, soundfont: Path | None, synth: str, as_json: bool) -> None:
    """Play a MIDI file into a WAV file (44.1 kHz, stereo, peak at -1 dBFS)."""
    from melodia.render import SAMPLE_RATE, render
    from melodia.score import Score
    from melodia.soundfiles import write_sound

    score = Score.read(midi)
    target = output or midi.with_suffix(".wav")
    if target.suffix.lower() != ".wav":
        raise ConfigError(f"output: {target} does not end in .wav")
    waveform = render(score, soundfont, synth)
    path = write_sound(target, waveform, SAMPLE_RATE)
    content = {"wav": str(path), "seconds": round(len(waveform) / SAMPLE_RATE, 3), "sample_rate": SAMPLE_RATE}
    result(str(path), content, as_json)

"""`melodia render`."""

from __future__ import annotations

from pathlib import Path

import click

from melodia.commands.console import json_option, quiet_option, result


@click.command("render")
@click.argument("midi", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="WAV file to write. Default: beside the MIDI file.")
@click.option("--soundfont", type=click.Path(path_type=Path), help="An .sf2 file. Default: TimGM6mb, which comes along.")
@click.option("--synth", default="builtin", show_default=True, help="builtin, or fluidsynth where it is installed.")
@quiet_option
@json_option
def command(midi: Path, output: Path | None, soundfont: Path | None, synth: str, quiet: bool, as_json: bool) -> None:
    """Play a MIDI file into a WAV file (44.1 kHz, stereo, peak at -1 dBFS)."""
    from melodia.audio import write_wav
    from melodia.render import SAMPLE_RATE, render
    from melodia.score import Score

    waveform = render(Score.read(midi), soundfont, synth)
    path = write_wav(output or midi.with_suffix(".wav"), waveform, SAMPLE_RATE)
    content = {"wav": str(path), "seconds": round(len(waveform) / SAMPLE_RATE, 3), "sample_rate": SAMPLE_RATE}
    result(str(path), content, as_json)

"""Scores -> waveforms, with SoundFonts.

The built-in synthesiser is `midirenderer` (rustysynth), a wheel without system libraries, with the
SoundFont that pretty_midi brings (TimGM6mb, by Tim Brechbill); FluidSynth is used when asked for.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from importlib import util
from pathlib import Path

import numpy as np

from melodia.audio import Waveform, normalised, trimmed
from melodia.errors import AudioError, ConfigError
from melodia.files import read_limited
from melodia.midi import midi_bytes
from melodia.score import PPQ, Score

SAMPLE_RATE = 44_100
PEAK_DB = -1.0
TAIL_SECONDS = 6.0  # rendered after the last note; what is silent of it is cut off
SYNTHS = ("builtin", "fluidsynth")
MAX_SECONDS = 3600.0
MAX_FONT_BYTES = 2**31


def render(score: Score, soundfont: str | Path | None = None, synth: str = "builtin") -> Waveform:
    """Plays a score.

    Args:
        score: what to play.
        soundfont: an .sf2 file; None takes the one that comes along.
        synth: `builtin` or `fluidsynth`, which must be installed.

    Returns:
        (samples, 2) float32 at `SAMPLE_RATE`, peak at -1 dBFS, ending when the last note has died away.

    Raises:
        AudioError: the SoundFont or synthesiser cannot be used, or the score is over an hour long.
        ConfigError: no such synthesiser.
    """
    if synth not in SYNTHS:
        raise ConfigError(f"synth: '{synth}' is not known; use {' or '.join(SYNTHS)}")
    if score.seconds > MAX_SECONDS:
        raise AudioError(f"the score lasts {score.seconds / 3600:.1f} hours; at most {MAX_SECONDS / 3600:.0f} is rendered")
    font = Path(soundfont) if soundfont else default_soundfont()
    tail = round(TAIL_SECONDS * score.tempo_at(score.end_ticks).tempo_bpm / 60 * PPQ)
    data = midi_bytes(score, tail_ticks=tail)
    waveform = _fluidsynth(data, font) if synth == "fluidsynth" else _builtin(data, font)
    return normalised(trimmed(waveform), PEAK_DB)


def default_soundfont() -> Path:
    """The SoundFont that pretty_midi brings, found without importing it.

    Raises:
        AudioError: it is not there.
    """
    spec = util.find_spec("pretty_midi")
    path = Path(spec.origin or "").parent / "TimGM6mb.sf2" if spec else Path()
    if not path.is_file():
        raise AudioError("pretty_midi's SoundFont TimGM6mb.sf2 is missing; name another with --soundfont")
    return path


def _read_font(path: Path) -> bytes:
    try:
        data = read_limited(path, MAX_FONT_BYTES)
    except OSError as error:
        raise AudioError(f"{path}: cannot be read: {error.strerror or error}") from error
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise AudioError(f"{path}: not a SoundFont (.sf2)")
    return data


def _builtin(data: bytes, font: Path) -> Waveform:
    import midirenderer
    import soundfile
    import soxr

    try:
        wav = midirenderer.render_wave_from(_read_font(font), data)
        waveform, sample_rate = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise AudioError(f"{font}: cannot be played ({error}); try another SoundFont, or less music") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the synthesiser's own, no Exception
            raise
        raise AudioError(f"{font}: the synthesiser failed on it; try another SoundFont") from error
    return np.asarray(soxr.resample(waveform, sample_rate, SAMPLE_RATE), dtype=np.float32)


def _fluidsynth(data: bytes, font: Path) -> Waveform:
    import soundfile

    program = shutil.which("fluidsynth")
    if program is None:
        raise AudioError("fluidsynth is not installed; install it, or leave --synth out for the built-in synthesiser")
    _read_font(font)
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "score.mid", Path(folder) / "score.wav"
        midi.write_bytes(data)
        command = [
            program,
            "-ni",
            "-g",
            "0.5",
            "-r",
            str(SAMPLE_RATE),
            "-O",
            "float",
            "-T",
            "wav",
            "-F",
            str(wav),
            str(font),
            str(midi),
        ]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode or not wav.is_file():
            raise AudioError(f"fluidsynth failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
        waveform, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    return np.asarray(waveform, dtype=np.float32)

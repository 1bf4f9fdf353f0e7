"""Waveforms -> sound files of the kind that a suffix names, in pieces as they come; 16 bits where a kind has bits."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from melodia.audio import Waveform
from melodia.errors import AudioError, ConfigError
from melodia.files import temporary_beside, why_not_written

KINDS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS"), ".mp3": ("MP3", "MPEG_LAYER_III")}
STDOUT = Path("-")
UNKNOWN_SIZE = 2**32 - 1  # bytes of a WAV file that is a stream
BLOCK = 2**14  # samples that are encoded at once; libsndfile's Vorbis overflows its stack on many
Write = Callable[[Waveform], None]


def check_kind(path: Path) -> None:
    """Refuses a name that is of no kind of sound file that can be written.

    Raises:
        ConfigError: it is a folder, or ends otherwise.
    """
    if path.is_dir():
        raise ConfigError(f"output: {path} is a folder; name a sound file in it")
    if path.suffix.lower() not in KINDS:
        raise ConfigError(f"output: {path} does not end in {', '.join(list(KINDS)[:-1])} or {list(KINDS)[-1]}")


@contextmanager
def sound_written(path: Path, sample_rate: int, channels: int = 1) -> Iterator[Write]:
    """Gives what writes the next samples of a file, which has its name once all are written; `-` is mono WAV on stdout.

    Raises:
        ConfigError: the name is of no kind that is known.
        AudioError: it cannot be written.
    """
    if path == STDOUT:
        with _streamed(sample_rate) as write:
            yield write
        return
    import soundfile

    check_kind(path)
    form, subtype = KINDS[path.suffix.lower()]
    try:
        with (
            temporary_beside(path) as temporary,
            soundfile.SoundFile(temporary, "w", sample_rate, channels, format=form, subtype=subtype) as file,
        ):

            def write(waveform: Waveform) -> None:
                for first in range(0, len(waveform), BLOCK):
                    file.write(np.clip(waveform[first : first + BLOCK], -1, 1))

            yield write
    except (OSError, soundfile.SoundFileError) as error:
        raise AudioError(f"{path}: cannot be written: {why_not_written(error, path)}") from error


@contextmanager
def _streamed(sample_rate: int) -> Iterator[Write]:
    """WAV on stdout, whose length nobody knows before its end."""
    out = sys.stdout.buffer
    head = struct.pack("<IHHIIHH", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    size = struct.pack("<I", UNKNOWN_SIZE)
    out.write(b"RIFF" + size + b"WAVEfmt " + head + b"data" + size)

    def write(waveform: Waveform) -> None:
        out.write(np.rint(np.clip(waveform, -1, 1) * 32767).astype("<i2").tobytes())
        out.flush()

    yield write


def write_sound(path: str | Path, waveform: Waveform, sample_rate: int) -> Path:
    """Writes (samples,) or (samples, channels) as a sound file, whole or not at all, and returns its path.

    Raises:
        ConfigError: the name is of no kind that is known.
        AudioError: it cannot be written.
    """
    path = Path(path)
    with sound_written(path, sample_rate, 1 if waveform.ndim == 1 else waveform.shape[1]) as write:
        write(waveform)
    return path

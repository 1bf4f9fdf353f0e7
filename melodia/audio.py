"""Sound files <-> waveforms. A waveform is float32 in [-1, 1], (samples,) mono or (samples, channels).

Files are decoded by libsndfile (WAV, FLAC, OGG, MP3, AIFF and more), which soundfile brings along, and brought to a
rate by soxr; both run block by block, so a file of any length is read in little memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.errors import AudioError, ConfigError
from melodia.mp3 import SAME, mp3_seconds

Waveform = NDArray[np.float32]
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aif", ".aiff", ".au")
BLOCK_SECONDS = 10.0  # decoded at a time, at most
UNKNOWN_SIZE = 2**31 - 2**16  # of a WAV file that was written as a stream, or more
MP3_HEAD = 2**16  # bytes, in which the frame that tells the length is looked for
LARGEST_PAGE, LAST_PAGE = 2**16, 4  # of an Ogg file: bytes, and what marks the last one
MAX_BLOCK = 2**22  # samples of all channels
LONGEST = 1e7  # seconds
CANCELLED = 1e-4  # share of two channels' power in their mean, below which one is the other turned upside down
SILENCE = 10 ** (-70 / 20)  # of a recording's loudest sample, below which it is silent
MAX_CHANNELS = 64
LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000  # of a file, Hz


class AudioInfo(NamedTuple):
    """What a sound file says of itself. `seconds` is what it promises; a damaged one holds less."""

    sample_rate: int
    channels: int
    seconds: float


@dataclass(slots=True)
class Meter:
    """What is known of a sound that goes by in blocks: its length in samples, and its loudest sample."""

    samples: int = 0
    loudest: float = 0.0

    def watch(self, blocks: Iterable[Waveform]) -> Iterator[Waveform]:
        """The blocks, counted."""
        for block in blocks:
            self.samples += len(block)
            self.loudest = max(self.loudest, float(np.abs(block).max(initial=0.0)))
            yield block


def check_span(start: float, end: float | None) -> None:
    """Refuses a span that no recording can have, in seconds; None is to its end.

    Raises:
        ConfigError: it begins or ends out of range, or ends before it begins.
    """
    check_range("start", start, 0, LONGEST)
    if end is not None:
        check_range("end", end, 0, LONGEST)
        if not start < end:
            raise ConfigError(f"end: {end:g} is out of range; it must be after --start, {start:g}")


def audio_info(path: str | Path) -> AudioInfo:
    """Opens a sound file and looks at its head.

    Raises:
        AudioError: it is missing, no sound file, or has no channels or an absurd rate.
    """
    with _opened(Path(path)) as file:
        return AudioInfo(file.samplerate, file.channels, file.frames / file.samplerate)


def read_audio(path: str | Path, sample_rate: int, onset: float = 0.0, offset: float | None = None) -> Waveform:
    """A sound file, or a span of it in seconds, as mono at a rate.

    Raises:
        AudioError: see `read_blocks`.
    """
    return np.concatenate([np.zeros(0, np.float32), *read_blocks(path, sample_rate, onset, offset)])


def read_blocks(path: str | Path, sample_rate: int, onset: float = 0.0, offset: float | None = None) -> Iterator[Waveform]:
    """A sound file, or a span of it in seconds, as blocks of mono at a rate, some seconds each.

    Raises:
        AudioError: it is missing, no sound file, damaged, holds values that are no numbers, or the span is not in it.
    """
    import soundfile
    import soxr

    path = Path(path)
    with _opened(path) as file:
        first, left = _span(file, path, onset, offset)
        _refuse_a_short_wav(path, file)
        _refuse_a_short_ogg(path, file)
        resampler = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32")
        size = max(min(round(BLOCK_SECONDS * file.samplerate), MAX_BLOCK // file.channels), 1)
        try:
            file.seek(first)
            while left > 0:
                with _decoder_muted(path):
                    block = file.read(min(left, size), dtype="float32", always_2d=True)
                if not len(block) and _lacks(path, file, file.frames - left):
                    raise AudioError(_cut_short(path, file, file.frames - left))
                left = left - len(block) if len(block) else 0
                mono = _mono(block)
                if not np.isfinite(mono).all():
                    raise AudioError(f"{path}: holds values that are no numbers; export it again")
                yield mono if file.samplerate == sample_rate else resampler.resample_chunk(mono, last=left <= 0)
        except soundfile.SoundFileError as error:
            raise AudioError(f"{path}: damaged ({str(error).strip()}); export it again") from error


@contextmanager
def _decoder_muted(path: Path) -> Iterator[None]:
    """While it opens or reads a damaged MP3 file, libmpg123 writes lines of its own to the process's stderr."""
    try:
        kept = os.dup(2) if path.suffix.lower() == ".mp3" else None
    except OSError:  # it is closed
        kept = None
    if kept is None:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _mono(block: NDArray[np.float32]) -> Waveform:
    """(samples, channels) -> (samples,): their mean, or the first, where they cancel each other."""
    mono = block.mean(axis=1)
    cancelled = block.shape[1] == 2 and float(np.square(mono).mean()) < CANCELLED * float(np.square(block).mean())
    return block[:, 0].copy() if cancelled else mono


def _span(file: Any, path: Path, onset: float, offset: float | None) -> tuple[int, int]:
    """The first sample of a span, and how many there are.

    Raises:
        AudioError: it is not in the file, or an MP3 file holds more than can be read.
    """
    seconds = file.frames / file.samplerate
    if not 0 <= onset < LONGEST or (offset is not None and not offset > onset) or (onset > 0 and onset >= seconds):
        wanted = f"{onset:g} s to its end" if offset is None else f"{onset:g} to {offset:g} s"
        raise AudioError(f"{path}: lasts {seconds:.2f} s; {wanted} is no span of it")
    if file.format == "MP3" and (held := mp3_seconds(path)) > seconds + SAME:
        raise AudioError(
            f"{path}: holds {held:.0f} s, of which {seconds:.0f} can be read, as its header does not say so; convert it to WAV"
        )
    first = round(onset * file.samplerate)
    last = file.frames if offset is None or offset > seconds else round(offset * file.samplerate)
    return first, last - first


def _refuse_a_short_wav(path: Path, file: Any) -> None:
    """libsndfile takes a WAV file that was cut short for whole, but tells in its log.

    Raises:
        AudioError: it holds less than it promises.
    """
    found = re.search(r"^data : (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if found and int(found[2]) < int(found[1]) < UNKNOWN_SIZE:
        raise AudioError(f"{path}: cut short: {found[2]} of the {found[1]} bytes of sound that it promises; export it again")


def _refuse_a_short_ogg(path: Path, file: Any) -> None:
    """The last page of an Ogg file says that it is; libsndfile reads on without it. RFC 3533.

    Raises:
        AudioError: it is missing.
    """
    if file.format != "OGG":
        return
    with path.open("rb") as opened:
        opened.seek(max(path.stat().st_size - LARGEST_PAGE, 0))
        tail = opened.read()
    page = tail.rfind(b"OggS")
    if page < 0 or not tail[page + 5 : page + 6] or not tail[page + 5] & LAST_PAGE:
        raise AudioError(f"{path}: cut short: the end of it is missing; export it again")


def _lacks(path: Path, file: Any, samples: int) -> bool:
    """Whether a file that has come to an end is cut short or damaged: an MP3's length may be but a guess."""
    if file.format != "MP3":
        return True
    with path.open("rb") as opened:
        head = opened.read(MP3_HEAD)
    known = file.frames / file.samplerate if b"Xing" in head or b"Info" in head else 0.0
    return bool(samples / file.samplerate < max(known, mp3_seconds(path)) - SAME)


def _cut_short(path: Path, file: Any, samples: int) -> str:
    promised, held = file.frames / file.samplerate, samples / file.samplerate
    return f"{path}: cut short: {held:.2f} of the {promised:.2f} s that it promises; export it again"


def _opened(path: Path) -> Any:
    """A soundfile.SoundFile."""
    import soundfile

    try:
        if not path.exists():
            raise AudioError(f"{path}: no such file")
        if not path.is_file():
            raise AudioError(f"{path}: not a file")
        with path.open("rb"):
            pass
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"{path}: cannot be read: {reason}") from error
    try:
        with _decoder_muted(path):
            file = soundfile.SoundFile(path)
    except UnicodeError as error:
        raise AudioError(f"{path}: its name cannot be read on this machine; give it another") from error
    except (soundfile.SoundFileError, OSError, TypeError, RuntimeError) as error:
        kinds = "WAV, FLAC, OGG, MP3 or AIFF"
        reason = re.sub(r"^Error opening .*?: |File does not exist.*", "", str(error)).strip()  # it is there
        what = "empty" if not path.stat().st_size else "no sound file that can be read" + (f" ({reason})" if reason else "")
        raise AudioError(f"{path}: {what}; give {kinds}") from error
    if not 1 <= file.channels <= MAX_CHANNELS or not LOWEST_RATE <= file.samplerate <= HIGHEST_RATE:
        text = f"{path}: {file.channels} channels at {file.samplerate} Hz cannot be read; export it again"
        file.close()
        raise AudioError(text)
    return file


def normalised(waveform: Waveform, peak_db: float = -1.0) -> Waveform:
    """The waveform with its peak at a level in dB below full scale; silence stays silence."""
    peak = float(np.abs(waveform).max(initial=0.0))
    if peak == 0:
        return waveform
    return (waveform * (10 ** (peak_db / 20) / peak)).astype(np.float32)


def trimmed(waveform: Waveform, floor_db: float = -60.0, margin: int = 2048) -> Waveform:
    """The waveform up to where it has died away: the last sample within `floor_db` of its peak, and a margin."""
    level = np.abs(waveform).max(axis=1) if waveform.ndim > 1 else np.abs(waveform)
    loud = np.flatnonzero(level > level.max(initial=0.0) * 10 ** (floor_db / 20))
    return waveform[: int(loud[-1]) + margin] if len(loud) else waveform[:0]

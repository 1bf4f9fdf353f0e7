"""A recording -> notes: file, spectrogram, network, decoder, each as a stream, so that an hour takes the memory of a minute.

The network reads windows that overlap: what it says within `CONTEXT_SECONDS` of a window's end is left to the
neighbour, which has heard more of what surrounds it. So the notes do not depend on where windows end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.audio import audio_info, read_blocks
from melodia.config import check_range
from melodia.errors import AudioError, ConfigError
from melodia.features import stream_spectrogram
from melodia.score import Score
from melodia.transcription.beats import Beats, GridConfig, find_beats, make_score
from melodia.transcription.decode import Decoder, Frames
from melodia.transcription.model import Said, Transcriber
from melodia.transcription.notes import ONSET, Notes, make_notes

CONTEXT_SECONDS = 4.0
PICTURE_SECONDS = 60.0  # of the spectrogram, kept for a picture
SILENCE_DB = -70.0  # of a recording's loudest moment, below which it is silent

Report = Callable[[float, float], None]  # seconds done, seconds in all


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribeConfig:
    """`start` and `end` in seconds of the recording; `threshold` and the like go before the model's own."""

    start: float = 0.0
    end: float | None = None
    threshold: float | None = None  # of onsets
    pedal: bool = False  # write the sustain pedal too
    grid: GridConfig = field(default_factory=GridConfig)
    window_seconds: float = 30.0  # read at a time

    def __post_init__(self) -> None:
        check_range("start", self.start, 0)
        if self.end is not None and not self.end > self.start:
            raise ConfigError(f"end: {self.end:g} is out of range; it must be after --start, {self.start:g}")
        if self.threshold is not None:
            check_range("threshold", self.threshold, 0.01, 0.99)
        check_range("window_seconds", self.window_seconds, 1, 600)


@dataclass(slots=True, kw_only=True)
class Transcription:
    """What was heard. Times are seconds from `start` of the recording on."""

    notes: Notes
    pedal: NDArray[np.float64]  # (n, 2) spans
    beats: Beats | None
    score: Score
    start: float
    seconds: float
    decibels: NDArray[np.float32]  # (frames, bins): the beginning of the spectrogram, for a picture
    frame_rate: float
    messages: list[str] = field(default_factory=list)


def transcribe(
    path: str | Path, model: Transcriber, config: TranscribeConfig, progress: Report = lambda a, b: None
) -> Transcription:
    """Transcribes a sound file.

    Raises:
        AudioError: it is missing, no sound file, damaged, or the span is not in it.
    """
    features = model.config.features
    info = audio_info(path)
    total = min(info.seconds, config.end or info.seconds) - config.start
    heard = Heard(features.sample_rate)
    blocks = heard.listen(read_blocks(path, features.sample_rate, config.start, config.end))
    decode = model.config.decode if config.threshold is None else replace(model.config.decode, onset=config.threshold)
    decoder = Decoder(decode, features.frame_rate)
    found, frames = [], 0
    kept: list[NDArray[np.float32]] = []

    def spectrogram() -> Iterator[Tensor]:
        for part in stream_spectrogram(blocks, features):
            if sum(map(len, kept)) < PICTURE_SECONDS * features.frame_rate:
                kept.append(part[:, -1].numpy())
            yield part

    for said in probabilities(model, spectrogram(), config.window_seconds):
        found.append(decoder.feed(said))
        frames += len(said.onset)
        progress(min(frames / features.frame_rate, total), total)
    found.append(decoder.finish())
    if not heard.samples:
        raise AudioError(f"{path}: there is no sound in it")
    seconds = heard.samples / features.sample_rate
    notes = make_notes(np.concatenate(found)) if heard.loudest > 10 ** (SILENCE_DB / 20) else make_notes()
    notes = notes[notes[:, ONSET] < seconds]
    pedal = np.array(decoder.pedal if config.pedal and len(notes) else []).reshape(-1, 2)
    beats = find_beats(notes, config.grid.tempo_bpm)
    return Transcription(
        notes=notes,
        pedal=pedal,
        beats=beats,
        score=make_score(notes, pedal, beats, config.grid),
        start=config.start,
        seconds=seconds,
        decibels=np.concatenate(kept)[: round(PICTURE_SECONDS * features.frame_rate)],
        frame_rate=features.frame_rate,
        messages=_messages(notes, heard, beats, config),
    )


@dataclass(slots=True)
class Heard:
    """Counts what goes by."""

    sample_rate: int
    samples: int = 0
    loudest: float = 0.0

    def listen(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[Tensor]:
        """The same blocks, as tensors."""
        for block in blocks:
            self.samples += len(block)
            self.loudest = max(self.loudest, float(np.abs(block).max(initial=0.0)))
            yield torch.from_numpy(np.ascontiguousarray(block))


def probabilities(model: Transcriber, spectrogram: Iterable[Tensor], window_seconds: float) -> Iterator[Frames]:
    """What the network says of a spectrogram that comes in parts, (frames, windows, bins) each: window after window."""
    rate, device = model.config.features.frame_rate, next(model.parameters()).device
    window, context = round(window_seconds * rate), round(CONTEXT_SECONDS * rate)
    held: list[Tensor] = []
    before = 0  # of the frames that are held, those that have been decided on
    for part in spectrogram:
        held.append(part)
        while sum(map(len, held)) >= before + window + context:
            whole = torch.cat(held)
            decided = before + window
            yield _said(model, whole[: decided + context], device, before, decided)
            before = min(context, decided)
            held = [whole[decided - before :]]
    if held and len(whole := torch.cat(held)) > before:
        yield _said(model, whole, device, before, len(whole))


@torch.no_grad()
def _said(model: Transcriber, decibels: Tensor, device: torch.device, first: int, last: int) -> Frames:
    """What the network says of the frames from `first` to `last` of those that it reads."""
    said = model(decibels[None].to(device))
    parts = (s[0, first:last].float() for s in said)
    return Frames(
        *((p if name == "place" else torch.sigmoid(p)).cpu().numpy() for name, p in zip(Said._fields, parts, strict=True))
    )


def _messages(notes: Notes, heard: Heard, beats: Beats | None, config: TranscribeConfig) -> list[str]:
    """What the person should know."""
    if heard.loudest <= 10 ** (SILENCE_DB / 20):
        return ["silence: the MIDI file is empty"]
    if not len(notes):
        return ["no notes were heard: the MIDI file is empty; a lower --threshold hears more"]
    found = []
    if beats is None and config.grid.tempo_bpm is None:
        found.append(f"{len(notes)} notes are too few to tell a tempo from: the grid is 120 a minute")
    if heard.loudest < 0.01:
        found.append("the recording is very quiet: soft notes may be missing")
    return found

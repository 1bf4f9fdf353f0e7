"""A recording -> notes: file, spectrogram, network, decoder, each as a stream, so that an hour takes the memory of a minute.

The network reads windows that overlap: what it says within `CONTEXT_SECONDS` of a window's end is left to the
neighbour, which has heard more of what surrounds it. So the notes do not depend on where windows end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.audio import LONGEST, SILENCE, Meter, audio_info, check_span, read_blocks
from melodia.config import check_range
from melodia.errors import AudioError
from melodia.features import FeatureConfig, stream_spectrogram
from melodia.score import Score
from melodia.transcription.beats import Beats, GridConfig, find_beats, make_score
from melodia.transcription.decode import DecodeConfig, Decoder, Frames
from melodia.transcription.model import Said, Transcriber
from melodia.transcription.notes import ONSET, Notes, make_notes

CONTEXT_SECONDS = 4.0
PICTURE_SECONDS = 60.0  # of the spectrogram, kept for a picture
WINDOW_SECONDS = 30.0  # read at a time
QUIET = 0.01  # likewise, below which soft notes may be lost

Report = Callable[[float, float], None]  # seconds done, seconds in all


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribeConfig:
    """`start` and `end` in seconds of the recording; `threshold` and the like go before the model's own."""

    start: float = 0.0
    end: float | None = None
    threshold: float | None = None  # of onsets
    pedal: bool = False  # write the sustain pedal too
    grid: GridConfig = field(default_factory=GridConfig)
    window_seconds: float = WINDOW_SECONDS

    def __post_init__(self) -> None:
        check_span(self.start, self.end)
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
    features: FeatureConfig
    messages: list[str] = field(default_factory=list)


class Heard(NamedTuple):
    """What was heard in a recording, in seconds."""

    notes: Notes
    pedal: NDArray[np.float64]  # (n, 2) spans


def hear(
    model: Transcriber,
    spectrogram: Iterable[Tensor],
    decode: DecodeConfig,
    window_seconds: float = WINDOW_SECONDS,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Heard:
    """A spectrogram that comes in parts -> notes: what transcription, evaluation and the choice of thresholds stand on.

    Args:
        model: in evaluation mode.
        spectrogram: (frames, windows, bins) in decibels, one part after another.
        decode: thresholds.
        window_seconds: read at a time.
        progress: called with the seconds that are done.
    """
    frame_rate = model.config.features.frame_rate
    decoder, found, frames = Decoder(decode, frame_rate), [make_notes()], 0
    for said in probabilities(model, spectrogram, window_seconds):
        found.append(decoder.feed(said))
        frames += len(said.onset)
        progress(frames / frame_rate)
    found.append(decoder.finish())
    return Heard(make_notes(np.concatenate(found)), np.array(decoder.pedal).reshape(-1, 2))


def transcribe(
    path: str | Path, model: Transcriber, config: TranscribeConfig, progress: Report = lambda a, b: None
) -> Transcription:
    """Transcribes a sound file.

    Raises:
        AudioError: it is missing, no sound file, damaged, or the span is not in it.
    """
    features = model.config.features
    total = min(audio_info(path).seconds, config.end or LONGEST) - config.start
    sound = Sound(features)
    parts = sound.listen(read_blocks(path, features.sample_rate, config.start, config.end))
    decode = model.config.decode if config.threshold is None else replace(model.config.decode, onset=config.threshold)
    notes, pedal = hear(model, parts, decode, config.window_seconds, lambda seconds: progress(min(seconds, total), total))
    if not sound.meter.samples:
        raise AudioError(f"{path}: there is no sound in it")
    progress(total, total)
    notes = notes[notes[:, ONSET] < sound.seconds] if sound.meter.loudest > SILENCE else make_notes()
    pedal = pedal if config.pedal and len(notes) else pedal[:0]
    beats = find_beats(notes, config.grid.tempo_bpm)
    return Transcription(
        notes=notes,
        pedal=pedal,
        beats=beats,
        score=make_score(notes, pedal, beats, config.grid),
        start=config.start,
        seconds=sound.seconds,
        decibels=np.concatenate(sound.beginning)[: round(PICTURE_SECONDS * features.frame_rate)],
        features=features,
        messages=_messages(notes, sound, beats, config),
    )


@dataclass(slots=True)
class Sound:
    """What goes by on its way into the network."""

    features: FeatureConfig
    meter: Meter = field(default_factory=Meter)
    beginning: list[NDArray[np.float32]] = field(default_factory=list)  # of the spectrogram

    @property
    def seconds(self) -> float:
        """So far."""
        return self.meter.samples / self.features.sample_rate

    def listen(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[Tensor]:
        """Blocks of samples as parts of a spectrogram."""
        frames = 0
        for part in stream_spectrogram(self.meter.watch(blocks), self.features):
            if frames < PICTURE_SECONDS * self.features.frame_rate:
                self.beginning.append(part[:, -1].numpy())
            frames += len(part)
            yield part


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


def _messages(notes: Notes, sound: Sound, beats: Beats | None, config: TranscribeConfig) -> list[str]:
    """What the person should know."""
    if sound.meter.loudest <= SILENCE:
        return ["silence: the MIDI file is empty"]
    if not len(notes):
        return ["no notes were heard: the MIDI file is empty; a lower --threshold hears more"]
    found = []
    if beats is None and config.grid.tempo_bpm is None:
        found.append("too little was played to tell a tempo from: the grid is 120 a minute")
    if sound.meter.loudest < QUIET:
        found.append("the recording is very quiet: soft notes may be missing")
    return found

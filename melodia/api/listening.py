"""Recordings of music, written down, and music of any kind as a score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from melodia.checkpoint import DEFAULTS
from melodia.device import resolve_device
from melodia.score import Score
from melodia.transcription.beats import GridConfig
from melodia.transcription.checkpoint import load_transcriber
from melodia.transcription.model import Transcriber
from melodia.transcription.transcribe import TranscribeConfig, Transcription
from melodia.transcription.transcribe import transcribe as listen

if TYPE_CHECKING:
    import pretty_midi

    Music: TypeAlias = str | Path | Score | pretty_midi.PrettyMIDI


def transcribe(
    recording: str | Path,
    *,
    start: float = 0.0,
    end: float | None = None,
    threshold: float | None = None,
    tempo: float | None = None,
    quantize: str = "",
    pedal: bool = False,
    model: str | Path | Transcriber = DEFAULTS["transcription"],
    device: str = "cpu",
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> Transcription:
    """Writes down a recording of music.

    Args:
        recording: a sound file: WAV, FLAC, OGG, MP3, of any rate and length.
        start: seconds into the recording to begin at.
        end: second of the recording to stop at; None goes to its end.
        threshold: how sure an onset must be, 0 to 1; None takes what the model was found to do best with.
        tempo: quarter notes a minute of a click that begins with the recording; None finds the tempo.
        quantize: "1/16", "1/8t" ... moves notes to a grid; "" keeps the played timing.
        pedal: write the sustain pedal too.
        model: name or folder of a checkpoint, or one that `load_checkpoint` gave.
        device: "cpu", "cuda", "mps" or "auto".
        progress: called with seconds done and in all.

    Returns:
        the notes in seconds, their beats, and the score to write as MIDI.

    Raises:
        AudioError: the recording is missing, no sound file, damaged, or the span is not in it.
        ConfigError: a setting is out of range.
        CheckpointError: the model cannot be loaded.
    """
    config = TranscribeConfig(
        start=start, end=end, threshold=threshold, pedal=pedal, grid=GridConfig(tempo_bpm=tempo, quantize=quantize)
    )
    listener = model if isinstance(model, Transcriber) else load_transcriber(model).to(resolve_device(device))
    return listen(recording, listener, config, progress)

"""Music of any kind as a score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from melodia.errors import AudioError, ConfigError
from melodia.score import Score

if TYPE_CHECKING:
    import pretty_midi

    Music: TypeAlias = str | Path | Score | pretty_midi.PrettyMIDI


def read_primer(given: Music, device: str = "cpu") -> tuple[Score, list[str]]:
    """A score, a MIDI file, or what is heard in a recording and what the user should know of that.

    Raises:
        MidiError: the MIDI file cannot be read.
        AudioError: the recording cannot be read, or nothing is heard in it.
        CheckpointError: the model that listens is not there.
        ConfigError: there is no such device.
    """
    if isinstance(given, Score):
        return given, []
    if not isinstance(given, str | Path):
        return _converted(given), []
    if Path(given).suffix.lower() in (".mid", ".midi"):
        return Score.read(given), []
    from melodia.api.listening import transcribe  # half a second of imports that a MIDI file does without
    from melodia.audio import SUFFIXES

    if Path(given).suffix.lower() not in SUFFIXES:
        return Score.read(given), []
    found = transcribe(given, device=device)
    if not len(found.notes):
        raise AudioError(f"{given}: no notes were heard in it, so there is nothing to continue")
    bpm, meter = found.score.tempo_at(found.score.end_ticks // 2).tempo_bpm, found.score.meters[-1]
    heard = f"{len(found.notes)} notes heard, about {bpm:.0f} quarter notes a minute in {meter.numerator}/{meter.denominator}"
    return found.score, [*found.messages, f"{given}: {heard}"]


def _converted(given: Any) -> Score:
    import pretty_midi

    if not isinstance(given, pretty_midi.PrettyMIDI):
        raise ConfigError(f"music: {type(given).__name__} is none; give a file, a Score or a PrettyMIDI")
    return Score.from_pretty_midi(given)

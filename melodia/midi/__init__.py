"""Standard MIDI Files <-> scores, and PrettyMIDI objects <-> scores by way of a file's bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from melodia.midi.reader import parse_midi, read_midi
from melodia.midi.writer import midi_bytes, part_name, write_midi
from melodia.score import Score

if TYPE_CHECKING:
    import pretty_midi

__all__ = ["from_pretty_midi", "midi_bytes", "parse_midi", "part_name", "read_midi", "to_pretty_midi", "write_midi"]


def to_pretty_midi(score: Score) -> pretty_midi.PrettyMIDI:
    """The same music as a `pretty_midi.PrettyMIDI` object, by way of the bytes of a file."""
    import pretty_midi

    return pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(score)))


def from_pretty_midi(music: pretty_midi.PrettyMIDI) -> Score:
    """The same music as a score, by way of the bytes of a file.

    Raises:
        MidiError: there are no notes in it.
    """
    file = io.BytesIO()
    music.write(file)
    return parse_midi(file.getvalue(), name="PrettyMIDI object")

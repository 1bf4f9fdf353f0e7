"""A sentence -> speech."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from melodia.loudness import at_loudness
from melodia.synthesis.analysis import Floats
from melodia.synthesis.config import SpeakConfig
from melodia.synthesis.layout import DURATION, LEVEL, PITCH
from melodia.synthesis.model import Voice
from melodia.synthesis.painting import paint
from melodia.synthesis.signs import GAP, SIGNS, SILENCE
from melodia.synthesis.telling import counts_of, tell
from melodia.synthesis.vocoder import vocode

if TYPE_CHECKING:
    from melodia.synthesis.reading import Sentence, Unit

BEFORE_SECONDS, AFTER_SECONDS = 0.1, 0.25  # silence around a sentence
LONGEST_SECONDS = 2.0  # of a sign, unless markup says so
STRESSED = {  # emphasis: semitones higher, times as long, decibels louder
    -1: (-1.5, 0.85, -3.0),
    0: (0.0, 1.0, 0.0),
    1: (2.0, 1.2, 2.0),
    2: (4.0, 1.4, 4.0),
}


class Said(NamedTuple):
    """A sentence as sound: (samples,) at -23 LUFS; onset and offset of each of its units in seconds; (frames,) pitch in Hz,
    0 for none."""

    waveform: Floats
    sample_rate: int
    spans: list[tuple[float, float]]
    pitch: Floats
    frame_rate: float


def speak_sentence(voice: Voice, sentence: Sentence, config: SpeakConfig, generator: torch.Generator) -> Said:
    """Says a sentence.

    Args:
        voice: who says it.
        sentence: its units.
        config: how.
        generator: on the CPU; of the reading and of the noise in the voice.
    """
    heard = hear(voice, sentence.units)
    readings = tell(voice, heard, config.temperature, generator)
    rate = voice.config.features.frame_rate
    most = np.log2(LONGEST_SECONDS * rate)
    readings[:, DURATION] = np.minimum(readings[:, DURATION], most) - np.log2(config.rate)
    readings[:, PITCH] += config.semitones
    for row, unit in zip(readings[1:-1], sentence.units, strict=True):
        _direct(row, unit, rate)
    readings[[0, -1], DURATION] = np.log2([BEFORE_SECONDS * rate, AFTER_SECONDS * rate])
    counts = counts_of(readings[:, DURATION])
    sound = paint(voice, heard, readings, counts)
    waveform = vocode(sound, noise_of(generator), voice.config.features)
    ends = np.cumsum(counts) / rate
    spans = [(float(onset), float(offset)) for onset, offset in pairwise(ends[:-1])]
    sample_rate = voice.config.features.sample_rate
    return Said(at_loudness(waveform, sample_rate), sample_rate, spans, sound.pitch, rate)


def hear(voice: Voice, units: Sequence[Unit]) -> Tensor:
    """(1, signs, features): what the reader makes of units, with silence before and after."""
    signs = [SILENCE, *(unit.sign for unit in units), SILENCE]
    device = next(voice.parameters()).device
    numbers = torch.tensor([[SIGNS.index(sign) + 1 for sign in signs]], device=device)
    stresses = torch.tensor([[0, *(unit.stress for unit in units), 0]], device=device)
    with torch.no_grad():
        return voice.hear(numbers, stresses)


def _direct(row: Floats, unit: Unit, rate: float) -> None:
    """Makes a reading what a unit's markup wants."""
    higher, longer, louder = STRESSED[unit.emphasis]
    row[PITCH] += unit.semitones + higher
    row[LEVEL] += louder
    row[DURATION] += np.log2(longer / unit.rate) if unit.sign != GAP else -np.log2(unit.rate)
    if unit.pause is not None:
        row[DURATION] = np.log2(max(unit.pause * rate, 1))


def noise_of(generator: torch.Generator) -> np.random.Generator:
    """A generator for the vocoder, drawn from one of torch."""
    return np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))

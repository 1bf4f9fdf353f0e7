"""Pieces changed by chance, so that training hears each otherwise every time.

Transposed, a little faster or slower, louder or softer, at times on other instruments or from a later
bar on: what a composer should be indifferent to, or hear more of than there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melodia.composition.codec import KIND, KIND_BAR, KIND_PART, PART, PITCH, PROGRAM, SIZES, TEMPO, VELOCITY, Events
from melodia.config import check_range
from melodia.instruments import DRUMS


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """How far a piece may be changed: semitones, bins of tempo and velocity; rates from 0 to 1."""

    semitones: int = 6
    tempo_bins: int = 2
    velocity_bins: int = 2
    other_instrument: float = 0.25  # of a part's changing to another of its family or kind
    later_start: float = 0.25  # of a piece being heard from a bar in its first half
    no_recall: float = 0.15  # of a source of recall being withheld for a piece

    def __post_init__(self) -> None:
        check_range("semitones", self.semitones, 0, 12)
        check_range("tempo_bins", self.tempo_bins, 0, 12)
        check_range("velocity_bins", self.velocity_bins, 0, 8)
        check_range("other_instrument", self.other_instrument, 0, 1)
        check_range("later_start", self.later_start, 0, 1)
        check_range("no_recall", self.no_recall, 0, 1)


def augment(events: Events, config: AugmentConfig, random: np.random.Generator) -> Events:
    """A changed copy of a piece."""
    events = _from_a_bar(events, random) if random.random() < config.later_start else events.copy()
    pitches = events[:, PITCH]
    melodic = (pitches >= 0) & (pitches < 128)
    shift = int(random.integers(-config.semitones, config.semitones + 1))
    if melodic.any() and pitches[melodic].min() + shift >= 0 and pitches[melodic].max() + shift < 128:
        events[melodic, PITCH] += np.int16(shift)
    for column, reach in ((TEMPO, config.tempo_bins), (VELOCITY, config.velocity_bins)):
        given = events[:, column] >= 0
        shift = int(random.integers(-reach, reach + 1))
        events[given, column] = np.clip(events[given, column] + shift, 0, SIZES[column] - 1)
    for part in events[events[:, KIND] == KIND_PART]:
        if part[PROGRAM] != DRUMS and random.random() < config.other_instrument:
            events[events[:, PART] == part[PART], PROGRAM] = other_program(int(part[PROGRAM]), random)
    return events


def _from_a_bar(events: Events, random: np.random.Generator) -> Events:
    """The parts, then the music from a bar in the first half on."""
    bars = np.flatnonzero(events[:, KIND] == KIND_BAR)
    first = bars[int(random.integers(len(bars) // 2 + 1))] if len(bars) > 1 else bars[0]
    return np.concatenate([events[: bars[0]], events[first:]])


def excerpt(events: Events, longest: int, random: np.random.Generator) -> Events:
    """At most so many events: of a longer piece its parts, then music from some bar line on."""
    if len(events) <= longest:
        return events
    bars = np.flatnonzero(events[:, KIND] == KIND_BAR)
    header = events[: bars[0]]
    room = longest - len(header)
    starts = bars[bars + room <= len(events)]
    first = int(random.choice(starts)) if len(starts) else int(bars[0])
    return np.concatenate([header, events[first : first + room]])


def other_program(program: int, random: np.random.Generator) -> int:
    """Another instrument: of the same family, or any but basses, percussion and effects (from a bass, a bass)."""
    family = program // 8
    if family == 4 or random.random() < 0.4:
        return family * 8 + int(random.integers(8))
    families = (0, 0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11)
    return int(random.choice(families)) * 8 + int(random.integers(8))

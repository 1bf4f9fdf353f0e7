"""What a user may ask of new music: pitches, how many notes, who plays when, how loud, how alike.

All of it holds exactly: the sampler masks what would break it (see `rules` and `course`). Bars are
counted from 1: in a continuation from the first new one, in a variation from the song's first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from melodia.composition.codec import MAX_PARTS, VELOCITY_BIN
from melodia.config import check_range
from melodia.errors import ConfigError

MOST_NOTES = 399  # in a bar


class Register(NamedTuple):
    """The pitches of an instrument, both ends in; `program` None means all instruments but drums and those named."""

    program: int | None
    lowest_pitch: int
    highest_pitch: int


class Limit(NamedTuple):
    """How many notes may sound at once; `program` None means all together."""

    program: int | None
    most: int


class Entry(NamedTuple):
    """An instrument plays from a bar to a bar, both in; `last` None means to the end."""

    program: int
    first: int
    last: int | None


class Loudness(NamedTuple):
    """Softest and loudest velocity at the beginning of a bar."""

    bar: int
    softest: float
    loudest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """None and () leave a choice to the model."""

    pitch_classes: frozenset[int] | None = None  # of a key, for all but drums
    registers: tuple[Register, ...] = ()
    density: tuple[int, int] | None = None  # fewest and most notes a bar
    polyphony: tuple[Limit, ...] = ()
    entries: tuple[Entry, ...] = ()  # of those that do not play in all bars
    velocity: tuple[Loudness, ...] = ()  # points of a curve, by rising bars
    repetition: int | None = None  # how often the same bar may stand

    def __post_init__(self) -> None:
        for _, lowest, highest in self.registers:
            check_range("register", lowest, 0, 127)
            check_range("register", highest, 0, 127)
            _check_upwards("register", lowest, highest)
        if self.density:
            fewest, most = self.density
            check_range("density", fewest, 0, MOST_NOTES)
            check_range("density", most, 1, MOST_NOTES)
            _check_upwards("density", fewest, most)
        for limit in self.polyphony:
            check_range("polyphony", limit.most, 1, 128 * MAX_PARTS)
        for entry in self.entries:
            check_range("instruments: a bar after @", entry.first, 1)
            _check_upwards("instruments", entry.first, entry.first if entry.last is None else entry.last)
        for before, point in zip((None, *self.velocity), self.velocity, strict=False):
            _check_loudness(point)
            if before and before.bar >= point.bar:
                raise ConfigError(f"velocity: bar {point.bar} comes after bar {before.bar}; write the bars in their order")
        if self.repetition is not None:
            check_range("repetition", self.repetition, 1)


def _check_upwards(name: str, low: float, high: float) -> None:
    if low > high:
        raise ConfigError(f"{name}: {low:g}-{high:g} runs downwards; write {high:g}-{low:g}")


def _check_loudness(point: Loudness) -> None:
    check_range("velocity: bar", point.bar, 1)
    check_range("velocity", point.softest, 1, 127)
    check_range("velocity", point.loudest, 1, 127)
    _check_upwards("velocity", point.softest, point.loudest)
    if point.loudest - point.softest < VELOCITY_BIN:
        span = f"{point.softest:g}-{point.loudest:g}"
        raise ConfigError(f"velocity: {span} is too narrow; velocities go by {VELOCITY_BIN}, so give at least that much room")

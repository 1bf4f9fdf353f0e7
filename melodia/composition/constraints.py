"""What a take must be, in the codec's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from melodia.composition.codec import Events
from melodia.composition.steering import Steering

NO_STEERING = Steering()


class Held(NamedTuple):
    """A note of a part (-1: of none that the model sees) that stands already: steps from the first bar line of the take."""

    part: int
    pitch: int
    onset: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """None leaves a choice to the model."""

    bars: int
    programs: tuple[int, ...]  # of the parts
    playing: tuple[int, ...]  # parts that may play
    meter: int | None = None  # index
    tempo: int | None = None  # index
    steering: Steering = NO_STEERING
    first_bar: int = 1  # what the take's first bar is called
    given: tuple[Events, ...] = ()  # of each bar its line and the notes that it has already
    free_bars: int | None = None  # after so many bars there are given notes alone
    sounding: tuple[Held, ...] = ()  # notes that count as voices
    closed: tuple[Held, ...] = ()  # notes that nothing of their part may run into
    channels: tuple[int, ...] = ()  # of the parts; two on one never strike a pitch at once

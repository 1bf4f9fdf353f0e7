"""Pointers from each event to the past events that hint at what follows it.

A stacked LSTM remembers a few bars in detail; music repeats over longer spans. So beside the event
itself the network is shown, for each event, `NUM_SOURCES` events of the same piece:

    0, 1  the event that came next one bar and two bars ago, at this place of the bar;
    2     the event that came next when the last `CONTEXT` events were heard before.

The first two are the lookback inputs of Waite's *Lookback RNN* (Magenta, 2016) made polyphonic; the
third is the copying of an n-gram cache. What the network does with them is its own affair.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from melodia.composition.codec import KIND, KIND_BAR, KIND_PART, MAX_PARTS, MAX_POSITION, PART, PITCH, POSITION, Events

LAGS = (1, 2)  # bars
CONTEXT = 4  # events
NUM_SOURCES = len(LAGS) + 1

PLACES_A_BAR = (MAX_POSITION + 1) * (MAX_PARTS + 1) * 257
MULTIPLIER = 0x9E3779B97F4A7C15
MASK = 0xFFFFFFFFFFFFFFFF


def recall(events: Events) -> NDArray[np.int64]:
    """For each event the indices of its recalled events, -1 where there is none.

    Args:
        events: (events, NUM_COLUMNS), a piece from its beginning.

    Returns:
        (events, NUM_SOURCES); an index never exceeds that of the event itself.
    """
    places = _places(events)
    bars = np.cumsum(events[:, KIND] == KIND_BAR) - 1
    times = bars * PLACES_A_BAR + places
    pointers = np.full((len(events), NUM_SOURCES), -1, dtype=np.int64)
    for source, lag in enumerate(LAGS):
        found = np.searchsorted(times, times - lag * PLACES_A_BAR, side="right")
        pointers[:, source] = np.where((bars >= lag) & (found <= np.arange(len(events))), found, -1)
    if len(events) >= CONTEXT:
        hashes = np.zeros(len(events) - CONTEXT + 1, dtype=np.uint64)
        with np.errstate(over="ignore"):
            for i in range(CONTEXT):
                part = places[i : len(places) - CONTEXT + 1 + i].astype(np.uint64)
                hashes = hashes * np.uint64(MULTIPLIER) + part + np.uint64(1)
        order = np.argsort(hashes, kind="stable")
        same = hashes[order][1:] == hashes[order][:-1]
        pointers[order[1:][same] + CONTEXT - 1, -1] = order[:-1][same] + CONTEXT
    return pointers


def _places(events: Events) -> NDArray[np.int64]:
    """Where in its bar an event stands, as one number that grows in the codec's order."""
    wide = events.astype(np.int64)
    places = ((wide[:, POSITION] + 1) * (MAX_PARTS + 1) + wide[:, PART] + 1) * 257 + wide[:, PITCH] + 1
    return np.where(events[:, KIND] == KIND_PART, 0, places)


class Recaller:
    """`recall`, one event at a time, for sampling."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.places: list[int] = []
        self.bar = -1
        self.last_seen: dict[int, int] = {}

    def add(self, row: list[int]) -> list[int]:
        """Takes the next event and gives the indices of what it recalls, as a row of `recall`."""
        if row[KIND] == KIND_BAR:
            self.bar += 1
        place = ((row[POSITION] + 1) * (MAX_PARTS + 1) + row[PART] + 1) * 257 + row[PITCH] + 1
        self.places.append(0 if row[KIND] == KIND_PART else place)
        time = self.bar * PLACES_A_BAR + self.places[-1]
        self.times.append(time)
        now = len(self.times) - 1
        pointers = []
        for lag in LAGS:
            found = bisect_right(self.times, time - lag * PLACES_A_BAR)
            pointers.append(found if self.bar >= lag and found <= now else -1)
        pointers.append(self._matching(now))
        return pointers

    def _matching(self, now: int) -> int:
        if now + 1 < CONTEXT:
            return -1
        code = 0
        for place in self.places[now + 1 - CONTEXT :]:
            code = (code * MULTIPLIER + place + 1) & MASK
        before = self.last_seen.get(code, -2)
        self.last_seen[code] = now
        return before + 1

    def copy(self) -> Recaller:
        """A second recaller that has heard the same."""
        other = Recaller()
        other.times, other.places, other.bar = self.times.copy(), self.places.copy(), self.bar
        other.last_seen = self.last_seen.copy()
        return other


def look_up(events: Events, pointers: NDArray[np.int64]) -> NDArray[np.int16]:
    """The events that pointers (..., NUM_SOURCES) point at, all -1 where they point nowhere."""
    return np.where(pointers[..., None] >= 0, events[pointers], np.int16(-1))

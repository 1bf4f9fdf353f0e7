"""What came next when the last strokes were heard before: music repeats itself, over longer spans than a recurrent state holds.

Two followers look for the last strokes among all strokes so far, one at their pitches, one in any transposition. Where one has
found them it goes along, a stroke at a time, past wrong notes, and past chords whose notes were struck in another order; it
says which strokes should come next, how loud the first of them was, and how long after the stroke before. Nothing but the
events so far is read, so likelihoods stay exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.performance.codec import OFF, PITCHES, SHIFT, VELOCITIES, VELOCITY, Events
from melodia.performance.reading import NO_PITCH, STEPS

FOLLOWERS = 2
EXPECTED = 4  # strokes that a follower says come next
FIELDS = 3 + EXPECTED  # of a follower: how sure it is, velocity, steps since the stroke before, pitches
MOST_HITS, MOST_MISSES = 15, 5  # that are told apart
SURENESS = 1 + (MOST_HITS + 1) * (MOST_MISSES + 1)  # 0: it follows nothing
ALIKE = 4  # strokes that have to be as before
AHEAD, BEHIND = 3, 1  # strokes around the expected one among which the next one is looked for
LOST_MISSES = 8  # after which nothing is followed any more

Recalled = NDArray[np.int64]  # (events, FOLLOWERS, FIELDS); of what is not, `VELOCITIES`, `STEPS` and `NO_PITCH`


class Heard(NamedTuple):
    """A performance, or a window of one: events, and what was recalled before each."""

    events: Events
    recalled: Recalled

    def window(self, first: int, length: int) -> Heard:
        """Those from one on."""
        return Heard(self.events[first : first + length], self.recalled[first : first + length])


def heard(events: Events, recall: Recall | None = None) -> Heard:
    """A whole performance; `recall`, that of silence, then knows it."""
    recall, numbers = recall or Recall(), events.astype(np.int64)
    ons, shifts, told = numbers < OFF, (numbers >= SHIFT) & (numbers < VELOCITY), numbers >= VELOCITY
    steps = np.where(shifts, numbers - (SHIFT - 1), 0).cumsum()
    latest = np.maximum.accumulate(np.where(told, np.arange(len(events)), -1)) if len(events) else steps
    velocities = np.where(latest < 0, VELOCITIES, numbers[latest] - VELOCITY)
    rows = [recall.rows]
    for stroke in zip(numbers[ons].tolist(), velocities[ons].tolist(), steps[ons].tolist(), strict=True):
        recall.strike(*stroke)
        rows.append(recall.rows)
    return Heard(events, np.array(rows, np.int64)[ons.cumsum() - ons])


class Recall:
    """The strokes so far. `rows`: what is recalled of them now, (FOLLOWERS, FIELDS)."""

    def __init__(self) -> None:
        self.pitches: list[int] = []
        self.velocities: list[int] = []
        self.steps: list[int] = []
        self.followers = [Follower(transposed=False), Follower(transposed=True)]
        self.rows = self._rows()

    def copy(self) -> Recall:
        """One that goes its own way."""
        other = Recall()
        other.pitches, other.velocities, other.steps = self.pitches.copy(), self.velocities.copy(), self.steps.copy()
        other.followers = [follower.copy() for follower in self.followers]
        other.rows = self.rows
        return other

    def strike(self, pitch: int, velocity: int, step: int) -> None:
        """A key is struck, as loud as the event of velocity that is in force, counted from 0."""
        self.pitches.append(pitch)
        self.velocities.append(velocity)
        self.steps.append(step)
        for follower in self.followers:
            follower.strike(self.pitches)
        self.rows = self._rows()

    def _rows(self) -> list[list[int]]:
        return [self._row(follower) for follower in self.followers]

    def _row(self, follower: Follower) -> list[int]:
        place = follower.place
        if not 0 < place < len(self.pitches):
            return [0, VELOCITIES, STEPS] + [NO_PITCH] * EXPECTED
        wait = max(self.steps[place] - self.steps[follower.before], 0)
        pitches = follower.expected(self.pitches)
        return [follower.sureness(), self.velocities[place], wait, *pitches, *[NO_PITCH] * (EXPECTED - len(pitches))]


class Follower:
    """Goes along strokes heard before. `place` is the one that should come next, -1 if it follows nothing."""

    def __init__(self, transposed: bool) -> None:
        self.transposed = transposed
        self.seen: dict[tuple[int, ...], tuple[int, int]] = {}  # strokes -> the place after them, and what they are counted from
        self.place = self.before = -1  # `before`: where the last stroke was found, or should have been
        self.up = 0  # semitones from what was heard to what is played
        self.hits = self.misses = 0
        self.found: set[int] = set()  # places

    def copy(self) -> Follower:
        """One that goes its own way."""
        other = Follower(self.transposed)
        other.__dict__.update(self.__dict__)
        other.seen, other.found = self.seen.copy(), self.found.copy()
        return other

    def sureness(self) -> int:
        """A code for how much of what was expected came, and how much did not."""
        return 1 + min(self.hits, MOST_HITS) * (MOST_MISSES + 1) + min(self.misses, MOST_MISSES)

    def expected(self, pitches: list[int]) -> list[int]:
        """What should come next, the likeliest first: up to `EXPECTED` pitches."""
        coming: list[int] = []
        for place in range(self.place, min(self.place + 2 * EXPECTED - 1, len(pitches))):
            pitch = pitches[place] + self.up
            if place not in self.found and pitch not in coming and 0 <= pitch < PITCHES:
                coming.append(pitch)
        return coming[:EXPECTED]

    def strike(self, pitches: list[int]) -> None:
        """The last of the pitches has come."""
        if self.place >= 0:
            self._go_on(pitches)
        self._look(pitches)

    def _go_on(self, pitches: list[int]) -> None:
        pitch, last = pitches[-1] - self.up, len(pitches) - 1
        near = [*range(self.place, min(self.place + AHEAD + 1, last)), *range(self.place - 1, max(self.place - BEHIND - 1, -1), -1)]
        at = next((place for place in near if pitches[place] == pitch and place not in self.found), None)
        if at is None:
            self.misses, self.hits, self.before = self.misses + 1, self.hits // 2, max(self.place - 1, 0)
        else:
            self.hits, self.before = self.hits + 1, at
            self.misses = max(self.misses - 1, 0) if self.hits % 2 == 0 else self.misses
            self.found.add(at)
            while self.place in self.found:
                self.place += 1
            if at - self.place >= AHEAD:
                self.place += 1  # what is so late does not come any more
        if self.misses > LOST_MISSES or (self.hits == 0 and self.misses > 2):
            self.place = -1

    def _look(self, pitches: list[int]) -> None:
        """Notes where the last strokes are, and goes where they were before, unless it has a surer place."""
        if len(pitches) < ALIKE:
            return
        last = pitches[-ALIKE:]
        base = last[0] if self.transposed else 0
        key = tuple(pitch - base for pitch in last) if self.transposed else tuple(sorted(last))
        if key in self.seen and (self.place < 0 or self.hits <= ALIKE):
            place, before = self.seen[key]
            if place != self.place:
                self.place, self.before, self.up = place, place - 1, base - before
                self.misses, self.hits, self.found = 0, self._alike(pitches), set()
        self.seen[key] = len(pitches), base

    def _alike(self, pitches: list[int]) -> int:
        """How many of the last strokes, back from the place, are as they were there; `ALIKE` at least."""
        count = ALIKE
        while count < MOST_HITS and count < self.place and pitches[self.place - 1 - count] + self.up == pitches[-1 - count]:
            count += 1
        return count

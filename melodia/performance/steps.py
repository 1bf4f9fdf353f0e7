"""A pianist one event at a time on the CPU: what `melodia.performance.model`, `head` and `reading` compute, for few streams.

What is known of a stream is kept up from event to event, and tables are looked up where the model gathers; the stack is
`melodia.stepping`'s. The logits are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melodia.lstm import State
from melodia.performance.codec import EVENTS, LONGEST_SHIFT, OFF, PITCHES, SHIFT, VELOCITIES, VELOCITY
from melodia.performance.head import AFTER, AGES, FINE, FLAT_SIZES, NEAR, WIDE, in_tables
from melodia.performance.model import FADES, LOWEST_KEY, MOST_TO_END, NUM_KEYS, RECALLED, Pianist
from melodia.performance.reading import BEATS, BEFORE, BEGIN, CHORD, NO_PITCH, STEPS
from melodia.performance.recall import SURENESS, Recall
from melodia.stepping import Arrays, Floats, Product, Steps, arrays_of, floats_of, normed

ALL_PITCHES = np.arange(PITCHES)
LOUDNESS = np.arange(VELOCITIES)
SHIFTS = np.arange(1, LONGEST_SHIFT + 1)
EDGES = np.cumsum(FLAT_SIZES)[:-1]
SHOWN = slice(LOWEST_KEY, LOWEST_KEY + NUM_KEYS)


class Stream:
    """What is known of one performance, as `melodia.performance.reading.Keys` has it of a batch."""

    def __init__(self, keys: State, recall: Recall) -> None:
        """Of the first of a batch, and what it can recall."""
        self.recall, self.shares_recall = recall, False
        numbers = [part[0].cpu().numpy() for part in keys]
        self.step, self.so_far, self.last, self.velocity, self.released, self.onset = (int(number) for number in numbers[:6])
        self.strokes, self.loudness, self.beats = (number.tolist() for number in numbers[6:9])
        self.on, self.off = (number.copy() for number in numbers[9:])

    def copy(self) -> Stream:
        """One that goes its own way."""
        other = Stream.__new__(Stream)
        other.__dict__.update(self.__dict__)
        other.on, other.off = self.on.copy(), self.off.copy()
        self.shares_recall = other.shares_recall = True  # until one of them strikes a key
        return other

    def add(self, event: int) -> None:
        """An event has come."""
        self.so_far, self.last, self.released = self.so_far + 1, event, 0
        if event >= VELOCITY:
            self.velocity = event - VELOCITY
        elif event >= SHIFT:
            self.step += event - SHIFT + 1
        elif event >= OFF:
            self.released = int(self.on[event - OFF])
            self.off[event - OFF] = self.so_far * STEPS + self.step
        else:
            self.on[event] = self.so_far * STEPS + self.step
            if self.step - self.onset > CHORD or self.strokes[-1] == NO_PITCH:
                self.beats = [*self.beats[1:], self.step]
            self.strokes, self.loudness = [*self.strokes[1:], event], [*self.loudness[1:], self.velocity]
            self.onset = self.step
            if self.shares_recall:
                self.recall, self.shares_recall = self.recall.copy(), False
            self.recall.strike(event, self.velocity, self.step)


class Now:
    """What is known of a stream before its next event: see `melodia.performance.reading.Known`.

    Arrays are (PITCHES,), but for `allowed`, (EVENTS,).
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.sounding = stream.on > stream.off
        self.age = np.where(stream.on > 0, stream.step - stream.on % STEPS, STEPS)
        self.ages = np.searchsorted(AGES, self.age, side="right")
        self.since_beats = stream.step - np.array(stream.beats)
        self.between = self.since_beats[:-1] - self.since_beats[1:]
        self.allowed = self._allowed()
        self.can_end = self.allowed[OFF:SHIFT]
        self.recalled = stream.recall.rows

    def _allowed(self) -> NDArray[np.bool_]:
        stream, allowed = self.stream, np.zeros(EVENTS, np.bool_)
        allowed[:OFF] = ~self.sounding & (stream.velocity < VELOCITIES)
        if VELOCITY <= stream.last < BEGIN:
            return allowed
        if not stream.last < OFF:
            allowed[OFF:SHIFT] = self.sounding & (stream.on > stream.released)
        allowed[SHIFT:VELOCITY] = not SHIFT <= stream.last < SHIFT + LONGEST_SHIFT - 1
        allowed[VELOCITY:] = not self.sounding.all()
        if stream.velocity < VELOCITIES:
            allowed[VELOCITY + stream.velocity] = False
        return allowed

    def turns(self) -> NDArray[np.int64]:
        """(PITCHES,): see `melodia.performance.head.turns`."""
        found = np.full(PITCHES, 2)
        began = np.where(self.can_end, self.stream.on, np.iinfo(np.int64).max)
        first, second = np.partition(began, 1)[:2]
        found[began == second] = 1
        found[began == first] = 0
        return found

    def later(self) -> NDArray[np.int64]:
        """(PITCHES,): see `melodia.performance.head.later`."""
        if not self.stream.released:
            return np.full(PITCHES, len(AFTER) + 1)
        return np.searchsorted(AFTER, self.stream.on % STEPS - self.stream.released % STEPS, side="right")


class PianistSteps:
    """See the module. `state` is that of `melodia.stepping.Steps`."""

    def __init__(self, pianist: Pianist, precision: str = "float32") -> None:
        self.lstm = Steps(pianist.lstm, precision)
        self.event, self.velocity, self.silence, self.to_end, self.beats, self.loudness = (
            floats_of(table.weight)
            for table in (
                pianist.event, pianist.velocity, pianist.silence, pianist.to_end, pianist.beats, pianist.loudness
            )
        )  # fmt: skip
        self.recalled = [floats_of(table) for table in pianist.recalled.parameters()]
        self.sure = floats_of(pianist.head.sure.weight)
        self.keys = Product(floats_of(pianist.keys.weight), floats_of(pianist.keys.bias), precision)
        self.norm = normed(pianist.norm)
        self.scores = Product(floats_of(pianist.head.scores.weight), floats_of(pianist.head.scores.bias), precision)

    def __call__(self, streams: Sequence[Stream], state: Arrays) -> Floats:
        """(streams, EVENTS): logits of the next events, -inf for what cannot come; the state is changed."""
        known = [Now(stream) for stream in streams]
        heard = self.keys(np.stack([self._keys(one) for one in known])) + np.stack([self._tables(one) for one in known])
        scores = self.scores(self.norm(self.lstm(heard, state)))
        return np.stack([self._logits(row, one) for row, one in zip(scores, known, strict=True)])

    def _keys(self, known: Now) -> Floats:
        """What the map of keys reads."""
        sounding = known.sounding[SHOWN].astype(np.float32)
        age = known.age[SHOWN].astype(np.float32)
        short, long = (np.exp(age / np.float32(-fade)) for fade in FADES)
        return np.concatenate((sounding, sounding * short, long, known.can_end[SHOWN].astype(np.float32)))

    def _tables(self, known: Now) -> Floats:
        """What the tables give, added up."""
        stream = known.stream
        rhythm = np.searchsorted(FINE, (known.since_beats[-1], *known.between), side="right")
        found: Floats = (
            self.event[stream.last]
            + self.velocity[stream.velocity]
            + self.silence[np.searchsorted(AGES, stream.step - stream.onset, side="right")]
            + self.to_end[min(int(known.can_end.sum()), MOST_TO_END)]
            + self.beats[rhythm + np.arange(BEATS) * (len(FINE) + 1)].sum(axis=0)
            + self.loudness[np.array(stream.loudness) + np.arange(BEFORE) * (VELOCITIES + 1)].sum(axis=0)
        )
        for row, (sureness, velocity, wait, key, *_) in enumerate(known.recalled):
            codes = (sureness, velocity, int(np.searchsorted(FINE, wait, side="right")), key)
            for table, code, count in zip(self.recalled, codes, RECALLED, strict=True):
                found += table[code + row * count]
        return found

    def _logits(self, scores: Floats, known: Now) -> Floats:
        """See `melodia.performance.head.Head`."""
        stream = known.stream
        by_name = in_tables(np.split(scores, EDGES))
        logits: Floats = by_name.events.copy()
        logits[:OFF] += by_name.struck[known.ages]
        for table, pitch in zip(by_name.intervals, stream.strokes, strict=True):
            logits[:OFF] += table[-1] if pitch == NO_PITCH else table[np.clip(ALL_PITCHES - pitch, -WIDE, WIDE) + WIDE]
        logits[OFF:SHIFT] += by_name.held[known.ages] + by_name.turn[known.turns()] + by_name.after[known.later()]
        after_shift = known.since_beats[-1] + SHIFTS
        began = known.age[known.sounding]
        oldest = int(began.max()) if len(began) else STEPS
        shift = by_name.landing[np.searchsorted(FINE, after_shift, side="right")]
        shift = shift + by_name.ending[np.searchsorted(FINE, oldest + SHIFTS, side="right")]
        for table, steps in zip(by_name.apart, known.between, strict=True):
            shift = shift + table[np.clip(after_shift - steps, -NEAR, NEAR) + NEAR]
        logits[SHIFT:VELOCITY] += shift
        before = (stream.velocity, *stream.loudness, *(row[1] for row in known.recalled))
        for table, velocity in zip((*by_name.louder, *by_name.louder_then), before, strict=True):
            logits[VELOCITY:] += table[-1] if velocity == VELOCITIES else table[LOUDNESS - velocity + VELOCITIES - 1]
        for row, (sureness, _, wait, *pitches) in enumerate(known.recalled):
            for pitch, score in zip(pitches, by_name.expected[row] + self.sure[sureness + row * SURENESS], strict=True):
                if pitch != NO_PITCH:
                    logits[pitch] += score
            table, later = by_name.later_then[row], stream.step - stream.onset + SHIFTS - wait
            logits[SHIFT:VELOCITY] += table[-1] if wait == STEPS else table[np.clip(later, -NEAR, NEAR) + NEAR]
        logits[~known.allowed] = -np.inf
        return logits


def streams_of(state: State, recall: Recall, count: int) -> tuple[list[Stream], Arrays]:
    """A pianist's state of one performance, and what it can recall, as those of `count` streams that go on from it."""
    stream = Stream(state[2:], recall)
    return [stream.copy() for _ in range(count)], tuple(np.repeat(part, count, axis=1) for part in arrays_of(state[:2]))

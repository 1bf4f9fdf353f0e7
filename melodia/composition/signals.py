"""What can be named about each event of a piece, to look for units that follow it.

Each signal is (events,) or (events, 2), NaN where it makes no sense: the pitch of a bar line, the rests
of drums. What turns round (the bar, the beat, the circle of fifths) is a pair of cosine and sine, so a
unit follows it from wherever it starts. Times are in grid steps, 24 to the quarter note.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melodia.composition.codec import (
    BAR_STEPS,
    BEATS,
    KIND,
    KIND_BAR,
    KIND_CHORD,
    METER,
    METERS,
    PART,
    PITCH,
    POSITION,
    STEPS,
    STEPS_PER_QUARTER,
    VELOCITY,
    VELOCITY_BIN,
    Events,
)

Floats = NDArray[np.float64]
HYPERMETER = 4  # bars

EXPLAINED = {
    "on a beat": "the note falls on a beat",
    "downbeat": "the note is the first of its bar",
    "place in the bar": "0 at the bar line, growing to 1",
    "circle of the bar": "a wave, one turn a bar, from any starting point",
    "circle of the beat": "a wave, one turn a beat",
    "circle of 4 bars": "a wave, one turn in four bars",
    "bar line next": "the next event is a bar line",
    "chord": "it sounds together with the event before",
    "rest follows": "its part is silent for a quarter or more after it: the end of a phrase",
    "after a rest": "its part was silent for a quarter or more before it",
    "silence before": "how long nothing had sounded, up to a whole note",
    "pitch": "how high, drums left out",
    "circle of fifths": "the pitch class, neighbours a fifth apart",
    "velocity": "how hard it is struck",
    "length": "its duration, on a scale of doublings",
    "notes sounding": "how many notes sound, drums left out",
    "density": "how many notes began within the last whole note",
    "time passed": "how far the piece has come",
    "surprise": "how unlikely the network thought it",
}


def event_times(events: Events) -> NDArray[np.int64]:
    """(events,): onset of each in steps; parts stand at 0, the end after the last bar."""
    is_bar = events[:, KIND] == KIND_BAR
    lengths = np.where(is_bar, BAR_STEPS[np.maximum(events[:, METER], 0)], 0)
    starts = np.cumsum(lengths) - np.where(events[:, METER] >= 0, BAR_STEPS[np.maximum(events[:, METER], 0)], 0)
    times: NDArray[np.int64] = np.where(events[:, METER] >= 0, starts, np.cumsum(lengths)) + np.maximum(events[:, POSITION], 0)
    return times


def beat_steps(events: Events) -> NDArray[np.int64]:
    """(events,): steps of a beat: of the meter's denominator, of three eighths in 6/8, 9/8, 12/8."""
    beats = [96 // d * (3 if d == 8 and n > 3 and n % 3 == 0 else 1) for n, d in METERS]
    return np.array(beats)[np.maximum(events[:, METER], 0)]


def name_signals(events: Events, part_names: Sequence[str]) -> dict[str, Floats]:
    """All signals but surprise, which the network decides.

    Args:
        events: (events, NUM_COLUMNS), a piece from its beginning.
        part_names: of each part, in the codec's order.
    """
    notes = events[:, POSITION] >= 0
    signals = _meter_signals(events, notes) | _rest_signals(events, notes) | _note_signals(events, notes)
    times = event_times(events) / STEPS_PER_QUARTER
    signals["time passed"] = times
    for part, name in enumerate(part_names):
        signals[f"{name} plays"] = _at(notes, events[:, PART] == part)
    return signals


def _at(rows: NDArray[np.bool_], values: NDArray[np.generic]) -> Floats:
    """The values at these rows, NaN elsewhere."""
    wide = rows.reshape(-1, *[1] * (values.ndim - 1))
    return np.where(wide, values, np.nan).astype(np.float64)


def _circle(turns: NDArray[np.generic]) -> Floats:
    """(events,) turns -> (events, 2)."""
    angles = 2 * np.pi * turns.astype(np.float64)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _meter_signals(events: Events, notes: NDArray[np.bool_]) -> dict[str, Floats]:
    position = np.maximum(events[:, POSITION], 0).astype(np.int64)
    in_bar = position / BAR_STEPS[np.maximum(events[:, METER], 0)]
    beat, bar = beat_steps(events), np.cumsum(events[:, KIND] == KIND_BAR) - 1
    following = np.append(events[1:, KIND] == KIND_BAR, True)
    return {
        "on a beat": _at(notes, position % beat == 0),
        "downbeat": _at(notes, position == 0),
        "place in the bar": in_bar,
        "circle of the bar": _circle(in_bar),
        "circle of the beat": _circle(position / beat),
        "circle of 4 bars": _circle((bar + in_bar) / HYPERMETER),
        "bar line next": following.astype(np.float64),
        "chord": _at(notes, events[:, KIND] == KIND_CHORD),
    }


def _rest_signals(events: Events, notes: NDArray[np.bool_]) -> dict[str, Floats]:
    times = event_times(events)
    ends = times + durations(events)
    follows, after = np.full(len(events), np.nan), np.full(len(events), np.nan)
    for part in np.unique(events[notes, PART]):
        rows = np.flatnonzero(notes & (events[:, PART] == part))
        if events[rows[0], PITCH] >= 128:
            continue
        onsets, first, group = np.unique(times[rows], return_index=True, return_inverse=True)
        released = np.maximum.accumulate(np.maximum.reduceat(ends[rows], first))  # of all notes up to each onset
        gaps = onsets[1:] - released[:-1] >= STEPS_PER_QUARTER
        follows[rows], after[rows] = np.append(gaps, True)[group], np.append(True, gaps)[group]
    silent_since = np.maximum.accumulate(np.where(notes, ends, 0))
    before = np.append(0, silent_since[:-1])
    silence = np.clip(times - before, 0, 4 * STEPS_PER_QUARTER) / STEPS_PER_QUARTER
    return {"rest follows": follows, "after a rest": after, "silence before": silence}


def _note_signals(events: Events, notes: NDArray[np.bool_]) -> dict[str, Floats]:
    melodic = notes & (events[:, PITCH] < 128)
    times, length = event_times(events), durations(events)
    sounding = np.cumsum(melodic) - np.searchsorted(np.sort((times + length)[melodic]), times, side="right")
    onsets = times[notes]
    recent = np.cumsum(notes) - np.searchsorted(onsets, times - 4 * STEPS_PER_QUARTER, side="right")
    return {
        "pitch": _at(melodic, events[:, PITCH]),
        "circle of fifths": _at(melodic, _circle(events[:, PITCH] * 7 / 12)),
        "velocity": _at(notes, events[:, VELOCITY] * VELOCITY_BIN),
        "length": _at(melodic, np.log2(np.maximum(length, 1))),
        "notes sounding": sounding.astype(np.float64),
        "density": recent.astype(np.float64),
    }


def durations(events: Events) -> NDArray[np.int64]:
    """(events,): steps that each note lasts, 0 for what is no note."""
    steps = events[:, BEATS].astype(np.int64) * STEPS_PER_QUARTER + events[:, STEPS]
    return np.where(events[:, POSITION] >= 0, np.maximum(steps, 1), 0)

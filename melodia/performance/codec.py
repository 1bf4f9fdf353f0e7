"""Piano performances <-> streams of 388 events.

The vocabulary of Performance RNN (Oore et al. 2018, arXiv 1808.03715) in the setting of the Music Transformer (Huang et al.
2018): note-on and note-off of 128 pitches, time shifts of 10 ms to 1 s, 32 velocities, each in force from its event on. The
sustain pedal is heard, not written: a note lasts until the pedal lets it go or its key is struck again. Streams are those that
note-seq makes, event by event, so likelihoods can be compared:

    time        a gap is as many shifts of 1 s as it holds, then the rest of it; leading silence counts, there is no end
    in a step   offs in the order in which their notes began, then ons in the order in which they were played
    velocity    before an on whose velocity is not that of the on before it

A step is 10 ms; times are rounded half up, and a note lasts a step at least. Of two strokes of a key in one step one is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melodia.performance.pedal import pedal_of
from melodia.score import PPQ, SUSTAIN, Control, Note, Part, Score, Tempo, sustained_array, trimmed

STEPS_A_SECOND = 100
PITCHES, LONGEST_SHIFT, VELOCITIES = 128, 100, 32
ON, OFF, SHIFT, VELOCITY = 0, PITCHES, 2 * PITCHES, 2 * PITCHES + LONGEST_SHIFT  # the first event of each kind
EVENTS = VELOCITY + VELOCITIES
VELOCITY_STEP = 4  # MIDI velocities an event of velocity stands for
FIRST_VELOCITY = 64  # MIDI's, of notes before which none was told
REAL_TIME_BPM = 125.0  # at which a tick is a millisecond
STEP_TICKS = 10

Notes = NDArray[np.int64]  # (notes, 4): onset and offset in steps, pitch, velocity; in the order in which they are played
Events = NDArray[np.uint16]  # (events,): below `EVENTS`


def notes_of(score: Score) -> Notes:
    """The notes of a score as one piano plays them: all parts but drums, the sustain pedal heard."""
    rows = [sustained_array(part) for part in score.parts if part.notes and not part.is_drum]
    if not rows:
        return np.zeros((0, 4), np.int64)
    notes = trimmed(np.concatenate(rows))
    notes = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    notes[:, :2] = np.floor(seconds_of(score, notes[:, :2]) * STEPS_A_SECOND + 0.5)
    return playable(notes)


def playable(notes: Notes) -> Notes:
    """Notes that last a step or more and never sound a pitch twice at once, in the same order."""
    notes = notes.copy()
    notes[:, 1] = np.maximum(notes[:, 1], notes[:, 0] + 1)
    numbered = np.concatenate([notes, np.arange(len(notes))[:, None]], axis=1)
    apart = trimmed(numbered)
    return apart[np.lexsort((apart[:, 4], apart[:, 0]))][:, :4]


def seconds_of(score: Score, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    """When ticks sound, in seconds from the start: `Score.seconds_at` of many."""
    marks, begins, rates = _tempos(score)
    at = np.maximum(np.searchsorted(marks, ticks, side="right") - 1, 0)
    seconds: NDArray[np.float64] = begins[at] + (ticks - marks[at]) * rates[at]
    return seconds


def ticks_at(score: Score, seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """The ticks nearest to times in seconds."""
    marks, begins, rates = _tempos(score)
    at = np.maximum(np.searchsorted(begins, seconds, side="right") - 1, 0)
    return np.rint(marks[at] + (seconds - begins[at]) / rates[at]).astype(np.int64)


def _tempos(score: Score) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each tempo its tick, when that sounds, and seconds a tick from there on."""
    marks = np.array([tempo.tick for tempo in score.tempos])
    rates = 60.0 / (np.array([tempo.tempo_bpm for tempo in score.tempos]) * PPQ)
    return marks, np.concatenate([[0.0], np.cumsum(np.diff(marks) * rates[:-1])]), rates


def encode(notes: Notes) -> Events:
    """The events of notes that are `playable`."""
    count = len(notes)
    steps = np.concatenate([notes[:, 0], notes[:, 1]])
    index = np.tile(np.arange(count), 2)
    off = np.repeat([False, True], count)
    order = np.lexsort((index, ~off, steps))
    steps, index, off = steps[order], index[order], off[order]
    gaps = np.diff(steps, prepend=0)
    full, rest = np.maximum(gaps - 1, 0) // LONGEST_SHIFT, np.where(gaps > 0, (gaps - 1) % LONGEST_SHIFT + 1, 0)
    loudness = velocity_bins(notes[index, 3])
    told = np.zeros(len(steps), bool)
    told[~off] = np.diff(loudness[~off], prepend=-1) != 0
    sizes = full + (rest > 0) + told + 1
    ends = np.cumsum(sizes)
    events = np.full(ends[-1] if count else 0, SHIFT + LONGEST_SHIFT - 1, np.uint16)
    events[ends - 1] = notes[index, 2] + np.where(off, OFF, ON)
    events[ends[told] - 2] = VELOCITY + loudness[told]
    shifted = rest > 0
    events[(ends - 2 - told)[shifted]] = SHIFT + rest[shifted] - 1
    return events


def velocity_bins(velocities: NDArray[np.int64]) -> NDArray[np.int64]:
    """MIDI velocities, 1 to 127, as numbers of events, 0 to 31."""
    return (velocities - 1) // VELOCITY_STEP


def velocity_in_bin(number: int) -> int:
    """The MIDI velocity that an event stands for: the second of its four."""
    return number * VELOCITY_STEP + 2


def decode(events: Events | Sequence[int], velocity: int = FIRST_VELOCITY) -> Notes:
    """The notes of events; `velocity` is in force before the first that tells one. What has no end lasts to the last step.

    Any events will do: an off of a silent key says nothing, an on of one that sounds ends its note.
    """
    notes: list[list[int]] = []
    sounding: dict[int, int] = {}
    step = 0
    for event in np.asarray(events, np.int64).tolist():
        if event >= VELOCITY:
            velocity = velocity_in_bin(event - VELOCITY)
        elif event >= SHIFT:
            step += event - SHIFT + 1
        else:
            if (index := sounding.pop(event % PITCHES, -1)) >= 0:
                notes[index][1] = step
            if event < OFF:
                sounding[event] = len(notes)
                notes.append([step, -1, event, velocity])
    for index in sounding.values():
        notes[index][1] = step
    rows = np.array(notes, np.int64).reshape(-1, 4)
    return playable(rows)


def as_score(notes: Notes) -> Score:
    """Notes as a score for piano in real time: a tick is a millisecond, and strokes of a step are one apart, up to the fifth.

    The pedal is written where it must have been down (`melodia.performance.pedal`); notes ring as long as without it.
    """
    onsets = notes[:, 0] * STEP_TICKS + np.minimum(turns_in_step(notes), STEP_TICKS // 2 - 1)
    rows = zip(onsets.tolist(), (notes[:, 1] * STEP_TICKS).tolist(), notes[:, 2:].tolist(), strict=True)
    turns = (pedal_of(notes) * STEP_TICKS).tolist()
    pedal = [Control(tick, SUSTAIN, value) for span in turns for tick, value in zip(span, (127, 0), strict=True)]
    made = sorted(Note(on, off, *played) for on, off, played in rows)
    return Score([Part("Piano", notes=made, controls=pedal)], [Tempo(0, REAL_TIME_BPM)])


def turns_in_step(notes: Notes) -> NDArray[np.int64]:
    """Of each note how many begin before it in its step."""
    places = np.arange(len(notes))
    new = np.diff(notes[:, 0], prepend=-1) > 0
    return places - np.maximum.accumulate(np.where(new, places, 0))


def num_notes(events: Events) -> int:
    """How many notes begin."""
    return int((events < OFF).sum())


def num_seconds(events: Events) -> float:
    """How long events last, from the start to the last of them."""
    shifts = events[(events >= SHIFT) & (events < VELOCITY)].astype(np.int64) - SHIFT + 1
    return float(shifts.sum()) / STEPS_A_SECOND


def transposed(events: Events, semitones: int) -> Events:
    """Events moved up by semitones; as they are if a pitch would leave the 128."""
    pitches = events[events < SHIFT].astype(np.int64) % PITCHES
    if not len(pitches) or pitches.min() + semitones < 0 or pitches.max() + semitones >= PITCHES:
        return events
    return np.where(events < SHIFT, events.astype(np.int64) + semitones, events).astype(np.uint16)


def stretched(events: Events, factor: float) -> Events:
    """Events played slower by a factor."""
    notes = decode(events)
    notes[:, :2] = np.floor(notes[:, :2] * factor + 0.5)
    return encode(playable(notes))

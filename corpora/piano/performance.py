"""What is played: notes (N, 4) as onset, offset, pitch, velocity, and the spans (M, 2) of the pedal, in seconds.

Played MIDI is taken as it is; a score, all on the grid and of one loudness, is given a pianist's timing,
dynamics and pedal; `passages` makes up what songs are poor in.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pretty_midi

LONGEST_PEDAL = 8.0  # seconds; what is held longer is stuck
MOST_STROKES = 16  # while the pedal is down; a pianist changes it before
SAME_STROKE = 0.02  # seconds: strokes of one key closer than this are one, doubled by another track


class Performance(NamedTuple):
    """See the module. Offsets are those of the keys."""

    notes: np.ndarray
    pedal: np.ndarray


def read(path: Path, rng: np.random.Generator) -> Performance:
    """A MIDI file as one piano plays it."""
    midi = pretty_midi.PrettyMIDI(str(path))
    tracks = [t for t in midi.instruments if not t.is_drum]
    notes = np.array([(n.start, n.end, n.pitch, n.velocity) for t in tracks for n in t.notes], dtype=float).reshape(-1, 4)
    spans = []
    for track in tracks:
        down = None
        for change in (c for c in track.control_changes if c.number == 64):
            if change.value >= 64 and down is None:
                down = change.time
            elif change.value < 64 and down is not None:
                spans.append((down, change.time))
                down = None
    pedal = np.array([s for s in spans if s[1] - s[0] < LONGEST_PEDAL]).reshape(-1, 2)
    ticks = np.array([midi.time_to_tick(n.start) for t in tracks for n in t.notes]).reshape(-1)
    notes_on_grid = np.mean(ticks % max(midi.resolution // 12, 1) == 0) if len(ticks) else 0.0
    notes = notes[(notes[:, 2] >= 21) & (notes[:, 2] <= 108) & (notes[:, 1] > notes[:, 0])]
    return played(notes, rng) if len(notes) and notes_on_grid > 0.8 else Performance(notes, pedal)


def played(notes: np.ndarray, rng: np.random.Generator) -> Performance:
    """A score with a pianist's timing, dynamics and pedal."""
    notes = notes[np.argsort(notes[:, 0])].copy()
    notes[:, :2] /= rng.uniform(0.7, 1.7)  # tempo
    notes[:, :2] = rubato(notes[:, :2], rng)
    beats = np.unique(notes[:, 0])
    swell = np.interp(notes[:, 0], *wander(notes[:, 1].max(), 3.0, rng))
    marked = (notes[:, 3] - notes[:, 3].mean()) * rng.uniform(0, 1)  # what the score says of dynamics, if it does
    loudness = rng.uniform(42, 88) + marked + 18 * swell + rng.normal(size=len(notes)) * rng.uniform(2, 8)
    chords = np.searchsorted(beats, notes[:, 0])
    top = np.full(len(beats), 0.0)
    np.maximum.at(top, chords, notes[:, 2])
    loudness += np.where(notes[:, 2] >= top[chords], rng.uniform(0, 16), 0)  # the tune stands out
    notes[:, 3] = np.clip(loudness, 12, 124).round()
    length = notes[:, 1] - notes[:, 0]
    spread = rng.uniform(0.0, 0.035)
    rolled = spread * rng.random(len(notes)) * (rng.random(len(beats)) < 0.7)[chords]
    notes[:, 0] = np.maximum(notes[:, 0] + rolled + rng.normal(size=len(notes)) * rng.uniform(0.001, 0.012), 0)
    touch = rng.uniform(0.45, 1.05) + rng.normal(size=len(notes)) * 0.1
    notes[:, 1] = notes[:, 0] + np.maximum(length * touch, 0.04)
    return Performance(notes, pedalled(beats, notes[:, 1].max(), rng))


def wander(seconds: float, every: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A slow curve between about -1 and 1: times and values."""
    times = np.arange(0, seconds + 2 * every, every)
    return times, np.convolve(rng.normal(size=len(times) + 2), [0.4, 0.5, 0.4], "valid")


def rubato(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Times under a tempo that comes and goes."""
    knots, values = wander(times.max(), 2.0, rng)
    pace = np.exp(values * rng.uniform(0.0, 0.2))
    played = np.concatenate([[0], np.cumsum(np.diff(knots) * (pace[1:] + pace[:-1]) / 2)])
    return np.interp(times, knots, played)


def pedalled(beats: np.ndarray, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Spans of a pedal that is changed just after a stroke every so often, or none at all."""
    if rng.random() < 0.3 or not len(beats):
        return np.zeros((0, 2))
    every, spans, start = rng.uniform(0.4, 3.5), [], 0.0
    while start < seconds:
        near = beats[np.searchsorted(beats, start + every) :][:1]
        change = float(near[0]) if len(near) else seconds + 1
        if change - start > LONGEST_PEDAL:
            change = start + LONGEST_PEDAL
        if rng.random() < 0.85:
            spans.append((start + rng.uniform(0.03, 0.2), change + rng.uniform(-0.03, 0.06)))
        start = change
    return np.array([s for s in spans if s[1] > s[0] + 0.05]).reshape(-1, 2)


def excerpt(whole: Performance, start: float, seconds: float) -> Performance:
    """The notes that begin within a span, from its beginning on."""
    notes = whole.notes[(whole.notes[:, 0] >= start) & (whole.notes[:, 0] < start + seconds)].copy()
    notes[:, :2] -= start
    pedal = np.clip(whole.pedal - start, 0, seconds)
    return Performance(notes, pedal[pedal[:, 1] > pedal[:, 0]])


def sounding(performance: Performance) -> tuple[np.ndarray, np.ndarray]:
    """Notes as they ring: offsets at the pedal's release or the key's next stroke; and the pedal, changed where too much rings."""
    notes = performance.notes[np.lexsort((performance.notes[:, 2], performance.notes[:, 0]))]
    spans, pedal = [tuple(s) for s in performance.pedal], []
    while spans:
        start, end = spans.pop()
        strokes = notes[(notes[:, 0] >= start - 0.1) & (notes[:, 0] < end), 0]
        if len(strokes) > MOST_STROKES and end - start > 0.3:
            change = float(np.median(strokes))
            change = change if start + 0.1 < change < end - 0.1 else (start + end) / 2
            spans += [(start, change + 0.02), (change + 0.08, end)]
        else:
            pedal.append((start, end))
    changed = np.array(sorted(pedal)).reshape(-1, 2)
    return ring(notes, changed), changed


def ring(notes: np.ndarray, pedal: np.ndarray) -> np.ndarray:
    """The notes with their offsets as they ring."""
    notes = notes.copy()
    for start, end in pedal[np.argsort(pedal[:, 0])]:
        held = (notes[:, 1] >= start) & (notes[:, 1] < end) & (notes[:, 0] < end)
        notes[held, 1] = end
    kept: list[np.ndarray] = []
    last: dict[float, np.ndarray] = {}
    for note in notes:
        before = last.get(note[2])
        if before is not None and note[0] - before[0] < SAME_STROKE:
            before[1], before[3] = max(before[1], note[1]), max(before[3], note[3])
            continue
        if before is not None:
            before[1] = min(before[1], note[0])
        last[note[2]] = note
        kept.append(note)
    return np.array(kept).reshape(-1, 4)

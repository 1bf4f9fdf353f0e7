"""Passages made up at random, for what songs are poor in: runs, arpeggios, big chords, trills, extremes of the keyboard."""

import numpy as np
from performance import Performance, pedalled

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11)
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 3, 6, 9), (0, 4, 8), (0, 4, 7, 11), (0, 5, 7))
Rows = list[tuple[float, float, float, float]]  # onset, offset, pitch, velocity


def passages(seconds: float, rng: np.random.Generator) -> Performance:
    """A minute or so of passages, one after another, each with a tempo, a touch and a loudness of its own."""
    notes: Rows = []
    spans, start = [], 0.3
    while start < seconds - 2:
        length = min(rng.uniform(2, 9), seconds - start)
        kind = PASSAGES[rng.integers(len(PASSAGES))]
        rows = kind(length, rng)
        loud, touch = rng.uniform(30, 100), rng.uniform(0.4, 1.1)
        jitter, rough = rng.uniform(0.0, 0.012), rng.uniform(2, 12)
        placed: Rows = []
        for onset, offset, pitch, accent in rows:
            if onset < length and 21 <= pitch <= 108:
                at = start + onset + rng.normal() * jitter
                velocity = np.clip(loud + accent + rng.normal() * rough, 8, 126)
                placed.append(
                    (max(at, 0.0), max(at, 0.0) + max((offset - onset) * touch, 0.035), float(pitch), float(round(velocity)))
                )
        notes += placed
        if placed:
            pedal = pedalled(np.unique([n[0] for n in placed]) - start, length, rng) + start
            spans += [p for p in pedal.tolist() if p[1] < start + length + 0.3]
        start += length + rng.choice([0.0, 0.0, 0.3, 1.0])
    return Performance(np.array(notes).reshape(-1, 4), np.array(spans).reshape(-1, 2))


def root(rng: np.random.Generator) -> int:
    return int(rng.integers(24, 100))


def run(length: float, rng: np.random.Generator) -> Rows:
    """A scale up and down, in one hand or two, plain or in thirds, sixths or octaves."""
    scale = (MAJOR, MINOR, tuple(range(12)))[rng.integers(3)]
    steps = [12 * octave + s for octave in range(rng.integers(1, 5)) for s in scale]
    path = steps + steps[-2:0:-1]
    first, every, hands = root(rng) - 12, rng.uniform(0.06, 0.25), rng.choice([1, 1, 2])
    apart = rng.choice([0, 0, 0, 3, 4, 8, 9, 12])
    rows: Rows = []
    for i in range(int(length / every)):
        for hand in range(hands):
            pitch = first + path[i % len(path)] + 12 * hand * rng.choice([1, 2])
            rows.append((i * every, (i + 1) * every, pitch, 0.0))
            if apart:
                rows.append((i * every, (i + 1) * every, pitch + apart, -3.0))
    return rows


def arpeggio(length: float, rng: np.random.Generator) -> Rows:
    """Broken chords over several octaves; the chord changes now and then."""
    every, rows, first = rng.uniform(0.06, 0.35), [], root(rng) - 12
    chord, period = CHORDS[rng.integers(len(CHORDS))], rng.integers(6, 24)
    for i in range(int(length / every)):
        if i % period == 0:
            chord, first = CHORDS[rng.integers(len(CHORDS))], int(np.clip(first + rng.integers(-5, 6), 21, 90))
            path = [12 * octave + c for octave in range(rng.integers(1, 5)) for c in chord]
            path = path + path[-2:0:-1] if rng.random() < 0.6 else path
        rows.append((i * every, (i + rng.choice([1, 1, 3])) * every, first + path[i % len(path)], 8.0 if i % period == 0 else 0.0))
    return rows


def chords(length: float, rng: np.random.Generator) -> Rows:
    """Chords of two to nine notes, struck, repeated or rolled."""
    every, rows, onset = rng.uniform(0.18, 1.6), [], 0.0
    while onset < length:
        first, chord = int(rng.integers(24, 84)), CHORDS[rng.integers(len(CHORDS))]
        pool = [first + 12 * octave + c for octave in range(4) for c in chord]
        pitches = rng.choice(pool, size=min(len(pool), rng.integers(2, 10)), replace=False)
        roll = rng.choice([0.0, 0.0, 0.01, 0.05])
        for _ in range(rng.choice([1, 1, 2, 4])):
            rows += [(onset + roll * i, onset + every, float(p), 0.0) for i, p in enumerate(sorted(pitches))]
            onset += every
    return rows


def trill(length: float, rng: np.random.Generator) -> Rows:
    """Two notes in quick turns, or one repeated, over a held chord."""
    first, apart, every = root(rng), rng.choice([0, 1, 2, 3, 12]), rng.uniform(0.07, 0.16)
    every = max(every, 0.1) if apart == 0 else every
    rows: Rows = [(i * every, (i + 0.8) * every, first + apart * (i % 2), 0.0) for i in range(int(length / every))]
    below = first - rng.integers(8, 30)
    return rows + [(t, t + 1.5, below + c, 0.0) for t in np.arange(0, length, 1.6) for c in CHORDS[rng.integers(len(CHORDS))]]


def scattered(length: float, rng: np.random.Generator) -> Rows:
    """Notes anywhere at any time: nothing to guess from but the sound."""
    rate, low = np.exp(rng.uniform(np.log(1), np.log(18))), rng.integers(21, 80)
    high = rng.integers(low + 12, 109)
    onsets = np.sort(rng.uniform(0, length, rng.poisson(rate * length)))
    return [(t, t + float(np.exp(rng.normal(-1.2, 0.8))), float(rng.integers(low, high)), float(rng.normal() * 14)) for t in onsets]


def melody(length: float, rng: np.random.Generator) -> Rows:
    """A tune that sings over an accompaniment in broken chords."""
    every, rows, pitch = rng.uniform(0.12, 0.35), [], int(rng.integers(60, 90))
    onset = 0.0
    while onset < length:
        lasts = every * rng.choice([1, 2, 2, 3, 4, 6])
        rows.append((onset, onset + lasts, pitch, 12.0))
        pitch = int(np.clip(pitch + rng.integers(-5, 6), 55, 104))
        onset += lasts
    base = int(rng.integers(28, 52))
    for bar in np.arange(0, length, 8 * every):
        chord = CHORDS[rng.integers(len(CHORDS))]
        first = base + rng.integers(-4, 5)
        figure = [first, first + 12 + chord[0], first + 12 + chord[1], first + 12 + chord[2]]
        rows += [(bar + i * every, bar + (i + 1) * every, figure[i % 4], -6.0) for i in range(8)]
    return rows


def long_tones(length: float, rng: np.random.Generator) -> Rows:
    """Few notes, held while they die away."""
    onsets = np.cumsum(rng.exponential(0.9, size=20))
    return [(t, t + rng.uniform(0.8, 7), float(root(rng)), float(rng.normal() * 10)) for t in onsets if t < length]


PASSAGES = (run, run, arpeggio, arpeggio, chords, chords, trill, scattered, scattered, melody, long_tones)

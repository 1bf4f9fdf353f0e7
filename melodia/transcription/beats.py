"""Notes in seconds -> a score on a grid of beats and bars, with the played timing kept.

The pulse is the lag at which the strokes repeat, weighed by how people tap; beats are those that fall on strokes
and keep the pulse best (dynamic programming: Ellis 2007, "Beat tracking by dynamic programming"). Where the beats are
as even as a machine's one tempo stands for all, else each bar has its own. Bars are of three or four beats and begin
where bass notes and new harmonies fall. Time 0 of the recording is tick 0: what comes before the first beat that is heard
is stretched to whole beats, and a bar that is not full goes before the first downbeat. A tempo that is given is that of
a click that began at time 0: one tempo throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.score import DEFAULT_BPM, PPQ, SUSTAIN, Control, Meter, Note, Part, Score, Tempo, without_overlaps
from melodia.transcription.notes import OFFSET, ONSET, PITCH, VELOCITY, Notes

RATE = 100  # of the curve of strokes, Hz
SHORTEST, LONGEST = 0.27, 1.2  # seconds a beat
USUAL, SPREAD = 0.52, 0.75  # the beat people tap at, seconds, and how far they stray, octaves
TIGHTNESS = 120.0  # of the pulse, against falling on strokes
STEADY = 0.018  # seconds that beats of one tempo may stray
FEWEST_NOTES = 8
LOWEST_BPM, HIGHEST_BPM = 20.0, 400.0
THREE_OVER_FOUR = 1.15  # how much better three beats must fit
GRIDS = {f"1/{n}{triplet}": PPQ * 4 // n * (2 if triplet else 3) // 3 for n in (4, 8, 16, 32) for triplet in ("", "t")}

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridConfig:
    """`tempo_bpm`: None is estimated. `quantize`: a key of `GRIDS`, or nothing to keep the played timing."""

    tempo_bpm: float | None = None
    quantize: str = ""

    def __post_init__(self) -> None:
        if self.tempo_bpm is not None:
            check_range("tempo", self.tempo_bpm, LOWEST_BPM, HIGHEST_BPM)
        if self.quantize and self.quantize not in GRIDS:
            raise ConfigError(f"quantize: '{self.quantize}' is not known; it must be one of {', '.join(GRIDS)}")


class Beats(NamedTuple):
    """Times of beats in seconds, how many a bar, which of them is the first of a bar, and whether one tempo holds."""

    times: Curve
    in_bar: int
    first: int
    steady: bool


def find_beats(notes: Notes, tempo_bpm: float | None = None) -> Beats | None:
    """The beats of notes, at a tempo or at the one that fits; None where there is too little to tell from."""
    if len(notes) < FEWEST_NOTES or np.ptp(notes[:, ONSET]) < 2 * LONGEST:
        return None
    if tempo_bpm is None:
        strokes = curve_of(notes)
        times = snapped(track(strokes, pulse(strokes)), notes)
        line = np.polyfit(np.arange(len(times)), times, 1)
        even = np.polyval(line, np.arange(len(times)))
        steady = bool(np.std(times - even) < STEADY)
        times = even.astype(np.float64) if steady else times
    else:  # played to a click, whose first beat is second 0
        times, steady = np.arange(0, notes[-1, ONSET] + 60 / tempo_bpm, 60 / tempo_bpm), True
    times = times[times >= 0]
    if len(times) < 4:
        return None
    in_bar, first = bars(times, notes, tempo_bpm is not None)
    return Beats(times, in_bar, first, steady)


def curve_of(notes: Notes) -> Curve:
    """How much is struck at each hundredth of a second: velocities, the bass more, blurred by 25 ms."""
    weight = notes[:, VELOCITY] / 64 * np.where(notes[:, PITCH] < 52, 1.6, 1.0)
    curve = np.zeros(int(notes[:, ONSET].max() * RATE) + RATE)
    np.add.at(curve, np.rint(notes[:, ONSET] * RATE).astype(int), weight)
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 2.5) ** 2)
    blurred: Curve = np.sqrt(np.convolve(curve, kernel, "same"))
    return blurred


def pulse(strokes: Curve) -> float:
    """Seconds a beat."""
    part = strokes - strokes.mean()
    size = 1 << (2 * len(part)).bit_length()
    likeness = np.fft.irfft(np.abs(np.fft.rfft(part, size)) ** 2)[: len(part)]
    lags = np.arange(int(SHORTEST * RATE), min(int(LONGEST * RATE) + 1, len(part) // 2))

    def at(times: float) -> Curve:
        values: Curve = np.interp(lags * times, np.arange(len(likeness)), likeness, right=0.0)
        return values

    support = at(1) + 0.5 * at(2) + 0.25 * at(3) + 0.5 * at(4) + 0.3 * at(0.5)
    habit = np.exp(-0.5 * (np.log2(lags / RATE / USUAL) / SPREAD) ** 2)
    return float(lags[np.argmax(np.maximum(support, 0) * habit)]) / RATE


def track(strokes: Curve, period: float) -> Curve:
    """The beats that fall on strokes and keep the pulse best."""
    step = period * RATE
    back = np.arange(int(-2 * step), int(-step / 2) + 1)
    cost = -TIGHTNESS * np.log(-back / step) ** 2
    score, came_from = strokes / max(strokes.std(), 1e-9), np.full(len(strokes), -1)
    total = score.copy()
    for t in range(-int(back[-1]), len(strokes)):
        first = max(t + int(back[0]), 0)
        past = total[first : t + int(back[-1]) + 1] + cost[len(back) - (t + int(back[-1]) + 1 - first) :]
        best = int(np.argmax(past))
        if past[best] > 0:
            total[t], came_from[t] = score[t] + past[best], first + best
    last = max(len(total) - int(1.5 * step), 0)
    t = last + int(np.argmax(total[last:]))
    found = []
    while t >= 0:
        found.append(t)
        t = int(came_from[t])
    return np.array(found[::-1]) / RATE


def snapped(times: Curve, notes: Notes) -> Curve:
    """Beats moved to the mean of the strokes that are theirs, within 50 ms; those without strokes stay."""
    onsets, out = notes[:, ONSET], times.copy()
    for i, time in enumerate(times):
        near = slice(*np.searchsorted(onsets, (time - 0.05, time + 0.05)))
        if near.stop > near.start:
            out[i] = np.average(onsets[near], weights=notes[near, VELOCITY])
    return np.maximum.accumulate(out)


def bars(times: Curve, notes: Notes, from_start: bool = False) -> tuple[int, int]:
    """Beats a bar, and the first beat of one: where bass notes, long notes and new harmonies fall."""
    beat = np.clip(np.searchsorted(times, notes[:, ONSET] + 0.07) - 1, 0, None)
    late = notes[:, ONSET] - times[beat]
    on_beat = np.abs(late) < 0.08
    length = np.clip(notes[:, OFFSET] - notes[:, ONSET], 0.05, 2.0)
    weight = notes[:, VELOCITY] / 64 * length * np.where(notes[:, PITCH] < 52, 3.0, 1.0)
    accent = np.bincount(beat[on_beat], weights=weight[on_beat], minlength=len(times))
    chroma = np.zeros((len(times), 12))
    np.add.at(chroma, (beat, notes[:, PITCH].astype(int) % 12), length)
    wide = np.pad(chroma, ((2, 1), (0, 0)))
    before, after = wide[1:-2] + 0.5 * wide[:-3], wide[2:-1] + 0.5 * wide[3:]
    norm = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    novelty = np.where(norm > 0, 1 - (before * after).sum(axis=1) / np.maximum(norm, 1e-9), 0)
    evidence = sum((e - e.mean()) / max(float(e.std()), 1e-9) for e in (np.sqrt(accent), novelty))
    fits = {(m, p): float(evidence[p::m].mean()) for m in (3, 4) for p in range(1 if from_start else m)}
    three, four = (max((k for k in fits if k[0] == m), key=lambda k: fits[k]) for m in (3, 4))
    return three if fits[three] > THREE_OVER_FOUR * max(fits[four], 0.1) else four


class Clock(NamedTuple):
    """Seconds <-> ticks: knots between which time runs evenly, and the tempos and meters of a score."""

    seconds: Curve
    ticks: Curve
    tempos: list[Tempo]
    meters: list[Meter]


def make_clock(beats: Beats | None, tempo_bpm: float | None = None) -> Clock:
    """The clock of a score. Without beats it is that of the tempo, or 120, in 4/4 from time 0 on."""
    if beats is None:
        bpm = tempo_bpm or DEFAULT_BPM
        return Clock(np.array([0.0, 60 / bpm]), np.array([0.0, PPQ]), [Tempo(0, bpm)], [Meter(0, 4, 4)])
    times = beats.times
    lead = round(float(times[0] / np.median(np.diff(times))))  # beats before the first one that is heard
    times = np.concatenate([np.arange(lead) * times[0] / max(lead, 1), times if lead else [0.0, *times[1:]]])
    pickup = (lead + beats.first) % beats.in_bar
    even_from = lead if lead or beats.times[0] == 0 else 1
    knots = [0, even_from] if beats.steady else [0, even_from, *range(pickup, len(times), beats.in_bar)]
    knots = sorted({k for k in knots if k < len(times) - 1} | {len(times) - 1})
    spans = list(pairwise(knots))
    tempos = [Tempo(a * PPQ, 60 * (b - a) / max(float(times[b] - times[a]), 1e-3)) for a, b in spans]
    meters = [Meter(0, pickup, 4), Meter(pickup * PPQ, beats.in_bar, 4)] if pickup else [Meter(0, beats.in_bar, 4)]
    return Clock(times[knots], np.array(knots) * float(PPQ), tempos, meters)


def ticks_of(clock: Clock, seconds: Curve) -> NDArray[np.int64]:
    """Moments as ticks; past the last knot time goes on at the last tempo."""
    inside = np.interp(seconds, clock.seconds, clock.ticks)
    beyond = np.maximum(seconds - clock.seconds[-1], 0) * clock.tempos[-1].tempo_bpm / 60 * PPQ
    ticks: NDArray[np.int64] = np.rint(inside + beyond).astype(np.int64)
    return ticks


def make_score(notes: Notes, pedal: NDArray[np.float64], beats: Beats | None, grid: GridConfig) -> Score:
    """Notes and spans of the pedal in seconds as a score for piano.

    Args:
        notes: in seconds.
        pedal: (n, 2) spans in seconds.
        beats: of `find_beats`.
        grid: the tempo is used where there are no beats.
    """
    clock = make_clock(beats, grid.tempo_bpm)
    onsets, offsets = ticks_of(clock, notes[:, ONSET]), ticks_of(clock, notes[:, OFFSET])
    if grid.quantize:
        step = GRIDS[grid.quantize]
        onsets, offsets = (np.rint(t / step).astype(np.int64) * step for t in (onsets, offsets))
        offsets = np.maximum(offsets, onsets + step)
    offsets = np.maximum(offsets, onsets + 1)
    rows = zip(onsets.tolist(), offsets.tolist(), notes[:, PITCH].astype(int).tolist(), notes[:, VELOCITY].tolist(), strict=True)
    made = [Note(a, b, pitch, int(velocity)) for a, b, pitch, velocity in rows]
    turns = zip(*(ticks_of(clock, pedal[:, i]).tolist() for i in (0, 1)), strict=True)
    controls = [Control(tick, SUSTAIN, value) for span in turns for tick, value in zip(span, (127, 0), strict=True)]
    part = Part(name="Piano", program=0, notes=without_overlaps(made), controls=controls)
    return Score([part], clock.tempos, clock.meters)

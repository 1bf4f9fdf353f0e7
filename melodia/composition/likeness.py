"""How like real music a set of continuations is: features, distances, and signs of degeneration.

Features are those of Dong et al., *MusPy* (2020) and Yang and Lerch 2020: pitch classes, onset
positions, durations and velocities of all notes as histograms, compared by the area in which they
overlap (1 is the same); scale consistency, notes a bar, polyphony and self-similarity from bar to
bar, a number a piece, compared by the 1-Wasserstein distance (0 is the same).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melodia.composition.codec import (
    BEATS,
    KIND,
    KIND_BAR,
    PITCH,
    POSITION,
    STEPS,
    STEPS_PER_QUARTER,
    VELOCITY,
    Events,
)
from melodia.composition.scales import SCALES

OVERLAPS = ("pitch class", "onset position", "duration", "velocity")
DISTANCES = ("scale consistency", "notes a bar", "polyphony", "self-similarity")
LONGEST_REPEAT = 4  # identical bars running
LONGEST_SILENCE = 2  # bars
SIMILARITY_LAGS = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Features:
    """Of a set of pieces: histograms over all notes, and one value a piece."""

    histograms: dict[str, NDArray[np.float64]]
    values: dict[str, NDArray[np.float64]]


def features(pieces: Sequence[Events]) -> Features:
    """Measures a set of pieces."""
    wide = [np.asarray(p, dtype=np.int64) for p in pieces]
    notes = np.concatenate([p[p[:, POSITION] >= 0] for p in wide])
    melodic = notes[notes[:, PITCH] < 128]
    duration = notes[:, BEATS] * STEPS_PER_QUARTER + notes[:, STEPS]
    histograms = {
        "pitch class": np.bincount(melodic[:, PITCH] % 12, minlength=12),
        "onset position": np.bincount(notes[:, POSITION] // 3, minlength=96),
        "duration": np.bincount(np.round(2 * np.log2(np.maximum(duration, 1))).astype(int), minlength=24),
        "velocity": np.bincount(notes[:, VELOCITY], minlength=32),
    }
    values = {
        "scale consistency": [scale_consistency(p) for p in wide if ((p[:, PITCH] >= 0) & (p[:, PITCH] < 128)).any()],
        "notes a bar": [float((p[:, POSITION] >= 0).sum() / max((p[:, KIND] == KIND_BAR).sum(), 1)) for p in wide],
        "polyphony": [polyphony(p) for p in wide],
        "self-similarity": [self_similarity(p) for p in wide],
    }
    return Features({k: v / max(v.sum(), 1) for k, v in histograms.items()}, {k: np.array(v) for k, v in values.items()})


def compare(made: Features, real: Features) -> dict[str, float]:
    """Overlaps of the histograms and distances of the values."""
    found = {name: float(np.minimum(made.histograms[name], real.histograms[name]).sum()) for name in OVERLAPS}
    return found | {name: wasserstein(made.values[name], real.values[name]) for name in DISTANCES}


def wasserstein(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The 1-Wasserstein distance of two sets of numbers: the mean difference of their quantiles."""
    if not len(a) or not len(b):
        return float("nan")
    levels = (np.arange(1000) + 0.5) / 1000
    return float(np.abs(np.quantile(a, levels, method="inverted_cdf") - np.quantile(b, levels, method="inverted_cdf")).mean())


def scale_consistency(events: NDArray[np.int64]) -> float:
    """The largest share of the notes that one major or minor scale holds."""
    pitches = events[(events[:, PITCH] >= 0) & (events[:, PITCH] < 128), PITCH]
    counts = np.bincount(pitches % 12, minlength=12)
    best = max(counts[[(root + s) % 12 for s in SCALES[name]]].sum() for name in ("major", "harmonic-minor") for root in range(12))
    return float(best / max(counts.sum(), 1))


def polyphony(events: NDArray[np.int64]) -> float:
    """Notes sounding, on average over the sixteenths at which any sounds."""
    notes = events[events[:, POSITION] >= 0]
    if not len(notes):
        return 0.0
    onset = _bar_of(events)[events[:, POSITION] >= 0] * 1000 + notes[:, POSITION]
    duration = notes[:, BEATS] * STEPS_PER_QUARTER + notes[:, STEPS]
    times = np.arange(0, int(onset.max()) + 1, 6)
    sounding = np.searchsorted(np.sort(onset), times, side="right") - np.searchsorted(
        np.sort(onset + duration), times, side="right"
    )
    return float(sounding[sounding > 0].mean()) if (sounding > 0).any() else 0.0


def _bar_of(events: NDArray[np.int64]) -> NDArray[np.int64]:
    bars: NDArray[np.int64] = np.maximum(np.cumsum(events[:, KIND] == KIND_BAR) - 1, 0)
    return bars


def bar_contents(events: Events | NDArray[np.int64]) -> list[frozenset[tuple[int, int]]]:
    """(position, pitch) of the notes of each bar."""
    bars: list[set[tuple[int, int]]] = []
    for row in np.asarray(events).tolist():
        if row[KIND] == KIND_BAR:
            bars.append(set())
        elif row[POSITION] >= 0:
            bars[-1].add((row[POSITION], row[PITCH]))
    return [frozenset(bar) for bar in bars]


def self_similarity(events: Events | NDArray[np.int64]) -> float:
    """The mean share of notes in common of bars one, two and four apart."""
    bars = bar_contents(events)
    shares = [len(a & b) / len(a | b) for lag in SIMILARITY_LAGS for a, b in zip(bars, bars[lag:], strict=False) if a | b]
    return float(np.mean(shares)) if shares else 0.0


def degenerate(events: Events, primer: Events | None = None) -> str:
    """Why a take is degenerate, or an empty string.

    One pitch has over half of the notes, an identical bar comes more than four times running, or
    more than two bars running are silent, each where the primer does not do so itself.
    """
    for reason, test in (("one pitch", _one_pitch), ("one bar", _one_bar), ("silence", _silence)):
        if test(events) and not (primer is not None and test(primer)):
            return reason
    return ""


def _one_pitch(events: Events) -> bool:
    counts = Counter(events[events[:, POSITION] >= 0, PITCH].tolist())
    return not counts or max(counts.values()) > sum(counts.values()) / 2


def _one_bar(events: Events) -> bool:
    bars = bar_contents(events)
    running = 1
    for before, bar in pairwise(bars):
        running = running + 1 if bar and bar == before else 1
        if running > LONGEST_REPEAT:
            return True
    return False


def _silence(events: Events) -> bool:
    running = 0
    for bar in bar_contents(events):
        running = 0 if bar else running + 1
        if running > LONGEST_SILENCE:
            return True
    return False

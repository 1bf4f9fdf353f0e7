"""Which units follow something nameable, and how well any would by chance.

The score of a unit for a signal is the correlation r of what the unit remembers with the signal over
the steps where the signal is defined. A signal of several columns (cosine and sine of a phase) is
followed as well as its best mix, with the multiple correlation R, which has no sign.

Among a thousand units one always seems to follow. So the same ranking is done against the signal
turned round by random amounts, which keeps its rhythm and its distribution and breaks its tie to what
was read: 95 of 100 turned signals find no better unit than `Ranked.chance`. Where what is read repeats
itself, a turn may land on a repetition; chance is then high, as it should be: there is no telling what
such a unit follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from melodia.inspection.reading import Floats, memory

TURNS, QUANTILE = 60, 0.95
FEWEST_STEPS = 8  # where a signal is defined
FLAT = 1e-6  # a deviation below this, relative to the size of the values, is none


class Unit(NamedTuple):
    """A unit of a layer (both from 0) and its correlation with a signal."""

    layer: int
    unit: int
    r: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """The units that follow a signal best, the best in each layer, and what chance reaches."""

    name: str
    best: list[Unit]
    best_of_layer: list[Unit]
    chance: float
    steps: int

    @property
    def above_chance(self) -> bool:
        """The best unit follows more closely than nearly all of the turned signals' best."""
        return abs(self.best[0].r) > self.chance


def rank(traces: Sequence[dict[str, Floats]], signals: Mapping[str, Floats], top: int = 5, random_seed: int = 0) -> list[Ranked]:
    """Ranks the units of all layers for each signal.

    Args:
        traces: of each layer (T, units) under `hidden` and perhaps `cell`, which then counts.
        signals: (T,) or (T, k) each; NaN where undefined. One that hardly varies is left out.
        top: how many units to name.
        random_seed: of the turns.

    Returns:
        the signals that vary, in the order given.
    """
    widths = [trace["hidden"].shape[1] for trace in traces]
    layer = np.repeat(np.arange(len(widths)), widths)
    unit = np.concatenate([np.arange(width) for width in widths])
    activity = np.concatenate([trace[memory(trace)] for trace in traces], axis=1).astype(np.float32)
    found = []
    for i, (name, signal) in enumerate(signals.items()):
        columns = signal.reshape(len(signal), -1)
        rows = np.isfinite(columns).all(axis=1)
        axes = directions(columns[rows])
        if rows.sum() < FEWEST_STEPS or not axes.shape[1]:
            continue
        normed = _normed(activity[rows])
        r = _followed(axes, normed)
        order = np.argsort(-np.abs(r), kind="stable")
        of_layer = [order[layer[order] == depth][0] for depth in range(len(widths))]
        best, best_of_layer = ([Unit(int(layer[j]), int(unit[j]), float(r[j])) for j in js] for js in (order[:top], of_layer))
        chance = _chance(axes, normed, np.random.default_rng([random_seed, i]))
        found.append(Ranked(name=name, best=best, best_of_layer=best_of_layer, chance=chance, steps=int(rows.sum())))
    return found


def directions(columns: Floats) -> Floats:
    """(steps, k) -> (steps, at most k): orthonormal axes of what varies; none if nothing does."""
    columns = columns.astype(np.float64)
    if not len(columns):
        return np.zeros((0, 0))
    centred = columns - columns.mean(axis=0)
    varying = centred.std(axis=0) > FLAT * np.maximum(np.abs(columns).max(axis=0), FLAT)
    if not varying.any():
        return np.zeros((len(columns), 0))
    axes, sizes, _ = np.linalg.svd(centred[:, varying], full_matrices=False)
    if varying.sum() == 1:  # keep the sign
        axes = axes * np.sign((axes[:, 0] * centred[:, varying][:, 0]).sum())
    kept: Floats = axes[:, sizes > FLAT * sizes[0]]
    return kept


def fitted(signal: Floats, activity: Floats) -> Floats:
    """The mix of a signal's columns that a unit follows, on the unit's own scale.

    Args:
        signal: (T,) or (T, k), NaN where undefined.
        activity: (T,) of the unit.

    Returns:
        (T,), NaN where the signal is undefined.
    """
    columns = signal.reshape(len(signal), -1)
    rows = np.isfinite(columns).all(axis=1)
    result = np.full(len(signal), np.nan)
    axes, values = directions(columns[rows]), activity[rows].astype(np.float64)
    if axes.shape[1]:
        result[rows] = axes @ (axes.T @ (values - values.mean())) + values.mean()
    return result


def _normed(activity: Floats) -> Floats:
    """(steps, units), centred and of length 1; all zeros for a unit that stands still."""
    centred = activity - activity.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    floor = FLAT * np.sqrt(len(activity)) * np.maximum(np.abs(activity).max(axis=0), FLAT)
    normed: Floats = np.where(lengths > floor, centred / np.maximum(lengths, floor), 0)
    return normed


def _followed(axes: Floats, normed: Floats) -> Floats:
    """(units,): r, or R for more than one axis."""
    r = axes.T.astype(np.float32) @ normed
    followed: Floats = r[0] if len(r) == 1 else np.sqrt((r**2).sum(axis=0))
    return followed.clip(-1, 1)


def _chance(axes: Floats, normed: Floats, random: np.random.Generator) -> float:
    """What the best unit reaches for a signal turned by at least a tenth of its steps, in 95 of 100 turns."""
    steps = len(axes)
    least = max(steps // 10, 1)
    turns = random.integers(least, steps - least + 1, TURNS)
    highest = [float(np.abs(_followed(np.roll(axes, int(turn), axis=0), normed)).max()) for turn in turns]
    return float(np.quantile(highest, QUANTILE))


class Row(NamedTuple):
    """A row of a heat map: a unit, and the name that it follows best with its correlation."""

    unit: Unit
    name: str
    chance: float


def rows_of(traces: Sequence[dict[str, Floats]], ranked: Sequence[Ranked], layer: int, most: int = 24) -> list[Row]:
    """The best unit of a layer for each name, each unit once; if there are too many, those furthest above chance.

    Where nothing is ranked, as in a piece of one note, the units that remember most, with r 0.
    """
    rows: dict[int, Row] = {}
    for found in ranked:
        unit = found.best_of_layer[layer]
        before = rows.get(unit.unit)
        if before is None or abs(before.unit.r) < abs(unit.r):
            rows[unit.unit] = Row(unit, found.name, found.chance)
    if not rows:
        trace = traces[layer]
        fullest = np.argsort(-np.abs(trace[memory(trace)]).max(axis=0), kind="stable")[: min(most, 8)]
        return [Row(Unit(layer, int(i), 0.0), "remembers most", 0.0) for i in fullest]
    clear = sorted(rows.values(), key=lambda row: row.chance - abs(row.unit.r))[:most]
    return [row for row in rows.values() if row in clear]

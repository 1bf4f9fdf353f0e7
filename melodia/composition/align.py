"""Finds the bar lines of played music whose file has a steady pulse but no true bars.

POP909's files are such: every onset stands a constant fraction of a beat off the grid, and the
meter is a formal 1/4. The shift is the circular mean of the onsets over a 16th note; the first
16th of the bar is the one, of sixteen, where long low notes and changes of harmony fall most often.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodia.score import PPQ, Meter, Score, Tempo

SIXTEENTH = PPQ // 4
TEMPLATE = np.array([6, 0, 1, 0, 2, 0, 1, 0, 4, 0, 1, 0, 2, 0, 1, 0], dtype=float)  # metric weight in 4/4


def align(score: Score) -> Score:
    """The score in 4/4, shifted by less than a bar so that its bars begin where they are heard to."""
    notes = np.array([n for part in score.parts if not part.is_drum for n in part.notes], dtype=np.int64)
    if not len(notes):
        return score
    turn = np.exp(2j * np.pi * notes[:, 0] / SIXTEENTH).mean()
    shift = round(float(np.angle(turn)) / (2 * np.pi) * SIXTEENTH)
    downbeat = int(np.argmax(downbeat_scores(notes, shift)))
    return shifted(score, (16 - downbeat) % 16 * SIXTEENTH - shift)


def downbeat_scores(notes: NDArray[np.int64], shift: int) -> NDArray[np.float64]:
    """How well each of the 16 sixteenths would do as the first of a bar.

    Args:
        notes: (notes, 4) onset, offset, pitch, velocity.
        shift: ticks by which the onsets are late.
    """
    onset = np.maximum((notes[:, 0] - shift + SIXTEENTH // 2) // SIXTEENTH, 0)
    length = np.clip((notes[:, 1] - notes[:, 0]) / SIXTEENTH, 0.5, 8)
    weight = length * np.where(notes[:, 2] < 55, 3.0, 1.0)
    salience = np.bincount(onset % 16, weights=weight, minlength=16)
    chroma = np.zeros((int(onset.max()) + 17, 12))
    np.add.at(chroma, (onset, notes[:, 2] % 12), length)
    total = np.concatenate([np.zeros((1, 12)), np.cumsum(chroma, axis=0)])
    at = np.arange(8, len(chroma) - 8)
    before, after = total[at] - total[at - 8], total[at + 8] - total[at]
    norm = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    novelty = 1 - (before * after).sum(axis=1) / np.maximum(norm, 1e-9)
    change = np.bincount(at % 16, weights=novelty * (norm > 0), minlength=16)
    evidence = _standardised(salience) + _standardised(change)
    return np.array([np.roll(TEMPLATE - TEMPLATE.mean(), k) @ evidence for k in range(16)])


def _standardised(values: NDArray[Any]) -> NDArray[np.float64]:
    standardised: NDArray[np.float64] = (values - values.mean()) / max(float(values.std()), 1e-9)
    return standardised


def shifted(score: Score, ticks: int) -> Score:
    """The score moved later by some ticks, in 4/4; what would begin before 0 begins a bar later."""
    earliest = min((n.onset_ticks for part in score.parts for n in part.notes), default=0)
    if earliest + ticks < -SIXTEENTH // 2:
        ticks += 4 * PPQ
    parts = [
        replace(
            part,
            notes=[n._replace(onset_ticks=max(n[0] + ticks, 0), offset_ticks=max(n[1] + ticks, 1)) for n in part.notes],
            controls=[c._replace(tick=max(c.tick + ticks, 0)) for c in part.controls],
        )
        for part in score.parts
    ]
    tempos = [Tempo(max(t.tick + ticks, 0) if i else 0, t.tempo_bpm) for i, t in enumerate(score.tempos)]
    return Score(parts, tempos, [Meter(0, 4, 4)])

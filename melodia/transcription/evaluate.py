"""How well notes were transcribed, by mir_eval: F1 of onsets, of whole notes, of velocities; and of frames.

Onset: same pitch, onset within the tolerance. Offset: also within the greater of 50 ms and a fifth of the note's length.
Velocity: also within a tenth, after the best linear fit (Hawthorne et al. 2018, arXiv 1710.11153, section 3).
Frames: cells of 10 ms and a key that sound in both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melodia.transcription.notes import LOWEST_PITCH, NUM_KEYS, OFFSET, ONSET, PITCH, VELOCITY, Notes

FRAME_SECONDS = 0.01
TOLERANCES = {"50": 0.05, "100": 0.1}  # seconds, by the name in a score


def score_notes(reference: Notes, estimate: Notes) -> dict[str, float]:
    """Compares notes: `onset_50`, `onset_100`, `onset_offset_50`, ..., each an F1 from 0 to 1, and `frames`."""
    import mir_eval.transcription as notes_of
    import mir_eval.transcription_velocity as velocities

    if not len(reference) or not len(estimate):
        same = float(len(reference) == len(estimate))
        names = [f"{kind}_{name}" for name in TOLERANCES for kind in ("onset", "onset_offset", "onset_offset_velocity")]
        return dict.fromkeys([*names, "frames"], same)
    (ref_at, ref_hertz, ref_loud), (est_at, est_hertz, est_loud) = _columns(reference), _columns(estimate)
    scores = {}
    for name, tolerance in TOLERANCES.items():
        pairs = (ref_at, ref_hertz, est_at, est_hertz)
        scores[f"onset_{name}"] = notes_of.precision_recall_f1_overlap(*pairs, onset_tolerance=tolerance, offset_ratio=None)[2]
        scores[f"onset_offset_{name}"] = notes_of.precision_recall_f1_overlap(*pairs, onset_tolerance=tolerance)[2]
        scores[f"onset_offset_velocity_{name}"] = velocities.precision_recall_f1_overlap(
            ref_at, ref_hertz, ref_loud, est_at, est_hertz, est_loud, onset_tolerance=tolerance
        )[2]
    return {name: float(value) for name, value in scores.items()} | {"frames": frame_f1(reference, estimate)}


def _columns(notes: Notes) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """As mir_eval wants them: intervals, pitches in Hz, velocities."""
    intervals = np.stack([notes[:, ONSET], np.maximum(notes[:, OFFSET], notes[:, ONSET] + 1e-3)], axis=1)
    return intervals, 440 * 2 ** ((notes[:, PITCH] - 69) / 12), notes[:, VELOCITY]


def frame_f1(reference: Notes, estimate: Notes) -> float:
    """Of cells of 10 ms and a key."""
    count = int(max(reference[:, OFFSET].max(), estimate[:, OFFSET].max()) / FRAME_SECONDS) + 1
    ours, theirs = (_cells(notes, count) for notes in (estimate, reference))
    both = int((ours & theirs).sum())
    return 2 * both / max(int(ours.sum() + theirs.sum()), 1)


def _cells(notes: Notes, count: int) -> NDArray[np.bool_]:
    cells = np.zeros((count, NUM_KEYS), dtype=bool)
    for onset, offset, pitch, _ in notes:
        cells[round(onset / FRAME_SECONDS) : round(offset / FRAME_SECONDS), int(pitch) - LOWEST_PITCH] = True
    return cells

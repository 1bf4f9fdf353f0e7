"""How well notes were transcribed, by mir_eval: F1 of onsets, of whole notes, of velocities; and of frames.

Onset: same pitch, onset within the tolerance. Offset: also within the greater of 50 ms and a fifth of the note's length.
Velocity: also within a tenth, after the best linear fit (Hawthorne et al. 2018, arXiv 1710.11153, section 3).
Frames: cells of 10 ms and a key that sound in both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.audio import audio_info, read_blocks
from melodia.corpus import Corpus
from melodia.errors import CorpusError, MelodiaError
from melodia.features import FeatureConfig, stream_spectrogram, unpacked
from melodia.hertz import hertz_of
from melodia.transcription.decode import DecodeConfig, Frames, decode
from melodia.transcription.labelled import LABELS, labelled
from melodia.transcription.model import Transcriber
from melodia.transcription.notes import LOWEST_PITCH, NUM_KEYS, OFFSET, ONSET, PITCH, VELOCITY, Notes, make_notes, read_notes
from melodia.transcription.transcribe import WINDOW_SECONDS, hear, probabilities

PART_SECONDS = 10.0  # of a prepared spectrogram, unpacked at a time
FRAME_SECONDS = 0.01
TOLERANCES = {"50": 0.05, "100": 0.1}  # seconds, by the name in a score
SCORES = (*(f"{kind}_{name}" for name in TOLERANCES for kind in ("onset", "onset_offset", "onset_offset_velocity")), "frames")


def score_notes(reference: Notes, estimate: Notes) -> dict[str, float]:
    """Compares notes: `onset_50`, `onset_100`, `onset_offset_50`, ..., each an F1 from 0 to 1, and `frames`."""
    import mir_eval.transcription as notes_of
    import mir_eval.transcription_velocity as velocities

    if not len(reference) or not len(estimate):
        same = float(len(reference) == len(estimate))
        return dict.fromkeys(SCORES, same)
    (ref_at, ref_hertz, ref_loud), (est_at, est_hertz, est_loud) = _columns(reference), _columns(estimate)
    scores = score_onsets(reference, estimate)
    for name, tolerance in TOLERANCES.items():
        pairs = (ref_at, ref_hertz, est_at, est_hertz)
        scores[f"onset_offset_{name}"] = notes_of.precision_recall_f1_overlap(*pairs, onset_tolerance=tolerance)[2]
        scores[f"onset_offset_velocity_{name}"] = velocities.precision_recall_f1_overlap(
            ref_at, ref_hertz, ref_loud, est_at, est_hertz, est_loud, onset_tolerance=tolerance
        )[2]
    return {name: float(value) for name, value in scores.items()} | {"frames": frame_f1(reference, estimate)}


def score_onsets(reference: Notes, estimate: Notes) -> dict[str, float]:
    """The scores of onsets alone, a tenth of the work."""
    import mir_eval.transcription as notes_of

    if not len(reference) or not len(estimate):
        return dict.fromkeys([f"onset_{name}" for name in TOLERANCES], float(len(reference) == len(estimate)))
    pairs = (*_columns(reference)[:2], *_columns(estimate)[:2])
    return {
        f"onset_{name}": float(notes_of.precision_recall_f1_overlap(*pairs, onset_tolerance=at, offset_ratio=None)[2])
        for name, at in TOLERANCES.items()
    }


def _columns(notes: Notes) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """As mir_eval wants them: intervals, pitches in Hz, velocities."""
    intervals = np.stack([notes[:, ONSET], np.maximum(notes[:, OFFSET], notes[:, ONSET] + 1e-3)], axis=1)
    return intervals, hertz_of(notes[:, PITCH]), notes[:, VELOCITY]


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


@dataclass(frozen=True, slots=True)
class Item:
    """A recording to measure on: its name, its notes, and its spectrogram, (frames, windows, bins) in decibels, in parts."""

    name: str
    reference: Notes
    spectrogram: Callable[[], Iterable[Tensor]]
    seconds: float


def items_of_folder(folder: Path, features: FeatureConfig) -> list[Item]:
    """The recordings of a folder that have their notes beside them, as a table or MIDI file.

    What is wrong with one of them is said when it is read.

    Raises:
        CorpusError: there are none.
    """
    found = []
    for recording, labels in labelled(folder):

        def spectrogram(recording: Path = recording) -> Iterable[Tensor]:
            return stream_spectrogram(read_blocks(recording, features.sample_rate), features)

        name = str(recording.relative_to(folder))
        try:
            found.append(Item(name, read_notes(labels), spectrogram, audio_info(recording).seconds))
        except MelodiaError as error:
            found.append(Item(name, make_notes(), partial(_fails, error), 0.0))
    if not found:
        raise CorpusError(
            f"{folder}: no recordings with their notes beside them; each needs a file of its name with {', '.join(LABELS)}"
        )
    return found


def _fails(error: MelodiaError) -> Iterable[Tensor]:
    raise error


def items_of_corpus(corpus: Corpus, split: str, features: FeatureConfig) -> list[Item]:
    """The recordings of a split of a prepared corpus.

    Raises:
        CorpusError: the split is empty, or was prepared with other features.
    """
    corpus.made_for(features)
    names = [r.path for r in corpus.records() if r.split == split]
    frames, notes = corpus.pieces(split, "frames"), corpus.pieces(split, "notes")
    part = round(PART_SECONDS * features.frame_rate)
    found = []
    for i, name in enumerate(names):

        def spectrogram(i: int = i) -> Iterable[Tensor]:
            whole = frames[i]
            return (torch.from_numpy(unpacked(np.asarray(whole[t : t + part]))) for t in range(0, len(whole), part))

        found.append(Item(name, np.asarray(notes[i], dtype=np.float64), spectrogram, len(frames[i]) / features.frame_rate))
    return found


def evaluate(model: Transcriber, items: Sequence[Item], progress: Callable[[int], None] = lambda done: None) -> dict[str, Any]:
    """Transcribes recordings and scores each.

    Returns:
        the mean of each score over recordings, seconds of compute a second of audio (decoding of files with it), and a
        row a recording; those that could not be read have an `error` in theirs.
    """
    rows: list[dict[str, Any]] = []
    seconds = spent = 0.0
    for done, item in enumerate(items, 1):
        began = time.perf_counter()
        try:
            notes = hear(model, item.spectrogram(), model.config.decode).notes
        except MelodiaError as error:
            rows.append({"recording": item.name, "error": " ".join(str(error).split())})
            progress(done)
            continue
        spent, seconds = spent + time.perf_counter() - began, seconds + item.seconds
        notes = notes[notes[:, ONSET] < item.seconds]
        reference = item.reference.copy()
        reference[:, OFFSET] = np.minimum(reference[:, OFFSET], item.seconds + PART_SECONDS)
        rows.append({"recording": item.name, "notes": len(reference), "heard": len(notes), **score_notes(reference, notes)})
        progress(done)
    scored = [row for row in rows if "error" not in row]
    return {"recordings": len(scored), "seconds": seconds, "compute": spent / max(seconds, 1e-9), **mean_of(scored), "rows": rows}


def mean_of(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The mean of each score over recordings; 0 of none."""
    return {name: float(np.mean([row[name] for row in rows])) if rows else 0.0 for name in SCORES}


def choose_thresholds(model: Transcriber, items: Sequence[Item]) -> tuple[DecodeConfig, dict[str, float]]:
    """The thresholds that score best: of onsets first, then those that end notes.

    Returns:
        the thresholds, and the scores that they come to.
    """
    said = []
    for item in items:
        parts = list(probabilities(model, item.spectrogram(), WINDOW_SECONDS))
        said.append((item.reference, Frames(*(np.concatenate(of) for of in zip(*parts, strict=True)))))
    best, at = model.config.decode, model.config.features.frame_rate

    def scores(config: DecodeConfig, score: Callable[[Notes, Notes], dict[str, float]]) -> dict[str, float]:
        rows = [score(reference, decode(frames, config, at)) for reference, frames in said]
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    for names, values, goal, score in STAGES:
        tried = [replace(best, **dict(zip(names, v, strict=True))) for v in product(*values)]
        totals = {c: sum(found[g] for g in goal) for c in tried for found in [scores(c, score)]}
        best = max(tried, key=lambda c: totals[c])
    return best, scores(best, score_notes)


STAGES: tuple[Any, ...] = (  # thresholds, their values, the scores to raise, and what gives them
    (("onset",), ((0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55),), ("onset_50", "onset_100"), score_onsets),
    (("sustain", "offset"), ((0.4, 0.5, 0.6, 0.7, 0.8), (0.2, 0.3, 0.5, 1.0)), ("onset_offset_50", "frames"), score_notes),
)

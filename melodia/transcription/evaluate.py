"""How well notes were transcribed, by mir_eval: F1 of onsets, of whole notes, of velocities; and of frames.

Onset: same pitch, onset within the tolerance. Offset: also within the greater of 50 ms and a fifth of the note's length.
Velocity: also within a tenth, after the best linear fit (Hawthorne et al. 2018, arXiv 1710.11153, section 3).
Frames: cells of 10 ms and a key that sound in both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.audio import SUFFIXES as AUDIO_SUFFIXES
from melodia.audio import audio_info, read_blocks
from melodia.config import to_json
from melodia.corpus import Corpus
from melodia.errors import CorpusError
from melodia.features import FeatureConfig, stream_spectrogram
from melodia.transcription.data import unpacked
from melodia.transcription.decode import DecodeConfig, Frames, decode
from melodia.transcription.model import Transcriber
from melodia.transcription.notes import LOWEST_PITCH, NUM_KEYS, OFFSET, ONSET, PITCH, VELOCITY, Notes, read_notes
from melodia.transcription.prepare import PEDAL
from melodia.transcription.transcribe import probabilities

LABELS = (".tsv", ".mid", ".midi")
WINDOW_SECONDS = 30.0
FRAME_SECONDS = 0.01
TOLERANCES = {"50": 0.05, "100": 0.1}  # seconds, by the name in a score
SCORES = (*(f"{kind}_{name}" for name in TOLERANCES for kind in ("onset", "onset_offset", "onset_offset_velocity")), "frames")
STAGES: tuple[tuple[tuple[str, ...], tuple[tuple[float, ...], ...], tuple[str, ...]], ...] = (  # thresholds, values, scores
    (("onset",), ((0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5),), ("onset_50", "onset_100")),
    (("sustain", "offset"), ((0.2, 0.3, 0.4, 0.5, 0.6), (0.3, 0.5, 0.7, 1.0)), ("onset_offset_50", "frames")),
)


def score_notes(reference: Notes, estimate: Notes) -> dict[str, float]:
    """Compares notes: `onset_50`, `onset_100`, `onset_offset_50`, ..., each an F1 from 0 to 1, and `frames`."""
    import mir_eval.transcription as notes_of
    import mir_eval.transcription_velocity as velocities

    if not len(reference) or not len(estimate):
        same = float(len(reference) == len(estimate))
        return dict.fromkeys(SCORES, same)
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


@dataclass(frozen=True, slots=True)
class Item:
    """A recording to measure on: its name, its notes, and its spectrogram, (frames, windows, bins) in decibels, in parts."""

    name: str
    reference: Notes
    spectrogram: Callable[[], Iterable[Tensor]]
    seconds: float


def items_of_folder(folder: Path, features: FeatureConfig) -> list[Item]:
    """The recordings of a folder that have their notes beside them, as a table or MIDI file.

    Raises:
        CorpusError: there are none, or notes cannot be read.
        AudioError: a recording cannot be read.
    """
    labels = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in LABELS and not p.name.endswith(PEDAL)]
    found: list[Item] = []
    for path in labels:
        recording = next((r for s in AUDIO_SUFFIXES if (r := path.with_suffix(s)).is_file()), None)
        if recording is None or any(item.name == str(recording.relative_to(folder)) for item in found):
            continue

        def spectrogram(recording: Path = recording) -> Iterable[Tensor]:
            blocks = (torch.from_numpy(b) for b in read_blocks(recording, features.sample_rate))
            return stream_spectrogram(blocks, features)

        seconds = audio_info(recording).seconds
        found.append(Item(str(recording.relative_to(folder)), read_notes(path), spectrogram, seconds))
    if not found:
        raise CorpusError(
            f"{folder}: no recordings with their notes beside them; each needs a file of its name with {', '.join(LABELS)}"
        )
    return found


def items_of_corpus(corpus: Corpus, split: str, features: FeatureConfig) -> list[Item]:
    """The recordings of a split of a prepared corpus.

    Raises:
        CorpusError: the split is empty, or was prepared with other features.
    """
    if corpus.manifest["settings"].get("features") != json.loads(json.dumps(to_json(features))):
        raise CorpusError(f"{corpus.folder}: prepared with other features than the model hears; prepare it anew")
    names = [r.path for r in corpus.records() if r.split == split]
    frames, notes = corpus.pieces(split, "frames"), corpus.pieces(split, "notes")
    found = []
    for i, name in enumerate(names):

        def spectrogram(i: int = i) -> Iterable[Tensor]:
            return [torch.from_numpy(unpacked(np.asarray(frames[i])))]

        found.append(Item(name, np.asarray(notes[i], dtype=np.float64), spectrogram, len(frames[i]) / features.frame_rate))
    return found


def heard(model: Transcriber, item: Item) -> Frames:
    """What the network says of a recording."""
    parts = list(probabilities(model, item.spectrogram(), WINDOW_SECONDS))
    return Frames(*(np.concatenate(of) for of in zip(*parts, strict=True)))


def evaluate(model: Transcriber, items: Sequence[Item], progress: Callable[[int], None] = lambda done: None) -> dict[str, Any]:
    """Transcribes recordings and scores each.

    Returns:
        the mean of each score over recordings, the compute a second of audio, and a row a recording.
    """
    rows: list[dict[str, Any]] = []
    seconds = spent = 0.0
    for done, item in enumerate(items, 1):
        began = time.perf_counter()
        notes = decode(heard(model, item), model.config.decode, model.config.features.frame_rate)
        spent += time.perf_counter() - began
        seconds += item.seconds
        rows.append(
            {"recording": item.name, "notes": len(item.reference), "heard": len(notes), **score_notes(item.reference, notes)}
        )
        progress(done)
    return {"recordings": len(rows), "seconds": seconds, "compute": spent / max(seconds, 1e-9), **mean_of(rows), "rows": rows}


def mean_of(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The mean of each score over recordings."""
    return {name: float(np.mean([row[name] for row in rows])) for name in SCORES}


def choose_thresholds(model: Transcriber, items: Sequence[Item]) -> tuple[DecodeConfig, dict[str, float]]:
    """The thresholds that score best: of onsets first, then those that end notes."""
    said = [(item.reference, heard(model, item)) for item in items]
    best, at = model.config.decode, model.config.features.frame_rate

    def scores(config: DecodeConfig) -> dict[str, float]:
        return mean_of([score_notes(reference, decode(frames, config, at)) for reference, frames in said])

    for names, values, goal in STAGES:
        tried = [(c, scores(c)) for v in product(*values) for c in [replace(best, **dict(zip(names, v, strict=True)))]]
        best = max(tried, key=lambda pair: sum(pair[1][g] for g in goal))[0]
    return best, scores(best)

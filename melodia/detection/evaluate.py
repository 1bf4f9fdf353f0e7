"""How many clips of five seconds are told right, by kind and by source, and how honest the probabilities are.

Clips lie one behind another, cut wherever they come, the first at a random place in the first five seconds; what is too quiet
is left out. Honest: of clips with a sureness of .9, nine of ten are right; `calibration` is the mean distance from that over ten
classes of sureness (the expected calibration error of Guo et al. 2017, arXiv 1706.04599), `nats` the log loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from melodia.audio import SUFFIXES as AUDIO_SUFFIXES
from melodia.audio import audio_info, read_audio
from melodia.corpus import Corpus
from melodia.detection.data import Recording
from melodia.detection.detect import CLIP_SECONDS, UNSURE
from melodia.detection.labelled import KINDS, label_of
from melodia.detection.level import SILENCE_DB, level_db
from melodia.detection.model import Detector, sureness_of
from melodia.errors import CorpusError
from melodia.features import MelConfig, log_mel, unpacked

SHORTEST_SECONDS = 1.0  # of the last clip of a recording
LONGEST_SECONDS = 300.0  # of a recording that are cut into clips
CLASSES = 10  # of sureness
TEMPERATURES = np.geomspace(0.5, 20, 75)


class Clip(NamedTuple):
    """A clip to measure on."""

    kind: str
    source: str
    name: str
    decibels: Tensor  # (frames, n_mels)


class Heard(NamedTuple):
    """A clip, and the logit that it was given."""

    kind: str
    source: str
    name: str
    logit: float

    def sureness(self, temperature: float) -> float:
        """The probability of the kind that it was taken for."""
        return sureness_of(self.logit, temperature)

    @property
    def is_right(self) -> bool:
        """Whether it was taken for what it is."""
        return (self.logit > 0) == (self.kind == KINDS[1])


def clips_of_folder(folder: Path, features: MelConfig, random_seed: int = 0) -> Iterator[Clip]:
    """The clips of all recordings below a folder, which lie in folders called `music` and `speech`.

    Raises:
        MelodiaError: a recording cannot be read or is of no kind, or there are none.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    if not paths:
        raise CorpusError(f"{folder}: no recordings in it")
    random = np.random.default_rng(random_seed)
    for path in paths:
        kind, source = label_of(path.absolute())
        seconds = min(audio_info(path).seconds, LONGEST_SECONDS)
        waveform = torch.from_numpy(read_audio(path, features.sample_rate, 0.0, seconds)) if seconds else torch.zeros(0)
        for first, last in cuts(len(waveform), features.sample_rate, random):
            yield Clip(kind, source, path.name, log_mel(waveform[first:last], features))


def clips_of_corpus(corpus: Corpus, split: str, features: MelConfig, random_seed: int = 0) -> Iterator[Clip]:
    """The clips of a split of a prepared corpus.

    Raises:
        CorpusError: the split is empty, or was prepared with other features.
    """
    corpus.made_for(features)
    random = np.random.default_rng(random_seed)
    for number, recording in enumerate(recordings_of(corpus, split)):
        for first, last in cuts(len(recording.frames), features.frame_rate, random):
            decibels = torch.from_numpy(unpacked(np.asarray(recording.frames[first:last])))
            yield Clip(recording.kind, recording.source, str(number), decibels)


def cuts(length: int, rate: float, random: np.random.Generator) -> list[tuple[int, int]]:
    """Where a recording of so many samples or frames is cut; one that is shorter than two clips is cut at its beginning."""
    clip = round(CLIP_SECONDS * rate)
    first = int(random.integers(0, clip)) if length >= 2 * clip else 0
    found = [(at, min(at + clip, length)) for at in range(first, length, clip)]
    return [(at, to) for at, to in found if to - at >= SHORTEST_SECONDS * rate]


def recordings_of(corpus: Corpus, split: str) -> list[Recording]:
    """The recordings of a split, memory-mapped.

    Raises:
        CorpusError: there are none.
    """
    frames = corpus.pieces(split, "frames")
    records = [r for r in corpus.records() if r.split == split]
    return [Recording(frames[i], r.tag, source_of(r.source, r.path)) for i, r in enumerate(records)]


def source_of(corpus: str, path: str) -> str:
    """The source of a recording by its path within a corpus; the corpus' name where that does not say."""
    try:
        return label_of(Path(path))[1] or corpus
    except CorpusError:
        return corpus


def hear_all(model: Detector, clips: Iterable[Clip]) -> list[Heard]:
    """Listens to all clips that are loud enough."""
    model.eval()
    features = model.config.features
    loud = (clip for clip in clips if level_db(clip.decibels, features) >= SILENCE_DB)
    return [Heard(clip.kind, clip.source, clip.name, model.hear(clip.decibels)) for clip in loud]


def score(heard: Sequence[Heard], temperature: float) -> dict[str, Any]:
    """Counts what was heard.

    Returns:
        clips, right (a share), nats, calibration, unsure (the share below .9), sure_right (of the others); `kinds` and
        `sources`: clips and right.

    Raises:
        CorpusError: there are no clips.
    """
    if not heard:
        raise CorpusError("no clips to measure on: all are too short or too quiet")
    right = np.array([h.is_right for h in heard])
    sure = np.array([h.sureness(temperature) for h in heard])
    classes = np.minimum((sure - 0.5) * 2 * CLASSES, CLASSES - 1).astype(int)
    apart = [abs(float((right - sure)[classes == c].sum())) for c in range(CLASSES)]
    unsure = sure < UNSURE
    return {
        "clips": len(heard),
        "right": float(right.mean()),
        "nats": log_loss(heard, temperature),
        "calibration": sum(apart) / len(heard),
        "unsure": float(unsure.mean()),
        "sure_right": float(right[~unsure].mean()) if (~unsure).any() else 1.0,
        "kinds": {kind: _counted([h for h in heard if h.kind == kind]) for kind in KINDS},
        "sources": {
            f"{kind}/{source}": _counted([h for h in heard if (h.kind, h.source) == (kind, source)])
            for kind, source in sorted({(h.kind, h.source) for h in heard})
        },
    }


def _counted(heard: Sequence[Heard]) -> dict[str, float]:
    return {"clips": len(heard), "right": float(np.mean([h.is_right for h in heard])) if heard else 1.0}


def log_loss(heard: Sequence[Heard], temperature: float) -> float:
    """Nats a clip."""
    logits = np.array([h.logit if h.kind == KINDS[1] else -h.logit for h in heard]) / temperature
    return float(np.logaddexp(0, -logits).mean())


def choose_temperature(heard: Sequence[Heard]) -> float:
    """The temperature by which clips have the least log loss."""
    return float(min(TEMPERATURES, key=lambda t: log_loss(heard, float(t))))

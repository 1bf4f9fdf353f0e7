"""A prepared corpus of music and speech -> a checkpoint of the detector."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from melodia.checkpoint import CheckpointInfo, find_checkpoint
from melodia.config import check_range, from_json, to_json
from melodia.corpus import Corpus
from melodia.detection.checkpoint import load_detector
from melodia.detection.data import DataConfig, Draw, collated, windows
from melodia.detection.detect import CLIP_SECONDS
from melodia.detection.evaluate import Clip, choose_temperature, clips_of_corpus, hear_all, recordings_of, score
from melodia.detection.labelled import KINDS
from melodia.detection.level import SILENCE_DB, level_db
from melodia.detection.model import Batch, Detector, DetectorConfig
from melodia.errors import ConfigError, CorpusError
from melodia.features import MelConfig
from melodia.training import (
    Cluster,
    Loaded,
    Position,
    Report,
    RunConfig,
    RunResult,
    TrainingConfig,
    card,
    on_device,
    refuse_sizes,
    silent,
    trained,
    with_defaults,
)

NATS = ("nats a window", 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a detector's training. `start`: the checkpoint to begin from."""

    model: DetectorConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""
    valid_windows: int = 480  # of valid, to measure on while training and to choose the temperature by

    def __post_init__(self) -> None:
        check_range("valid_windows", self.valid_windows, 2)


DATA = ("batch_size", "length")
NETWORK = ("hidden_size", "num_layers")
COMPOSERS = ("whole", "cell", "residual", "layer_norm")  # settings that have no meaning here
FRESH: dict[str, Any] = {"iterations": 3000, "learning_rate": 3e-3, "validate_every": 150, "warmup": 50}
TUNED: dict[str, Any] = {"iterations": 200, "learning_rate": 3e-4, "validate_every": 25, "warmup": 20}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    Raises:
        ConfigError: a setting is not known, of composers, or out of range, or the corpus has other features than the checkpoint.
    """
    given = with_defaults(settings, TUNED if start else FRESH, gpu, COMPOSERS, "a corpus of recordings")
    features = from_json(MelConfig, corpus.manifest["settings"]["features"], f"{corpus.folder}: features")
    network = {name: given.pop(name) for name in NETWORK if name in given}
    model = DetectorConfig(features=features, **network)
    if start:
        refuse_sizes(network, start)
        model = load_detector(start).config
        if model.features != features:
            raise ConfigError(f"corpus: prepared with other features than {start} hears; prepare it anew")
    model = replace(model, dropout=given.pop("dropout", model.dropout))
    data = {name: given.pop(name) for name in DATA if name in given}
    data["shortest"] = min(DataConfig().shortest, data.get("length", DataConfig().length))
    return TrainConfig(
        model=model,
        training=from_json(TrainingConfig, given, "train"),
        data=from_json(DataConfig, data | {"random_seed": given.get("random_seed", 0)}, "train"),
        start=start,
    )


class DetectorTask:
    """What the trainer needs of detection."""

    unit = NATS

    def __init__(self, model: Detector, corpus: Corpus, config: TrainConfig) -> None:
        """Opens the corpus.

        Raises:
            CorpusError: train or valid lacks music or speech, or valid has no clip that can be heard.
        """
        self.model: nn.Module = model
        self.config = config
        self.train = Draw(recordings_of(corpus, "train"), config.model.features)
        self.valid = self._held_out(Draw(recordings_of(corpus, "valid"), config.model.features))
        features = config.model.features
        if not any(level_db(clip.decibels, features) >= SILENCE_DB for clip in clips_of_corpus(corpus, "valid", features)):
            raise CorpusError(f"{corpus.folder}: nothing in its valid split is loud and long enough to be measured on")
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        return windows(self.train, self.config.data, part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`."""
        lost = count = 0.0
        device = next(model.parameters()).device
        for batch in self.valid[rank::size]:
            nats, windows_, _ = model.loss(on_device(batch, device))  # type: ignore[operator]
            lost, count = lost + float(nats), count + float(windows_)
        return lost, count

    def _held_out(self, draw: Draw) -> list[Batch]:
        """Windows of valid of a clip's length, always the same, changed as those of train are: as they were is too easy."""
        length, random = round(CLIP_SECONDS * self.config.model.features.frame_rate), np.random.default_rng(0)
        kinds = [KINDS[i % 2] for i in range(self.config.valid_windows)]
        chosen = [draw.window(kind, length, self.config.data.augment, random) for kind in kinds]
        size = self.config.data.batch_size
        return [collated(chosen[i : i + size], kinds[i : i + size]) for i in range(0, len(chosen), size)]


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a detector: see `melodia.training.trained`."""

    def finish(model: Detector, task: DetectorTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        scores = with_temperature(model, task.valid, corpus)
        return "tells music from speech", {"valid_nats_a_window": result.best_loss, "valid": scores}

    return trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_detector,
        make=lambda: Detector(config.model),
        task=DetectorTask,
        finish=finish,
        card_of=card_of,
    )


def with_temperature(model: Detector, valid: list[Batch], corpus: Corpus) -> dict[str, Any]:
    """Finds the temperature that is honest on windows of valid, puts it into the model, and returns its scores on valid."""
    changed = [Clip(KINDS[int(s)], "", "", d) for batch in valid for d, s in zip(*batch, strict=True)]
    heard = hear_all(model, changed)
    if heard:  # none is, if all of valid is too quiet
        model.config = replace(model.config, temperature=choose_temperature(heard))
    scores = score(hear_all(model, clips_of_corpus(corpus, "valid", model.config.features)), model.config.temperature)
    return scores | {"right_changed": float(np.mean([h.is_right for h in heard])) if heard else 0.0}


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    scores = metrics["valid"]
    kinds = ", ".join(f"{kind} {of['right']:.1%}" for kind, of in scores["kinds"].items())
    return f"{scores['right']:.1%} of {scores['clips']} clips of 5 s of valid are right ({kinds})"


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    scores = info.metrics["valid"]
    metrics = [
        f"On valid: {info.metrics['valid_nats_a_window']:.3f} nats a window with noise, rooms and the like, "
        f"{scores['right_changed']:.1%} right, by which the iteration and the temperature were chosen. Clips as they are:\n",
        "| source | clips | right |\n|---|---|---|",
        *(f"| {name} | {of['clips']} | {of['right']:.1%} |" for name, of in scores["sources"].items()),
        f"| all | {scores['clips']} | {scores['right']:.1%} |",
    ]
    heading = "A detector of music and speech"
    return card(info, heading=heading, kind="Stacked LSTMs over time", split_by="recording", metrics=metrics)

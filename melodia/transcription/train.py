"""A prepared corpus of recordings -> a checkpoint of the transcriber."""

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
from melodia.errors import ConfigError
from melodia.features import FeatureConfig
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
from melodia.transcription.checkpoint import load_transcriber
from melodia.transcription.data import DataConfig, Recording, collated, excerpt, windows
from melodia.transcription.evaluate import Item, choose_thresholds, items_of_corpus
from melodia.transcription.model import Batch, Transcriber, TranscriberConfig

NATS = ("nats a frame", 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a transcriber's training. `start`: the checkpoint to begin from."""

    model: TranscriberConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""
    valid_windows: int = 96  # of valid, to measure on while training

    def __post_init__(self) -> None:
        check_range("valid_windows", self.valid_windows, 1)


DATA = ("batch_size", "length")
COMPOSERS = ("whole", "cell", "num_layers", "residual", "layer_norm")  # settings that have no meaning here
DECODED, DECODED_SECONDS = 12, 900.0  # recordings of valid, and their length at most, to choose thresholds on
FRESH: dict[str, Any] = {"iterations": 4000, "learning_rate": 3e-3, "validate_every": 200, "warmup": 100}
TUNED: dict[str, Any] = {"iterations": 400, "learning_rate": 3e-4, "validate_every": 50, "warmup": 20}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    Raises:
        ConfigError: a setting is not known, of composers, or out of range, or the corpus has other features than the checkpoint.
    """
    given = with_defaults(settings, TUNED if start else FRESH, gpu, COMPOSERS, "a corpus of recordings")
    features = from_json(FeatureConfig, corpus.manifest["settings"]["features"], f"{corpus.folder}: features")
    model = TranscriberConfig(features=features, dropout=given.pop("dropout", 0.0))
    if size := given.pop("hidden_size", None):
        if start:
            refuse_sizes({"hidden_size": size}, start)
        model = replace(model, input_size=size, hidden_sizes=(size, size, size))
    if start:
        model = replace(load_transcriber(start).config, dropout=model.dropout)
        if model.features != features:
            raise ConfigError(f"corpus: prepared with other features than {start} hears; prepare it anew")
    data = {name: given.pop(name) for name in DATA if name in given}
    return TrainConfig(
        model=model,
        training=from_json(TrainingConfig, given, "train"),
        data=from_json(DataConfig, data | {"random_seed": given.get("random_seed", 0)}, "train"),
        start=start,
    )


class TranscriberTask:
    """What the trainer needs of transcription."""

    unit = NATS

    def __init__(self, model: Transcriber, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = model
        self.config = config
        self.frame_rate = config.model.features.frame_rate
        self.train = recordings_of(corpus, "train")
        self.valid = self._held_out(recordings_of(corpus, "valid"))
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        return windows(self.train, self.frame_rate, self.config.data, part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`."""
        lost = frames = 0.0
        device = next(model.parameters()).device
        for batch in self.valid[rank::size]:
            nats, count, _ = model.loss(on_device(batch, device))  # type: ignore[operator]
            lost, frames = lost + float(nats), frames + float(count)
        return lost, frames

    def _held_out(self, recordings: list[Recording]) -> list[Batch]:
        """Windows of valid, always the same, unchanged."""
        plain, random = replace(self.config.data, augment=False), np.random.default_rng(0)
        chosen = [recordings[i % len(recordings)] for i in range(min(self.config.valid_windows, 8 * len(recordings)))]
        items = [excerpt(recording, self.frame_rate, plain, random) for recording in chosen]
        return [collated(items[i : i + plain.batch_size]) for i in range(0, len(items), plain.batch_size)]


def recordings_of(corpus: Corpus, split: str) -> list[Recording]:
    """The pieces of a split, memory-mapped.

    Raises:
        CorpusError: there are none.
    """
    arrays = [corpus.pieces(split, array) for array in ("frames", "notes", "pedal")]
    return [Recording(*(of[i] for of in arrays)) for i in range(len(arrays[0]))]


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a transcriber: see `melodia.training.trained`."""

    def finish(model: Transcriber, task: TranscriberTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        if all(recording.pedal[:, 0].min(initial=0) < 0 for recording in task.train):
            result.notices.append("no recording says where the pedal is down, so --pedal of this model means nothing")
        scores = with_thresholds(model, corpus)
        return "writes down pianos", {"valid_nats_a_frame": result.best_loss, "valid": scores}

    return trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_transcriber,
        make=lambda: Transcriber(config.model),
        task=TranscriberTask,
        finish=finish,
        card_of=card_of,
    )


def with_thresholds(model: Transcriber, corpus: Corpus) -> dict[str, float]:
    """Finds the thresholds that do best on some recordings of valid, puts them into the model, and returns its scores."""
    items = items_of_corpus(corpus, "valid", model.config.features)
    chosen: list[Item] = []
    for item in items[:: max(len(items) // DECODED, 1)][:DECODED]:
        if not chosen or sum(i.seconds for i in chosen) + item.seconds < DECODED_SECONDS:
            chosen.append(item)
    decode, scores = choose_thresholds(model.eval(), chosen)
    model.config = replace(model.config, decode=decode)
    return scores


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    scores = metrics["valid"]
    return (
        f"{metrics['valid_nats_a_frame']:.3f} nats a frame on valid, weighted; onsets within 50 ms F1 {scores['onset_50']:.3f}, "
        f"frames {scores['frames']:.3f}"
    )


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    metrics = [
        f"- valid: {info.metrics['valid_nats_a_frame']:.3f} nats a frame, weighted",
        *(f"- valid, F1: {name.replace('_', ' ')} {value:.3f}" for name, value in info.metrics["valid"].items()),
        "\nThe thresholds of the decoder were chosen on the same recordings.",
    ]
    kind = "Stacked LSTMs over keys and time"
    return card(info, heading="A transcriber", kind=kind, split_by="recording", metrics=metrics)

"""A prepared corpus of recordings -> a checkpoint of the transcriber."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from melodia.checkpoint import CheckpointInfo, find_checkpoint, save_checkpoint, sources_of
from melodia.config import check_range, from_json, to_json
from melodia.corpus import Corpus
from melodia.errors import ConfigError, CorpusError
from melodia.features import FeatureConfig
from melodia.training import Cluster, Loaded, Position, Progress, RunConfig, RunResult, Trainer, TrainingConfig, provenance
from melodia.training import train as run_training
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
    if of_composers := [name for name in COMPOSERS if settings.get(name) is not None]:
        raise ConfigError(f"{of_composers[0]}: is of composers, and this corpus is of recordings; leave it out")
    given = {name: value for name, value in settings.items() if value is not None}
    given = {**(TUNED if start else FRESH), "precision": "bfloat16" if gpu else "float32", **given}
    features = from_json(FeatureConfig, corpus.manifest["settings"]["features"], f"{corpus.folder}: features")
    model = TranscriberConfig(features=features, dropout=given.pop("dropout", 0.0))
    if size := given.pop("hidden_size", None):
        if start:
            raise ConfigError(f"hidden_size: the network is that of {start}; leave it out, or train from nothing")
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
            nats, count, _ = model.loss(Batch(*(t.to(device) for t in batch)))  # type: ignore[operator]
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
    corpus: Corpus,
    run: RunConfig,
    config: TrainConfig,
    cluster: Cluster | None = None,
    report: Callable[[Progress, Trainer], None] = lambda progress, trainer: None,
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a transcriber and writes its checkpoint; while it runs, the folder holds the resume state.

    Returns:
        the checkpoint's info, and how the run ended; no info if it was stopped before anything was measured.

    Raises:
        MelodiaError: the corpus is of another domain or lacks a split, the checkpoint to begin from cannot be
            read, the loss is no number, nothing can be written, or the output folder holds something else.
    """
    if corpus.manifest["domain"] != "transcription":
        raise CorpusError(f"{corpus.folder}: prepared for {corpus.manifest['domain']}, not for transcription")
    cluster = cluster or Cluster(torch.device("cpu"))
    torch.manual_seed(config.training.random_seed)  # the weights are drawn when the layers are made
    model = Transcriber(config.model)
    if config.start:
        model.load_state_dict(load_transcriber(config.start).state_dict())
    task = TranscriberTask(model, corpus, config)
    run.measure_start = bool(config.start)
    result = run_training(task, config.training, run, cluster, report)
    if (result.stopped and not result.best_iteration) or not cluster.leads:
        return None, result
    model.load_state_dict(result.weights)
    if all(recording.pedal[:, 0].min(initial=0) < 0 for recording in task.train):
        result.notices.append("no recording says where the pedal is down, so --pedal of this model means nothing")
    scores = with_thresholds(model, corpus)
    info = describe(corpus, model, config, result)
    info.metrics |= {"valid": scores}
    save_checkpoint(run.output, info, model.state_dict(), card(info))
    return info, result


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


def describe(corpus: Corpus, model: Transcriber, config: TrainConfig, result: RunResult) -> CheckpointInfo:
    """What the checkpoint says of itself."""
    sources = sources_of(corpus.manifest["sources"], config.start)
    return CheckpointInfo(
        domain="transcription",
        title=f"a transcriber of one's own ({', '.join(s['name'] for s in sources)})",
        model=to_json(model.config),
        licence="trained on: " + ", ".join(f"{s['name']} ({s['licence']})" for s in sources),
        data=sources,
        training=provenance(corpus, config.start, result, trainer=config.training, data=config.data),
        metrics={"valid_nats_a_frame": result.best_loss, "notices": result.notices},
    )


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    scores = metrics["valid"]
    return (
        f"{metrics['valid_nats_a_frame']:.3f} nats a frame on valid, weighted; onsets within 50 ms F1 {scores['onset_50']:.3f}, "
        f"frames {scores['frames']:.3f}"
    )


def card(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    training, start = info.training, info.training["from"]
    sources = "\n".join(f"- {s['name']}: {s.get('files', '?')} files, {s['licence']} {s['url']}" for s in info.data)
    split = ", ".join(f"{n} {s}" for s, n in training["pieces"].items())
    return (
        f"# A transcriber\n\nStacked LSTMs over keys and time, trained with melodia {training['code_version']}"
        + (f", beginning from the checkpoint `{Path(start).name}`" if start else "")
        + f".\n\n"
        f"## Data\n\n{sources}\n\nSplit, by recording: {split}.\n\n"
        f"## Training\n\n{training['iterations']} iterations in {training['seconds'] / 60:.1f} minutes; the weights are those "
        f"of iteration {training['best_iteration']}, the best on valid. Settings are in `config.json`.\n\n"
        f"## Metrics\n\n- valid: {info.metrics['valid_nats_a_frame']:.3f} nats a frame, weighted\n"
        + "".join(f"- valid, F1: {name.replace('_', ' ')} {value:.3f}\n" for name, value in info.metrics["valid"].items())
        + "\nThe thresholds of the decoder were chosen on the same recordings.\n"
        + "".join(f"\n{notice}.\n" for notice in info.metrics["notices"])
    )

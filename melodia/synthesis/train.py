"""A prepared corpus of one speaker -> a voice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from melodia.checkpoint import CheckpointInfo, find_checkpoint
from melodia.config import check_range, from_json, to_json
from melodia.corpus import Corpus
from melodia.errors import ConfigError, CorpusError
from melodia.features import MelConfig
from melodia.synthesis.checkpoint import load_voice
from melodia.synthesis.data import DataConfig, Utterance, batches, collated, utterances_of
from melodia.synthesis.layout import readings_of
from melodia.synthesis.model import Batch, Voice, VoiceConfig
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
from melodia.training.lots import in_batches

NATS = ("nats a frame", 1.0)
MEASURED = 400  # utterances of train by which means and spreads are told
THINNEST = 1e-3  # of a spread


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a voice's training. `start`: the checkpoint to begin from."""

    model: VoiceConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""


OTHERS = ("whole", "cell", "residual", "layer_norm", "length", "num_layers")  # settings that have no meaning here
FRESH: dict[str, Any] = {"iterations": 6000, "learning_rate": 2e-3, "validate_every": 250, "warmup": 200, "patience": 20}
TUNED: dict[str, Any] = {"iterations": 600, "learning_rate": 5e-4, "validate_every": 50, "warmup": 20}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    `batch_size` counts seconds of speech; `hidden_size` is that of teller and painter, the reader has five eighths of it.

    Raises:
        ConfigError: a setting is not known, of others, or out of range, or the corpus has other features than the checkpoint.
    """
    given = with_defaults(settings, TUNED if start else FRESH, gpu, OTHERS, "a corpus of a voice")
    features = from_json(MelConfig, corpus.manifest["settings"]["features"], f"{corpus.folder}: features")
    dropout, width = given.pop("dropout", None), given.pop("hidden_size", None)
    if start:
        refuse_sizes({"hidden_size": width} if width else {}, start)
        model = load_voice(start).config
        if model.features != features:
            raise ConfigError(f"corpus: prepared with other features than {start}; prepare it anew")
    else:
        model = VoiceConfig(features=features)
        if width is not None:
            check_range("hidden_size", width, 2, 4096)
            model = replace(model, teller_size=width, painter_size=width, reader_size=max(5 * width // 8, 1))
    model = replace(model, dropout=model.dropout if dropout is None else dropout)
    data: dict[str, Any] = {"random_seed": given.get("random_seed", 0)}
    if (seconds := given.pop("batch_size", None)) is not None:
        data["batch_seconds"] = seconds
    return TrainConfig(
        model=model, training=from_json(TrainingConfig, given, "train"), data=from_json(DataConfig, data, "train"), start=start
    )


class VoiceTask:
    """What the trainer needs of a voice."""

    unit = NATS

    def __init__(self, model: Voice, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = model
        self.data = config.data
        rate = config.model.features.frame_rate
        self.most = round(config.data.batch_seconds * rate)
        self.utterances, self.lengths = self._of(corpus, "train", config.data.longest_seconds * rate)
        valid, lengths = self._of(corpus, "valid", config.data.longest_seconds * rate)
        lots = in_batches(np.arange(len(valid)), lengths, self.most, [0])
        self.valid: list[Batch] = [collated([valid[i] for i in lot.tolist()]) for lot in lots]
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])
        if not config.start:
            self._measure(model)

    @staticmethod
    def _of(corpus: Corpus, split: str, longest: float) -> tuple[list[Utterance], np.ndarray]:
        fits = [u for u in utterances_of(corpus, split) if len(u.pitch) <= longest]
        if not fits:
            raise CorpusError(f"{corpus.folder}: no utterance in its {split} split is short enough")
        return fits, np.array([len(u.pitch) for u in fits])

    def _measure(self, model: Voice) -> None:
        """Tells the model the means and spreads of the corpus."""
        chosen = np.random.default_rng(0).permutation(len(self.utterances))[:MEASURED]
        rows: dict[str, list[np.ndarray]] = {"bands": [], "hiss": [], "readings": []}
        for utterance in (self.utterances[i] for i in chosen.tolist()):
            sound = utterance.sound()
            rows["bands"].append(sound.bands)
            rows["hiss"].append(sound.hiss[sound.pitch > 0])
            rows["readings"].append(readings_of(sound, np.asarray(utterance.signs[:, 2], np.int64)))
        for name, parts in rows.items():
            joined = np.concatenate(parts) if sum(map(len, parts)) else np.zeros((1, parts[0].shape[1]))
            getattr(model, f"{name}_mean").copy_(torch.from_numpy(joined.mean(axis=0)))
            getattr(model, f"{name}_spread").copy_(torch.from_numpy(np.maximum(joined.std(axis=0), THINNEST)))

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        return batches(self.utterances, self.lengths, self.most, self.data, part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`."""
        lost = frames = 0.0
        device = next(model.parameters()).device
        for batch in self.valid[rank::size]:
            nats, count, _ = model.loss(on_device(batch, device))  # type: ignore[operator]
            lost, frames = lost + float(nats), frames + float(count)
        return lost, frames


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a voice: see `melodia.training.trained`."""

    def finish(model: Voice, task: VoiceTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        return "speaks English", {"valid_nats_a_frame": result.best_loss}

    return trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_voice,
        make=lambda: Voice(config.model),
        task=VoiceTask,
        finish=finish,
        card_of=card_of,
    )


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    return f"{metrics['valid_nats_a_frame']:.3f} nats a frame on valid; `melodia speak` with --voice says more"


def card_of(info: CheckpointInfo) -> str:
    """The card of a voice that has just been trained."""
    metrics = [f"- valid: {info.metrics['valid_nats_a_frame']:.3f} nats a frame"]
    kind = "Stacked LSTMs: a reader, a teller with a mixture density, a painter"
    return card(info, heading="A voice", kind=kind, split_by="text", metrics=metrics)

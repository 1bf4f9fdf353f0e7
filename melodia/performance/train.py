"""A prepared corpus of performances -> a checkpoint of a pianist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from melodia.checkpoint import CheckpointInfo, find_checkpoint
from melodia.config import from_json, to_json
from melodia.corpus import Corpus
from melodia.performance.checkpoint import load_pianist
from melodia.performance.data import DataConfig, Performances, pieces_of
from melodia.performance.model import Pianist, PianistConfig
from melodia.training import (
    Cluster,
    Loaded,
    Position,
    Report,
    RunConfig,
    RunResult,
    TrainingConfig,
    card,
    refuse_sizes,
    silent,
    trained,
    with_defaults,
)

NATS = ("nats an event", 1.0)
VALID_EVENTS = 1000  # of each piece of valid, from its first on, that are measured in training


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a pianist's training. `start`: the checkpoint to begin from."""

    model: PianistConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""


SIZES = ("hidden_size", "num_layers")
DATA = ("batch_size", "length")
OTHERS = ("whole", "cell", "residual", "layer_norm")  # settings that have no meaning here
FRESH: dict[str, Any] = {"iterations": 5000, "learning_rate": 2e-3, "validate_every": 200}
TUNED: dict[str, Any] = {"iterations": 500, "learning_rate": 3e-4, "validate_every": 50, "warmup": 20}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    Raises:
        ConfigError: a setting is not known, of others, or out of range.
    """
    given = with_defaults(settings, TUNED if start else FRESH, gpu, OTHERS, "a corpus of performances")
    sizes = {name: given.pop(name) for name in SIZES if name in given}
    dropout = given.pop("dropout", None)
    data = {name: given.pop(name) for name in DATA if name in given} | {"random_seed": given.get("random_seed", 0)}
    if start:
        refuse_sizes(sizes, start)
    sized = load_pianist(start).config if start else from_json(PianistConfig, sizes, "train")
    return TrainConfig(
        model=sized if dropout is None else replace(sized, dropout=dropout),
        training=from_json(TrainingConfig, given, "train"),
        data=from_json(DataConfig, data, "train"),
        start=start,
    )


class PerformanceTask:
    """What the trainer needs of a pianist."""

    unit = NATS

    def __init__(self, model: Pianist, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = model
        self.train = Performances(pieces_of(corpus, "train"), config.data)
        self.valid = [np.asarray(piece[:VALID_EVENTS]) for piece in pieces_of(corpus, "valid")]
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        return self.train.batches(part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`: how pieces begin, as `melodia.performance.evaluate` reads them whole."""
        mine = sorted(self.valid, key=len)[rank::size]
        return sum(model.nats(mine)), float(sum(map(len, mine)))  # type: ignore[operator]


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a pianist: see `melodia.training.trained`."""

    def finish(model: Pianist, task: PerformanceTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        return "plays the piano, with the timing and the loudness of a hand", {"valid_nats_an_event": result.best_loss}

    return trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_pianist,
        make=lambda: Pianist(config.model),
        task=PerformanceTask,
        finish=finish,
        card_of=card_of,
    )


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    return f"{metrics['valid_nats_an_event']:.4f} nats an event on how the pieces of valid begin"


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    metrics = [
        f"- valid: {info.metrics['valid_nats_an_event']:.4f} nats an event, the first {VALID_EVENTS} of each piece; whole pieces "
        "with `melodia evaluate`"
    ]
    text = card(info, heading="A pianist", kind="Stacked LSTMs over the events of performances", split_by="piece", metrics=metrics)
    return text + "".join(f"\n{line}\n" for line in terms(info))


def terms(info: CheckpointInfo) -> list[str]:
    """What the licences of the data ask of the weights, as lines of the card."""
    shared = sorted({source["licence"] for source in info.data if "-SA-" in source["licence"]})
    return [f"## Licence\n\nThese weights are under {licence}, as the data is that they were made of." for licence in shared]

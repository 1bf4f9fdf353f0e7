"""A prepared corpus of piano rolls -> a checkpoint of a model of frames."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from melodia.checkpoint import CheckpointInfo, find_checkpoint
from melodia.config import check_range, from_json, to_json
from melodia.corpus import Corpus
from melodia.polyphony.checkpoint import load_polyphony
from melodia.polyphony.data import DataConfig, Pieces, keys_of, pieces_of
from melodia.polyphony.model import SIDE_BY_SIDE, PolyphonyConfig, PolyphonyModel
from melodia.polyphony.prepare import FIRST_PITCH, KEYS, Frames
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

NATS = ("nats a frame", 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of the training of a model of frames. `start`: the checkpoint to begin from."""

    model: PolyphonyConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""
    valid_frames: int = 20_000  # about so many of valid, to measure on while training: whole pieces

    def __post_init__(self) -> None:
        check_range("valid_frames", self.valid_frames, 1)


DATA = ("batch_size", "length")
OTHERS = ("whole", "cell", "residual", "layer_norm")  # settings that have no meaning here
FRESH: dict[str, Any] = {"iterations": 3000, "learning_rate": 3e-3, "validate_every": 100, "warmup": 100, "patience": 20}
TUNED: dict[str, Any] = {"iterations": 300, "learning_rate": 5e-4, "validate_every": 50, "warmup": 20}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    `independent`: see `PolyphonyConfig`. `hidden_size` is that of the stack over time, that over pitches has half of it; both have
    `num_layers`. Pitches are those of train, and as many more as pieces may be transposed by.

    Raises:
        ConfigError: a setting is not known, of others, or out of range.
        CorpusError: there is nothing to train on.
    """
    given = with_defaults(settings, TUNED if start else FRESH, gpu, OTHERS, "a corpus of piano rolls")
    sizes: dict[str, Any] = {name: given.pop(name) for name in ("independent", "hidden_size", "num_layers") if name in given}
    dropout = given.pop("dropout", None)
    data = {name: given.pop(name) for name in DATA if name in given} | {"random_seed": given.get("random_seed", 0)}
    reading = from_json(DataConfig, data, "train")
    if start:
        refuse_sizes(sizes, start)
        sized = load_polyphony(start).config
    else:
        sized = _sized(corpus, reading.transpose, **sizes)
    return TrainConfig(
        model=sized if dropout is None else replace(sized, dropout=dropout),
        training=from_json(TrainingConfig, given, "train"),
        data=reading,
        start=start,
    )


def _sized(
    corpus: Corpus, margin: int, independent: bool = False, hidden_size: int | None = None, num_layers: int | None = None
) -> PolyphonyConfig:
    low, high = keys_of(pieces_of(corpus, "train"))
    pitches: dict[str, Any] = {
        "independent": independent,
        "lowest_pitch": FIRST_PITCH + max(low - margin, 0),
        "highest_pitch": FIRST_PITCH + min(high + margin, KEYS - 1),
    }
    model = PolyphonyConfig(**pitches)
    if hidden_size is not None:
        check_range("hidden_size", hidden_size, 2, 16_384)
        model = replace(model, time_size=hidden_size, pitch_size=hidden_size // 2)
    return model if num_layers is None else replace(model, num_time_layers=num_layers, num_pitch_layers=num_layers)


class PolyphonyTask:
    """What the trainer needs of a model of frames."""

    unit = NATS

    def __init__(self, model: PolyphonyModel, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = model
        self.train = Pieces(pieces_of(corpus, "train"), config.data, model.first, model.last)
        self.valid = some_of(pieces_of(corpus, "valid"), config.valid_frames)
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        return self.train.batches(part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`: whole pieces, as `melodia.polyphony.evaluate` has them."""
        mine = sorted(self.valid, key=len)[rank::size]
        lots = [mine[i : i + SIDE_BY_SIDE] for i in range(0, len(mine), SIDE_BY_SIDE)]
        nats: list[float] = [n for lot in lots for n in model.nats(lot)]  # type: ignore[operator]
        return sum(nats), float(sum(len(piece) - 1 for piece in mine))


def some_of(pieces: Sequence[Frames], frames: int) -> list[Frames]:
    """Pieces drawn, always the same, each that fits into what is left of so many frames; all if there are fewer."""
    chosen: list[Frames] = []
    for i in np.random.default_rng(0).permutation(len(pieces)).tolist():
        if chosen and sum(map(len, chosen)) + len(pieces[i]) > frames:
            continue
        chosen.append(pieces[i])
    return chosen


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a model of frames: see `melodia.training.trained`."""

    def finish(model: PolyphonyModel, task: PolyphonyTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        return "knows which frame of a piano roll comes next", {"valid_nats_a_frame": result.best_loss}

    return trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_polyphony,
        make=lambda: PolyphonyModel(config.model),
        task=PolyphonyTask,
        finish=finish,
        card_of=card_of,
    )


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    return f"{metrics['valid_nats_a_frame']:.3f} nats a frame on valid"


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    metrics = [f"- valid: {info.metrics['valid_nats_a_frame']:.3f} nats a frame, of the pieces that were measured while training"]
    kind = "Stacked LSTMs over time and over pitches, with the same weights for all pitches"
    return card(info, heading="A model of frames", kind=kind, split_by="piece", metrics=metrics)

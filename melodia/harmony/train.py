"""A prepared corpus of four-part music -> a checkpoint of a choir."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from melodia.checkpoint import CheckpointInfo, find_checkpoint
from melodia.config import check_range, from_json, to_json
from melodia.corpus import Corpus
from melodia.harmony.checkpoint import load_choir
from melodia.harmony.data import DataConfig, Pieces, pieces_of, ranges_of
from melodia.harmony.model import GIVEN, SIDE_BY_SIDE, UNGIVEN, Choir, ChoirConfig, check_pitches
from melodia.harmony.prepare import NUM_VOICES
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

NATS = ("nats a token", 1.0)
MARGIN = 3  # semitones beyond the pitches of train that are modelled too


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a choir's training. `start`: the checkpoint to begin from."""

    model: ChoirConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""


DATA = ("batch_size", "length")
OTHERS = ("whole", "cell", "residual", "layer_norm")  # settings that have no meaning here
FRESH: dict[str, Any] = {
    "iterations": 3000,
    "learning_rate": 3e-3,
    "validate_every": 50,
    "warmup": 100,
    "patience": 20,
    "average": 0.995,
}
HARMONIZER: dict[str, Any] = {"iterations": 500, "learning_rate": 5e-3, "average": 0.985}
AHEAD_SIZE = 128
TUNED: dict[str, Any] = {"iterations": 300, "learning_rate": 5e-4, "validate_every": 25, "warmup": 20, "average": 0.98}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    `hidden_size` is that of the stack over time, that over voices has half of it; both have `num_layers`. Pitches are those
    of train, and `MARGIN` more either side. `harmonizer`: train one, which knows some voices from the outset.

    Raises:
        ConfigError: a setting is not known, of others, or out of range.
        CorpusError: there is nothing to train on.
    """
    fresh = FRESH | HARMONIZER if settings.get("harmonizer") else FRESH
    given = with_defaults(settings, TUNED if start else fresh, gpu, OTHERS, "a corpus of four-part music")
    sizes: dict[str, Any] = {name: given.pop(name) for name in ("harmonizer", "hidden_size", "num_layers") if name in given}
    dropout = given.pop("dropout", None)
    data = {name: given.pop(name) for name in DATA if name in given} | {"random_seed": given.get("random_seed", 0)}
    if start:
        refuse_sizes(sizes, start)
        sized = load_choir(start).config
    else:
        sized = _sized(corpus, **sizes)
    data["given"] = sized.ahead_size > 0
    return TrainConfig(
        model=sized if dropout is None else replace(sized, dropout=dropout),
        training=from_json(TrainingConfig, given, "train"),
        data=from_json(DataConfig, data, "train"),
        start=start,
    )


def _sized(corpus: Corpus, harmonizer: bool = False, hidden_size: int | None = None, num_layers: int | None = None) -> ChoirConfig:
    ranges = ranges_of(pieces_of(corpus, "train"))
    low, high = int(ranges[:, 0].min()), int(ranges[:, 1].max())
    model = ChoirConfig(lowest_pitch=max(low - MARGIN, 0), highest_pitch=min(high + MARGIN, 127))
    if hidden_size is not None:
        check_range("hidden_size", hidden_size, 2, 16_384)
        model = replace(model, time_size=hidden_size, voice_size=hidden_size // 2)
    if harmonizer:
        model = replace(model, ahead_size=AHEAD_SIZE if hidden_size is None else hidden_size // 2)
    return model if num_layers is None else replace(model, num_time_layers=num_layers, num_voice_layers=num_layers)


class HarmonyTask:
    """What the trainer needs of a choir."""

    unit = NATS

    def __init__(self, model: Choir, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = model
        self.config = model.config
        self.train = Pieces(pieces_of(corpus, "train"), config.data)
        self.valid = pieces_of(corpus, "valid")
        for piece in [*self.train.pieces, *self.valid]:
            check_pitches(piece, model.config)
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        return self.train.batches(part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`: whole pieces, as `melodia.harmony.evaluate` has them."""
        mine = sorted(self.valid, key=len)[rank::size]
        lots = [mine[i : i + SIDE_BY_SIDE] for i in range(0, len(mine), SIDE_BY_SIDE)]
        given = GIVEN if self.config.ahead_size else UNGIVEN
        nats: list[float] = [n for lot in lots for n in model.nats(lot, given)]  # type: ignore[operator,union-attr]
        return sum(nats), float((NUM_VOICES - sum(given)) * sum(len(piece) for piece in mine))


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a choir: see `melodia.training.trained`."""

    def finish(model: Choir, task: HarmonyTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        return "sets voices to those that are given" if model.config.ahead_size else "knows what four voices sing next", {
            "valid_nats_a_token": result.best_loss
        }

    return trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_choir,
        make=lambda: Choir(config.model),
        task=HarmonyTask,
        finish=finish,
        card_of=card_of,
    )


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    return f"{metrics['valid_nats_a_token']:.4f} nats a token on valid"


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    sets = bool(info.model["ahead_size"])
    of = " of the other voices, the soprano given" if sets else ""
    metrics = [f"- valid: {info.metrics['valid_nats_a_token']:.4f} nats a token{of}"]
    kind = "Stacked LSTMs over time and over the four voices of a step"
    kind += ", and one from the end over those that are given" if sets else ""
    return card(info, heading="A harmonizer" if sets else "A choir", kind=kind, split_by="piece", metrics=metrics)

"""A prepared corpus of spellings -> a checkpoint of the speller."""

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
from melodia.spelling.checkpoint import load_spelling
from melodia.spelling.data import DataConfig, batches, lots, words_of
from melodia.spelling.evaluate import evaluate
from melodia.spelling.model import SpellingConfig, SpellingModel
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

NATS = ("nats a sign", 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a speller's training. `start`: the checkpoint to begin from."""

    model: SpellingConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""
    valid_words: int = 4000  # of valid, to measure on while training

    def __post_init__(self) -> None:
        check_range("valid_words", self.valid_words, 1)


OTHERS = ("whole", "cell", "residual", "layer_norm", "length")  # settings that have no meaning here
FRESH: dict[str, Any] = {"iterations": 20_000, "learning_rate": 2e-3, "validate_every": 500, "warmup": 200}
TUNED: dict[str, Any] = {"iterations": 400, "learning_rate": 5e-4, "validate_every": 50, "warmup": 20}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    Raises:
        ConfigError: a setting is not known, of others, or out of range.
    """
    given = with_defaults(settings, TUNED if start else FRESH, gpu, OTHERS, "a corpus of spellings")
    sizes: dict[str, Any] = {name: given.pop(name) for name in ("hidden_size", "num_layers") if name in given}
    if start:
        refuse_sizes(sizes, start)
    sized = load_spelling(start).config if start else from_json(SpellingConfig, sizes, "train")
    data = {"batch_size": given.pop("batch_size")} if "batch_size" in given else {}
    return TrainConfig(
        model=replace(sized, dropout=given.pop("dropout", sized.dropout)),
        training=from_json(TrainingConfig, given, "train"),
        data=from_json(DataConfig, data | {"random_seed": given.get("random_seed", 0)}, "train"),
        start=start,
    )


class SpellingTask:
    """What the trainer needs of a speller."""

    unit = NATS

    def __init__(self, model: SpellingModel, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = model
        self.data = config.data
        self.train, valid = words_of(corpus, "train"), words_of(corpus, "valid")
        self.valid = valid.chosen(np.random.default_rng(0).permutation(len(valid.letters))[: config.valid_words])
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        return batches(self.train, self.data, part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`: some words of valid, always the same."""
        lost = signs = 0.0
        device = next(model.parameters()).device
        for lot in lots(self.valid.num_letters, self.data.batch_size, [0])[rank::size]:
            nats, count, _ = model.loss(on_device(self.valid.chosen(lot).batch(), device))  # type: ignore[operator]
            lost, signs = lost + float(nats), signs + float(count)
        return lost, signs


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a speller: see `melodia.training.trained`."""

    def finish(model: SpellingModel, task: SpellingTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        scores = evaluate(model.eval(), words_of(corpus, "valid"))
        return "spells words that no lexicon has", {
            "valid_nats_a_sign": result.best_loss,
            "valid": {k: v for k, v in scores.items() if k != "wrong"},
        }

    return trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_spelling,
        make=lambda: SpellingModel(config.model),
        task=SpellingTask,
        finish=finish,
        card_of=card_of,
    )


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    scores = metrics["valid"]
    return (
        f"{metrics['valid_nats_a_sign']:.3f} nats a sign on valid; {scores['words_wrong']:.1%} of words and "
        f"{scores['signs_wrong']:.1%} of signs wrong"
    )


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    scores = info.metrics["valid"]
    metrics = [
        f"- valid: {info.metrics['valid_nats_a_sign']:.3f} nats a sign",
        f"- valid, {scores['words']:,} words: {scores['words_wrong']:.1%} of words and {scores['signs_wrong']:.1%} of signs wrong",
        f"- the same without stress: {scores['words_wrong_unstressed']:.1%} of words and "
        f"{scores['signs_wrong_unstressed']:.1%} of phonemes wrong",
    ]
    kind = "Stacked bidirectional LSTMs over letters with connectionist temporal classification"
    return card(info, heading="A speller of English words", kind=kind, split_by="list of words", metrics=metrics)

"""A prepared corpus of texts -> a checkpoint of the language model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from melodia.checkpoint import CheckpointInfo, find_checkpoint
from melodia.config import check_range, from_json, to_json
from melodia.corpus import Corpus
from melodia.language.checkpoint import load_language
from melodia.language.model import END, UNREAD, Batch, LanguageConfig, LanguageModel
from melodia.language.trigrams import FILE, Trigrams, count_trigrams
from melodia.text import text_of
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
    share_of_batch,
    silent,
    trained,
    with_defaults,
)

BITS = ("bits a letter", 1 / float(np.log(2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """`batch_size` spans of `length` letters, each from the beginning of a sentence on."""

    batch_size: int = 64
    length: int = 192
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1, 65_536)
        check_range("length", self.length, 8, 100_000)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a language model's training. `start`: the checkpoint to begin from."""

    model: LanguageConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""
    valid_letters: int = 200_000  # of valid, to measure on while training

    def __post_init__(self) -> None:
        check_range("valid_letters", self.valid_letters, 1)


DATA = ("batch_size", "length")
OTHERS = ("whole", "cell", "residual", "layer_norm")  # settings that have no meaning here
FRESH: dict[str, Any] = {"iterations": 6000, "learning_rate": 3e-3, "validate_every": 250, "warmup": 200}
TUNED: dict[str, Any] = {"iterations": 400, "learning_rate": 5e-4, "validate_every": 50, "warmup": 20}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    Raises:
        ConfigError: a setting is not known, of others, or out of range.
    """
    given = with_defaults(settings, TUNED if start else FRESH, gpu, OTHERS, "a corpus of texts")
    sizes: dict[str, Any] = {name: given.pop(name) for name in ("hidden_size", "num_layers") if name in given}
    if start:
        refuse_sizes(sizes, start)
    sized = load_language(start).config if start else from_json(LanguageConfig, sizes, "train")
    data = {name: given.pop(name) for name in DATA if name in given}
    return TrainConfig(
        model=replace(sized, dropout=given.pop("dropout", sized.dropout)),
        training=from_json(TrainingConfig, given, "train"),
        data=from_json(DataConfig, data | {"random_seed": given.get("random_seed", 0)}, "train"),
        start=start,
    )


class Sentences:
    """All letters of some texts in a row, and where a sentence begins."""

    def __init__(self, texts: Sequence[NDArray[np.uint8]]) -> None:
        self.letters = np.concatenate(list(texts))
        self.starts = np.concatenate([[0], np.flatnonzero(self.letters[:-1] == END) + 1])

    def sentences(self) -> list[list[str]]:
        """Their words."""
        ends = np.flatnonzero(self.letters == END)
        return [words for part in np.split(self.letters, ends) if (words := text_of(part[part != END].tolist()).split())]

    def span(self, start: int, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """So many letters from a place on, each with the one before it."""
        targets = np.full(length, UNREAD, dtype=np.int64)
        found = self.letters[start : start + length]
        targets[: len(found)] = found
        letters = np.full(length, END, dtype=np.int64)
        letters[1:] = np.maximum(targets[:-1], END)
        letters[0] = self.letters[start - 1] if start else END
        return letters, targets


class LanguageTask:
    """What the trainer needs of a language model."""

    unit = BITS

    def __init__(self, model: LanguageModel, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = model
        self.data = config.data
        self.train, self.valid = (Sentences(list(corpus.pieces(split))) for split in ("train", "valid"))
        self.valid_letters = config.valid_letters
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        share_of_batch(self.data.batch_size, num_parts)
        number = position[0][0] if position else 0
        epoch = self.data.batch_size * self.data.length / len(self.train.letters)
        while True:
            random = np.random.default_rng([self.data.random_seed, number])
            starts = random.choice(self.train.starts, self.data.batch_size)[part::num_parts]
            number += 1
            yield Loaded(
                collated([self.train.span(s, self.data.length) for s in starts]), [[number]], number * epoch, carried=False
            )

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`: spans of valid one after another."""
        lost = letters = 0.0
        device, length = next(model.parameters()).device, self.data.length
        spans = range(0, min(self.valid_letters, len(self.valid.letters)), length)
        for first in range(rank * self.data.batch_size, len(spans), size * self.data.batch_size):
            batch = collated([self.valid.span(s, length) for s in spans[first : first + self.data.batch_size]])
            nats, count, _ = model.loss(on_device(batch, device))  # type: ignore[operator]
            lost, letters = lost + float(nats), letters + float(count)
        return lost, letters


def collated(spans: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> Batch:
    """Spans as a batch."""
    return Batch(*(torch.from_numpy(np.stack(of)) for of in zip(*spans, strict=True)))


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a language model, and counts its trigrams: see `melodia.training.trained`."""
    trigrams: Trigrams | None = None

    def finish(model: LanguageModel, task: LanguageTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        nonlocal trigrams  # those of a model to go on from are of many more texts, as a rule
        trigrams = load_language(config.start).trigrams if config.start else count_trigrams(task.train.sentences())
        return "knows which letter comes next", {"valid_bits_a_letter": result.best_loss * BITS[1]}

    info, ended = trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_language,
        make=lambda: LanguageModel(config.model),
        task=LanguageTask,
        finish=finish,
        card_of=card_of,
    )
    if trigrams:
        trigrams.save(run.output / FILE)
    return info, ended


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    return f"{metrics['valid_bits_a_letter']:.3f} bits a letter on valid"


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    metrics = [f"- valid: {info.metrics['valid_bits_a_letter']:.3f} bits a letter"]
    return card(info, heading="A language model", kind="Stacked LSTMs over letters", split_by="file", metrics=metrics)

"""A prepared corpus of speech -> a checkpoint of the recogniser."""

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
from melodia.errors import ConfigError, CorpusError
from melodia.features import MelConfig
from melodia.recognition.checkpoint import load_recognizer
from melodia.recognition.data import DataConfig, Utterance, batches, collated, excerpt, turns_of
from melodia.recognition.evaluate import score_greedily
from melodia.recognition.model import Batch, Recognizer, RecognizerConfig
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

NATS = ("nats a letter", 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a recogniser's training. `start`: the checkpoint to begin from."""

    model: RecognizerConfig
    training: TrainingConfig
    data: DataConfig
    start: str = ""
    valid_utterances: int = 400  # of valid, to measure on while training

    def __post_init__(self) -> None:
        check_range("valid_utterances", self.valid_utterances, 1)


OTHERS = ("whole", "cell", "residual", "layer_norm", "length")  # settings that have no meaning here
FRESH: dict[str, Any] = {"iterations": 8000, "learning_rate": 1.5e-3, "validate_every": 250, "warmup": 400}
TUNED: dict[str, Any] = {"iterations": 400, "learning_rate": 3e-4, "validate_every": 50, "warmup": 20}


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    `batch_size` counts seconds of speech, `num_layers` those of both stacks, of which the lower one has two fifths.

    Raises:
        ConfigError: a setting is not known, of others, or out of range, or the corpus has other features than the checkpoint.
    """
    given = with_defaults(settings, TUNED if start else FRESH, gpu, OTHERS, "a corpus of speech")
    features = from_json(MelConfig, corpus.manifest["settings"]["features"], f"{corpus.folder}: features")
    sizes: dict[str, Any] = {name: given.pop(name) for name in ("hidden_size", "num_layers") if name in given}
    dropout, live = given.pop("dropout", None), bool(corpus.manifest["settings"].get("live"))
    if start:
        refuse_sizes(sizes, start)
        model = load_recognizer(start).config
        if model.features != features or model.live != live:
            raise ConfigError(f"corpus: prepared for another kind of model than {start}; prepare it anew")
    else:
        if (layers := sizes.pop("num_layers", None)) is not None:
            check_range("num_layers", layers, 2, 64)
            sizes["num_layers"] = (max(2 * layers // 5, 1), layers - max(2 * layers // 5, 1))
        model = from_json(RecognizerConfig, {"features": to_json(features), "live": live, **sizes}, "train")
    model = replace(model, dropout=model.dropout if dropout is None else dropout)
    data: dict[str, Any] = {"random_seed": given.get("random_seed", 0), **({"easy_batches": 0} if start else {})}
    if (seconds := given.pop("batch_size", None)) is not None:
        data["batch_seconds"] = seconds
    return TrainConfig(
        model=model, training=from_json(TrainingConfig, given, "train"), data=from_json(DataConfig, data, "train"), start=start
    )


class RecognizerTask:
    """What the trainer needs of recognition."""

    unit = NATS

    def __init__(self, model: Recognizer, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = model
        self.config = config
        self.features = config.model.features
        self.utterances, self.lengths, sources = utterances_of(corpus, "train")
        self.turns = turns_of(sources, self.lengths, config.data, self.features.frame_rate)
        if not len(self.turns):
            raise CorpusError(f"{corpus.folder}: no utterance of at most {config.data.longest_seconds:g} s to train on")
        self.valid = self._held_out(corpus)
        start = find_checkpoint(config.start).name if config.start else ""
        self.identity = json.dumps([to_json(config.data), start, corpus.manifest["sha256"]])

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        return batches(self.utterances, self.lengths, self.turns, self.features, self.config.data, part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`: letters alone, so that models with and without known phonemes compare."""
        lost = letters = 0.0
        device = next(model.parameters()).device
        for batch in self.valid[rank::size]:
            nats, count = model.nats(on_device(batch, device))  # type: ignore[operator]
            lost, letters = lost + float(nats), letters + float(count)
        return lost, letters

    def _held_out(self, corpus: Corpus) -> list[Batch]:
        """Utterances of valid, always the same, unchanged."""
        utterances, lengths, _ = utterances_of(corpus, "valid")
        fits = np.flatnonzero(lengths <= self.config.data.longest_seconds * self.features.frame_rate)
        if not len(fits):
            raise CorpusError(f"{corpus.folder}: no utterance of at most {self.config.data.longest_seconds:g} s in its valid split")
        chosen = np.random.default_rng(0).permutation(fits)[: self.config.valid_utterances]
        most = round(self.config.data.batch_seconds * self.features.frame_rate)
        lots = in_batches(chosen, lengths, most, [0])
        random = np.random.default_rng(0)
        return [collated([excerpt(utterances[int(chosen[i])], None, random) for i in lot]) for lot in lots]


def utterances_of(corpus: Corpus, split: str) -> tuple[list[Utterance], np.ndarray, list[str]]:
    """The pieces of a split, memory-mapped, their frames, and where they are from.

    Raises:
        CorpusError: there are none.
    """
    if "sounds" not in corpus.arrays:
        raise CorpusError(f"{corpus.folder}: prepared by an older melodia, without phonemes; run `melodia prepare` again")
    frames, letters, sounds = (corpus.pieces(split, name) for name in ("frames", "letters", "sounds"))
    sources = [record.source for record in corpus.records() if record.split == split]
    return [Utterance(*(rows[i] for rows in (frames, letters, sounds))) for i in range(len(frames))], frames.lengths, sources


def train(
    corpus: Corpus, run: RunConfig, config: TrainConfig, cluster: Cluster | None = None, report: Report = silent
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a recogniser: see `melodia.training.trained`."""

    def finish(model: Recognizer, task: RecognizerTask, result: RunResult) -> tuple[str, dict[str, Any]]:
        scores = score_greedily(model.eval(), task.valid)
        return "writes down English speech", {"valid_nats_a_letter": result.best_loss, "valid": scores}

    return trained(
        corpus,
        run,
        config,
        cluster,
        report,
        load=load_recognizer,
        make=lambda: Recognizer(config.model),
        task=RecognizerTask,
        finish=finish,
        card_of=card_of,
    )


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    scores = metrics["valid"]
    return (
        f"{metrics['valid_nats_a_letter']:.3f} nats a letter on valid; read letter by letter, without a language model, "
        f"{scores['wer']:.1%} of words and {scores['cer']:.1%} of letters wrong"
    )


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    scores = info.metrics["valid"]
    metrics = [
        f"- valid: {info.metrics['valid_nats_a_letter']:.3f} nats a letter",
        f"- valid, without a language model: word error rate {scores['wer']:.1%}, letter error rate {scores['cer']:.1%}",
    ]
    kind = "Stacked LSTMs with connectionist temporal classification"
    return card(info, heading="A recogniser of speech", kind=kind, split_by="text", metrics=metrics)

"""A prepared corpus -> a checkpoint of the composer, from nothing or from another checkpoint."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from melodia.checkpoint import CheckpointInfo, find_checkpoint, save_checkpoint
from melodia.composition.augment import AugmentConfig
from melodia.composition.checkpoint import load_composer
from melodia.composition.data import DataConfig, fitted_length, streams, whole_pieces
from melodia.composition.evaluate import score_pieces
from melodia.composition.model import Composer, ComposerConfig
from melodia.composition.styles import style_of
from melodia.config import check_range, from_json, to_json
from melodia.corpus import Corpus, Pieces
from melodia.errors import CorpusError
from melodia.training import (
    Cluster,
    Loaded,
    Position,
    Progress,
    RunConfig,
    RunResult,
    Trainer,
    TrainingConfig,
    card,
    describe,
    refuse_sizes,
    share_of_batch,
    with_defaults,
)
from melodia.training import train as run_training

BITS = ("bits a note", 1 / math.log(2))
FEW_NOTES = {True: 3_000, False: 100_000}  # to train on, beginning from a checkpoint or not: fewer are learnt by heart
NO_GAIN = 0.98  # of the bits before, which are no gain to speak of


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a composer's training.

    `start`: the checkpoint to begin from, of whose sizes the network then is. Its style stays, if that is the corpus's, unless
    `restyled`.
    """

    model: ComposerConfig
    training: TrainingConfig
    data: DataConfig
    augmentation: AugmentConfig
    start: str = ""
    restyled: bool = False
    valid_events: int = 70_000  # of valid, to measure on while training

    def __post_init__(self) -> None:
        check_range("valid_events", self.valid_events, 1)


MODEL = ("hidden_size", "num_layers", "dropout", "cell", "residual", "layer_norm")
DATA = ("batch_size", "length", "whole")
FRESH = {"iterations": 7000, "dropout": 0.1, "learning_rate": 2e-3, "validate_every": 250, "warmup": 200}
TUNED = {"dropout": 0.1, "learning_rate": 5e-4, "validate_every": 10, "warmup": 10}
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)  # of the new weights, to try beside 1
TUNED_EPOCHS, FEWEST_ITERATIONS, MOST_ITERATIONS = 15, 100, 1000  # of fine-tuning


def make_config(corpus: Corpus, start: str = "", gpu: bool = False, **settings: Any) -> TrainConfig:
    """Settings by name as configs; those that are missing or None get defaults, which differ for fine-tuning.

    Fine-tuning runs for so many epochs, within limits, and changes nothing in the pieces but their key:
    the tempos, dynamics and instruments of a small folder are what is to be learnt.

    Raises:
        ConfigError: a setting is not known or out of range.
    """
    if start:
        refuse_sizes({n: settings[n] for n in MODEL if n != "dropout" and settings.get(n) is not None}, start)
    given = with_defaults(settings, TUNED if start else FRESH, gpu)
    asked = given.pop("style", None)
    if "iterations" not in given:
        cells = given.get("batch_size", DataConfig().batch_size) * given.get("length", DataConfig().length)
        epochs = TUNED_EPOCHS * int(corpus.pieces("train").lengths.sum()) // max(cells, 1)
        given["iterations"] = min(max(epochs, FEWEST_ITERATIONS), MOST_ITERATIONS)
    model, data, training = (
        {name: value for name, value in given.items() if wanted(name)}
        for wanted in (MODEL.__contains__, DATA.__contains__, lambda name: name not in MODEL + DATA)
    )
    style, program = style_of(corpus.pieces("train"), asked)
    return TrainConfig(
        model=from_json(ComposerConfig, model | {"style": style, "program": program}, "train"),
        training=from_json(TrainingConfig, training, "train"),
        data=from_json(DataConfig, data | {"random_seed": given.get("random_seed", 0)}, "train"),
        augmentation=AugmentConfig(tempo_bins=0, velocity_bins=0, other_instrument=0.0) if start else AugmentConfig(),
        start=start,
        restyled=asked is not None,
    )


class ComposerTask:
    """What the trainer needs of composition."""

    unit = BITS

    def __init__(self, composer: Composer, corpus: Corpus, config: TrainConfig) -> None:
        self.model: nn.Module = composer
        self.config = config
        self.train = corpus.pieces("train")
        self.valid = sample_of(corpus.pieces("valid"), config.valid_events)
        start = find_checkpoint(config.start).name if config.start else ""
        made_of = [to_json(config.data), to_json(config.augmentation), start, corpus.manifest["sha256"]]
        self.identity = json.dumps(made_of)

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """See `melodia.training.Task`."""
        if self.config.data.whole:
            lengths = self.train.lengths
            return whole_pieces(self.train, lengths, self.config.data, self.config.augmentation, part, num_parts, position)
        return streams(self.train, self.config.data, self.config.augmentation, part, num_parts, position)

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """See `melodia.training.Task`."""
        mine = self.valid[rank::size]
        if not len(mine):
            return 0.0, 0.0
        score = score_pieces(model, mine)  # type: ignore[arg-type]
        return score.bits_a_note * score.notes / BITS[1], float(score.notes)


def train(
    corpus: Corpus,
    run: RunConfig,
    config: TrainConfig,
    cluster: Cluster | None = None,
    report: Callable[[Progress, Trainer], None] = lambda progress, trainer: None,
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a composer and writes its checkpoint; while it runs, the folder holds the resume state.

    Returns:
        the checkpoint's info, and how the run ended; no info if it was stopped before anything was measured.

    Raises:
        MelodiaError: the corpus lacks a split, the checkpoint to begin from
            cannot be read, the loss is no number, nothing can be written, or the output folder holds
            something else.
    """
    cluster = cluster or Cluster(torch.device("cpu"))
    share_of_batch(config.data.batch_size, cluster.size * config.training.accumulate)
    if not config.data.whole:
        length = fitted_length(config.data.length, corpus.pieces("train").lengths)
        config = replace(config, data=replace(config.data, length=length))
    torch.manual_seed(config.training.random_seed)  # the weights are drawn when the layers are made
    composer = composer_to_train(config)
    task = ComposerTask(composer, corpus, config)
    run.measure_start = bool(config.start)
    result = run_training(task, config.training, run, cluster, report)
    result.notices[:0] = few(task.train, bool(config.start))
    if result.stopped and not result.best_iteration:
        return None, result
    if config.start:
        start = load_composer(config.start)
        share = blend(task, result, start.state_dict(), cluster)
        before = score_all(start.to(cluster.device), corpus, cluster)
    composer.load_state_dict(result.weights)
    after = score_all(composer, corpus, cluster) if config.start else {}
    if not cluster.leads:
        return None, result
    if config.start and after["valid"] > NO_GAIN * before["valid"]:
        result.notices.append(f"no gain to speak of: {Path(config.start).name} knew music like this already, or it is too little")
    info = describe(
        corpus,
        composer.config,
        config.start,
        result,
        title="a composer of one's own",
        metrics={"valid_bits_a_note": result.best_loss * BITS[1]},
        trainer=config.training,
        data=config.data,
        augmentation=config.augmentation,
    )
    if config.start:
        info.metrics |= {"before": before, "after": after}
        info.training["share_of_new_weights"] = share
    save_checkpoint(run.output, info, composer.state_dict(), card_of(info))
    return info, result


def composer_to_train(config: TrainConfig) -> Composer:
    """A new composer, or that of a checkpoint, which a resumed run fills with its own weights."""
    if not config.start:
        return Composer(config.model)
    start = load_composer(config.start)
    told = config.model
    style = told.style if config.restyled or told.style == start.config.style else "any"
    composer = Composer(replace(start.config, dropout=told.dropout, style=style, program=told.program))
    composer.load_state_dict(start.state_dict())
    return composer


def blend(task: ComposerTask, result: RunResult, start: dict[str, Tensor], cluster: Cluster) -> float:
    """Puts between the weights before and after fine-tuning those that are best on valid, into the result.

    Weights of a network and of one fine-tuned from it can be averaged, and what lies between is often
    better than either on music that is neither's (Wortsman et al. 2022, arXiv 2109.01903).

    Returns:
        the share of the new weights in the mixture.
    """
    scores = {1.0: result.best_loss}
    mixtures = {s: {k: torch.lerp(start[k], new, s) for k, new in result.weights.items()} for s in SHARES}
    for share, weights in mixtures.items():
        task.model.load_state_dict(weights)
        nats, notes = cluster.sum(list(task.validate(task.model, cluster.rank, cluster.size)))
        scores[share] = nats / max(notes, 1)
    best = min(scores, key=lambda s: scores[s])
    if best < 1:
        result.weights, result.best_loss = mixtures[best], scores[best]
    return best


def score_all(composer: Composer, corpus: Corpus, cluster: Cluster) -> dict[str, float]:
    """Bits a note on all that is held out: valid, and test if there is one; each process scores its share."""
    scores = {}
    for split in ("valid", "test"):
        try:
            mine = corpus.pieces(split)[cluster.rank :: cluster.size]
        except CorpusError:
            if split == "valid":
                raise
            continue
        score = score_pieces(composer, mine) if len(mine) else None
        bits, notes = cluster.sum([score.bits_a_note * score.notes, score.notes] if score else [0.0, 0.0])
        scores[split] = bits / max(notes, 1)
    return scores


def sample_of(pieces: Pieces, num_events: int) -> Pieces:
    """Every n-th piece, so many that they come to about a number of events."""
    return pieces[:: max(round(int(pieces.lengths.sum()) / num_events), 1)]


def few(pieces: Pieces, fine_tuned: bool) -> list[str]:
    """What to say of a corpus that is small for what is wanted of it."""
    if pieces.total >= FEW_NOTES[fine_tuned]:
        return []
    way = "" if fine_tuned else "; with --from band it would begin from a model that knows music"
    return [
        f"only {len(pieces)} pieces with {pieces.total:,} notes to train on: expect it to learn them by heart, "
        f"and add music if you can ({FEW_NOTES[fine_tuned]:,} notes are a beginning){way}"
    ]


def headline(metrics: dict[str, Any]) -> str:
    """What came of a training, in a line."""
    text = f"{metrics['valid_bits_a_note']:.3f} bits a note on valid"
    if "before" not in metrics:
        return text
    changes = [
        f"{split} {metrics['before'][split]:.3f} -> {after:.3f} ({after / metrics['before'][split] - 1:+.1%})"
        for split, after in metrics["after"].items()
    ]
    return text + "; held-out bits a note before -> after: " + ", ".join(changes)


def card_of(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    before, after = info.metrics.get("before"), info.metrics.get("after")
    if before and after:
        lines = [f"| bits a note, held out | `{Path(info.training['from']).name}` | this model | |", "|---|---|---|---|"]
        lines += [f"| {s} | {before[s]:.3f} | {after[s]:.3f} | {after[s] / before[s] - 1:+.1%} |" for s in after]
        lines += ["", "What to keep was chosen on valid; test was read for this table alone."]
    else:
        lines = [f"- valid: {info.metrics['valid_bits_a_note']:.3f} bits a note (on a sample of it, if it is large)"]
    share = info.training.get("share_of_new_weights", 1)
    kept = f", and {1 - share:.0%} of those before the training" if share < 1 else ""
    kind = "A stacked LSTM over events of notes"
    return card(info, heading="A composer", kind=kind, split_by="piece, near-duplicates together", metrics=lines, kept=kept)

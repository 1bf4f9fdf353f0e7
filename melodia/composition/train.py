"""A prepared corpus -> a checkpoint of the composer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import melodia
from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.composition.codec import Events
from melodia.composition.data import AugmentConfig, batches
from melodia.composition.evaluate import score_pieces
from melodia.composition.model import Composer, ComposerConfig
from melodia.config import check_range, to_json
from melodia.corpus import Corpus
from melodia.files import refuse_foreign_folder
from melodia.training import Progress, Trainer, TrainingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """Streams a batch, events a window, and how many events of valid to measure on while training."""

    batch_size: int = 32
    length: int = 160
    valid_events: int = 70_000

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1)
        check_range("length", self.length, 1)
        check_range("valid_events", self.valid_events, 1)


def train(
    corpus: Corpus,
    output: Path,
    *,
    model: ComposerConfig,
    training: TrainingConfig,
    data: DataConfig,
    augmentation: AugmentConfig,
    resume: bool = False,
    device: torch.device | str = "cpu",
    report: Callable[[Progress], None] = lambda progress: None,
) -> CheckpointInfo:
    """Trains a composer and writes its checkpoint; while it runs, the folder holds the resume state.

    Raises:
        MelodiaError: the corpus lacks a split, the loss is no number, nothing can be written, or the
            output folder holds something else.
    """
    torch.manual_seed(training.random_seed)  # so do the layers when they are made
    composer = Composer(model)
    pieces, held_out = corpus.pieces("train"), sample_of(corpus.pieces("valid"), data.valid_events)

    def epoch_of_batches(epoch: int) -> Any:
        return batches(
            pieces,
            batch_size=data.batch_size,
            length=data.length,
            augmentation=augmentation,
            random_seed=training.random_seed,
            epoch=epoch,
        )

    def validate(network: torch.nn.Module) -> float:
        return score_pieces(network, held_out).bits_a_note  # type: ignore[arg-type]

    refuse_foreign_folder(output, ("config.json", "model.safetensors", "README.md", "resume.pt", "metrics.jsonl", "curve.png"))
    output.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(composer, epoch_of_batches, validate, training, output, device)
    trainer.data = json.dumps([to_json(data), to_json(augmentation), corpus.manifest["sha256"], training.random_seed])
    if resume:
        trainer.resume()
    else:
        (output / "resume.pt").unlink(missing_ok=True)
    with (output / "metrics.jsonl").open("a" if resume else "w", encoding="utf-8") as log:
        for progress in trainer.run():
            report(progress)
            if progress.valid_loss is not None:
                row = {"iteration": progress.iteration, "epoch": progress.epoch, "learning_rate": progress.learning_rate}
                row |= {"train_bits": progress.train_loss / math.log(2), "valid_bits": progress.valid_loss}
                log.write(json.dumps(row) + "\n")
                log.flush()
    info = CheckpointInfo(
        domain="composition",
        title=f"a composer of one's own ({', '.join(s['name'] for s in corpus.manifest['sources'])})",
        model=to_json(model),
        licence="trained on: " + ", ".join(f"{s['name']} ({s['licence']})" for s in corpus.manifest["sources"]),
        data=corpus.manifest["sources"],
        training={
            "code_version": melodia.__version__,
            "corpus_sha256": corpus.manifest["sha256"],
            "iterations": trainer.iteration,
            **{name: to_json(c) for name, c in (("trainer", training), ("data", data), ("augmentation", augmentation))},
        },
        metrics={"valid_bits_a_note": trainer.best_loss},
    )
    save_checkpoint(output, info, composer.state_dict(), card(info))
    return info


def sample_of(pieces: Sequence[Events], num_events: int) -> list[Events]:
    """Every n-th piece, so many that they come to about a number of events."""
    stride = max(round(sum(len(p) for p in pieces) / num_events), 1)
    return list(pieces[::stride])


def card(info: CheckpointInfo) -> str:
    """The card of a model that has just been trained."""
    sources = "\n".join(f"- {s['name']}: {s['files']} files, {s['licence']} {s['url']}" for s in info.data)
    return (
        f"# A composer\n\nA stacked LSTM over events of notes, trained with melodia {info.training['code_version']}.\n\n"
        f"## Data\n\n{sources}\n\n## Metrics\n\n- valid: {info.metrics['valid_bits_a_note']:.3f} bits a note\n\n"
        "Settings are in `config.json`.\n"
    )

"""A whole run in a folder: trainer, resume state, metrics.jsonl, learning curve, TensorBoard if asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

import melodia
from melodia.config import to_json
from melodia.corpus import Corpus
from melodia.errors import ConfigError
from melodia.files import refuse_foreign_folder, write_atomically
from melodia.picture import draw_learning_curve
from melodia.training.cluster import Cluster
from melodia.training.config import TrainingConfig
from melodia.training.task import Task
from melodia.training.trainer import Progress, Trainer

OURS = ("config.json", "model.safetensors", "words.npz", "README.md", "resume.pt", "metrics.jsonl", "curve.png", "tensorboard")
OVERFIT = 0.01  # of the best loss on valid, by which it rises again while that on train falls


@dataclass(slots=True, kw_only=True)
class RunConfig:
    """What a run is to do besides training: where, how it begins, what it writes."""

    output: Path
    resume: bool = False
    measure_start: bool = False  # on valid, before the first iteration
    tensorboard: bool = False
    started: Callable[[Trainer], None] = lambda trainer: None  # called with the trainer, before it begins


@dataclass(slots=True, kw_only=True)
class RunResult:
    """How a run ended. Losses are nats a target."""

    weights: dict[str, Tensor]
    iteration: int
    best_iteration: int
    best_loss: float
    seconds: float
    stopped: bool  # before its end, by `Trainer.stop`
    notices: list[str] = field(default_factory=list)


def train(
    task: Task,
    config: TrainingConfig,
    run: RunConfig,
    cluster: Cluster,
    report: Callable[[Progress, Trainer], None] = lambda progress, trainer: None,
) -> RunResult:
    """Trains a task in a folder, from its beginning or from where an earlier run stopped.

    Raises:
        MelodiaError: the loss is no number, the data cannot be read, nothing can be written, there is
            nothing to resume, or the folder holds something else.
    """
    cluster.by_leader(lambda: claim(run))
    writer = summary_writer(run.output / "tensorboard") if run.tensorboard and cluster.leads else None
    name, scale = task.unit
    try:
        trainer = Trainer(task, config, run.output, cluster)
        run.started(trainer)
        if run.resume:
            trainer.resume()
        elif run.measure_start:
            trainer.measure_start()
        for progress in trainer.run():
            report(progress, trainer)
            if cluster.leads and progress.valid_loss is not None:
                write_metrics(run.output, trainer.history, name, scale)
            if writer:
                add_scalars(writer, progress, scale)
    finally:
        if writer:
            writer.close()
    if cluster.leads and trainer.history:
        write_metrics(run.output, trainer.history, name, scale)
        draw_learning_curve(run.output / "metrics.jsonl", run.output / "curve.png")
    return RunResult(
        weights=trainer.best,
        iteration=trainer.iteration,
        best_iteration=trainer.best_iteration,
        best_loss=trainer.best_loss,
        seconds=trainer.seconds,
        stopped=trainer.stopping,
        notices=verdict(trainer.history, name, scale),
    )


def provenance(corpus: Corpus, start: str, result: RunResult, **settings: Any) -> dict[str, Any]:
    """Where weights come from, for a checkpoint's config: code, corpus, the checkpoint they began from, the run, its settings."""
    return {
        "code_version": melodia.__version__,
        "from": start,
        "corpus_sha256": corpus.manifest["sha256"],
        "pieces": corpus.manifest["counts"]["splits"],
        "iterations": result.iteration,
        "best_iteration": result.best_iteration,
        "seconds": round(result.seconds),
        **{name: to_json(config) for name, config in settings.items()},
    }


def claim(run: RunConfig) -> None:
    """Makes the folder of a run, or keeps it from what is not to be lost.

    Raises:
        ConfigError: it holds other files, or a training that could be gone on with; TensorBoard is not installed.
    """
    if run.tensorboard:
        _writer_class()
    refuse_foreign_folder(run.output, OURS)
    if not run.resume and (run.output / "resume.pt").is_file():
        raise ConfigError(f"output: {run.output} holds a training already; go on with --resume, or name a new folder")
    run.output.mkdir(parents=True, exist_ok=True)


def write_metrics(folder: Path, history: list[dict[str, Any]], unit: str, scale: float) -> None:
    """`metrics.jsonl`, a row a validation, in the task's unit."""
    rows = [{k: v * scale if k in ("train", "valid") and v is not None else v for k, v in row.items()} for row in history]
    write_atomically(folder / "metrics.jsonl", "".join(json.dumps(row | {"unit": unit}) + "\n" for row in rows))


def verdict(history: list[dict[str, Any]], unit: str, scale: float) -> list[str]:
    """What a person should know of how the run went: that it overfits, or that it never got better."""
    if len(history) < 2:
        return []
    best = min(history, key=lambda row: row["valid"])
    last = history[-1]
    if best["iteration"] == 0:
        return [
            "valid never got better than before the first iteration: those weights are kept; more data or a lower rate may help"
        ]
    falls = best["train"] is None or last["train"] < best["train"]
    if last["valid"] > best["valid"] * (1 + OVERFIT) and falls:
        return [
            f"it overfits from iteration {best['iteration']} on: valid rose from {best['valid'] * scale:.3f} to "
            f"{last['valid'] * scale:.3f} {unit} while train fell; the weights of {best['iteration']} are kept"
        ]
    return []


def summary_writer(folder: Path) -> Any:
    """TensorBoard's writer.

    Raises:
        ConfigError: it is not installed.
    """
    return _writer_class()(str(folder))


def _writer_class() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError("tensorboard: it is not installed; pip install tensorboard, or leave --tensorboard out") from error
    return SummaryWriter


def add_scalars(writer: Any, progress: Progress, scale: float) -> None:
    """An iteration, for TensorBoard."""
    values = {"loss/train": progress.train_loss * scale, "learning rate": progress.learning_rate}
    values |= {"gradient norm": progress.gradient_norm, "targets a second": progress.targets_a_second}
    if progress.valid_loss is not None:
        values["loss/valid"] = progress.valid_loss * scale
    for name, value in values.items():
        writer.add_scalar(name, value, progress.iteration)

"""What goes into a training and comes out of it, the same for every domain: settings, a model to begin with, info, a card."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from melodia.checkpoint import CheckpointInfo, save_checkpoint, sources_of
from melodia.config import to_json
from melodia.corpus import Corpus
from melodia.errors import ConfigError
from melodia.training.cluster import Cluster
from melodia.training.run import RunConfig, RunResult, provenance
from melodia.training.run import train as run_training
from melodia.training.task import Task
from melodia.training.trainer import Progress, Trainer

M = TypeVar("M", bound=nn.Module)
Report = Callable[[Progress, Trainer], None]


def silent(progress: Progress, trainer: Trainer) -> None:
    """The report of those who want none."""


def with_defaults(
    settings: Mapping[str, Any], defaults: Mapping[str, Any], gpu: bool, others: Collection[str] = (), subject: str = ""
) -> dict[str, Any]:
    """The settings that are given, and defaults for the rest.

    Args:
        settings: by name; None is not given.
        defaults: for those that are missing.
        gpu: whether the model is trained on one.
        others: settings that have no meaning here.
        subject: of what they have none: "a corpus of speech".

    Raises:
        ConfigError: one of the others is given.
    """
    if of_others := [name for name in others if settings.get(name) is not None]:
        raise ConfigError(f"{of_others[0]}: has no meaning for {subject}; leave it out")
    given = {name: value for name, value in settings.items() if value is not None}
    return {**defaults, "precision": "bfloat16" if gpu else "float32", **given}


def refuse_sizes(sizes: Mapping[str, Any], start: str) -> None:
    """Keeps the network of a checkpoint as it is.

    Raises:
        ConfigError: a size is given.
    """
    if sizes:
        raise ConfigError(f"{next(iter(sizes))}: the network is that of {start}; leave it out, or train from nothing")


def begun(make: Callable[[], M], random_seed: int, start: nn.Module | None) -> M:
    """A model with weights drawn from a random seed, or with those of another of its sizes."""
    torch.manual_seed(random_seed)  # the weights are drawn when the layers are made
    model = make()
    if start is not None:
        model.load_state_dict(start.state_dict())
    return model


def has_weights(result: RunResult, cluster: Cluster) -> bool:
    """Whether this process has weights to write: it leads, and something was measured before the run was stopped."""
    return cluster.leads and bool(result.best_iteration or not result.stopped)


def describe(
    corpus: Corpus, model: Any, start: str, result: RunResult, *, title: str, metrics: dict[str, Any], **settings: Any
) -> CheckpointInfo:
    """What a checkpoint says of itself.

    Args:
        corpus: what it learnt from.
        model: its config.
        start: the checkpoint it began from, or nothing.
        result: of the run.
        title: of what it does; the names of its sources follow.
        metrics: of the model.
        settings: other configs of the run, by name.
    """
    sources = sources_of(corpus.manifest["sources"], start)
    return CheckpointInfo(
        domain=corpus.manifest["domain"],
        title=f"{title} ({', '.join(s['name'] for s in sources)})",
        model=to_json(model),
        licence="trained on: " + ", ".join(f"{s['name']} ({s['licence']})" for s in sources),
        data=sources,
        training=provenance(corpus, start, result, **settings),
        metrics=metrics | {"notices": result.notices},
    )


def trained(
    corpus: Corpus,
    run: RunConfig,
    config: Any,
    cluster: Cluster | None,
    report: Report,
    *,
    load: Callable[[str], M],
    make: Callable[[], M],
    task: Callable[[M, Corpus, Any], Task],
    finish: Callable[[M, Any, RunResult], tuple[str, dict[str, Any]]],
    card_of: Callable[[CheckpointInfo], str],
) -> tuple[CheckpointInfo | None, RunResult]:
    """Trains a model of any domain and writes its checkpoint; while it runs, the folder holds the resume state.

    Args:
        corpus: what to learn from.
        run: where to, and whether to go on.
        config: of the domain: its `training` and `data`, and `start`, the checkpoint to begin from.
        cluster: the processes; None is this one alone.
        report: called after each iteration.
        load: a checkpoint's model.
        make: a new one.
        task: what the trainer needs of it, of model, corpus and config.
        finish: of the trained model, its task and the result: settles what is left to settle on valid, such as thresholds, and
            gives title and metrics.
        card_of: the card that goes with it.

    Returns:
        the checkpoint's info, and how the run ended; no info if it was stopped before anything was measured.

    Raises:
        MelodiaError: the corpus lacks a split, the checkpoint to begin from cannot be read, the loss is no number,
            nothing can be written, or the output folder holds something else.
    """
    cluster = cluster or Cluster(torch.device("cpu"))
    model = begun(make, config.training.random_seed, load(config.start) if config.start else None)
    work = task(model, corpus, config)
    run.measure_start = bool(config.start)
    result = run_training(work, config.training, run, cluster, report)
    if not has_weights(result, cluster):
        return None, result
    model.load_state_dict(result.weights)
    title, metrics = finish(model, work, result)
    settings = {"trainer": config.training, "data": config.data}
    info = describe(corpus, model.config, config.start, result, title=title, metrics=metrics, **settings)
    save_checkpoint(run.output, info, model.state_dict(), card_of(info))
    return info, result


def card(info: CheckpointInfo, *, heading: str, kind: str, split_by: str, metrics: Sequence[str], kept: str = "") -> str:
    """The card of a model that has just been trained.

    Args:
        info: what its checkpoint says.
        heading: of the card.
        kind: of the network: "Stacked LSTMs over letters".
        split_by: what was kept together when the corpus was split.
        metrics: lines of the section.
        kept: what else there is to say of the weights that were kept.
    """
    training, start = info.training, info.training["from"]
    sources = "\n".join(
        f"- {s['name']}: {s.get('files', s.get('pieces', '?'))} files, {s['licence']} {s['url']}" for s in info.data
    )
    split = ", ".join(f"{n} {s}" for s, n in training["pieces"].items())
    began = f", beginning from the checkpoint `{Path(start).name}`" if start else ""
    return "\n".join(
        [
            f"# {heading}\n\n{kind}, trained with melodia {training['code_version']}{began}.",
            f"\n## Data\n\n{sources}\n\nSplit, by {split_by}: {split}.",
            f"\n## Training\n\n{training['iterations']} iterations in {training['seconds'] / 60:.1f} minutes; the weights are "
            f"those of iteration {training['best_iteration']}, the best on valid{kept}. Settings are in `config.json`.",
            "\n## Metrics\n",
            *metrics,
            *(f"\n{notice}." for notice in info.metrics["notices"]),
            "",
        ]
    )

"""The state of a run in a file, `resume.pt`: weights, optimiser, reading positions, carried states, generators."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from melodia.errors import CheckpointError, MelodiaError
from melodia.files import temporary_beside, why_not_written

if TYPE_CHECKING:
    from melodia.training.trainer import Trainer

NAME = "resume.pt"


def save(trainer: Trainer) -> None:
    """Writes the state, whole or not at all; the first process writes, the others send it theirs.

    Raises:
        MelodiaError: it cannot be written, for example because the disk is full.
    """
    random = [torch.get_rng_state()] + (
        [torch.cuda.get_rng_state(trainer.cluster.device)] if trainer.cluster.device.type == "cuda" else []
    )
    states = [None if s is None else tuple(t.cpu() for t in s) for s in trainer.states]
    parts = trainer.cluster.gathered({"states": states, "positions": trainer.positions, "random": random})
    if not trainer.cluster.leads:
        trainer.cluster.agree(None)
        return
    content = {
        "model": trainer.weights(),
        "best": trainer.best,
        "average": {k: v.cpu() for k, v in trainer.average.weights.items()} if trainer.average else None,
        "optimizer": trainer.optimizer.state_dict(),
        "states": [state for part in parts for state in part["states"]],
        "positions": [position for part in parts for position in part["positions"]],
        "random": [part["random"] for part in parts],
        "counters": [trainer.iteration, trainer.bad_validations, trainer.best_iteration],
        "numbers": [trainer.best_loss, trainer.seconds],
        "history": trainer.history,
        "losses": trainer.losses,
        "identity": trainer.task.identity,
    }
    path = trainer.folder / NAME
    try:
        with temporary_beside(path) as temporary:
            torch.save(content, temporary)
    except (OSError, RuntimeError) as error:
        what = why_not_written(error, path)
        kept = "the state saved before is untouched; make room and go on with --resume" if path.is_file() else "make room"
        failure = MelodiaError(f"{path}: iteration {trainer.iteration} cannot be saved: {what}; {kept}")
        trainer.cluster.agree(failure)
        raise failure from error
    trainer.cluster.agree(None)


def load(trainer: Trainer) -> None:
    """Puts the saved state into a trainer.

    Raises:
        CheckpointError: there is none, or it is of another model, other data or another number of parts.
    """
    path = trainer.folder / NAME
    try:
        if path.is_file() and (not zipfile.is_zipfile(path) or zipfile.ZipFile(path).testzip()):  # torch does not look
            raise CheckpointError(f"{path}: damaged; begin anew in another folder, or with a copy of this file")
        content = torch.load(path, weights_only=True, map_location="cpu")
        if content["identity"] != trainer.task.identity:
            raise CheckpointError(
                f"{path}: made with another corpus, start, batch size, length or random seed; resume with the same"
            )
        _put(trainer, content)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: nothing to resume; start without --resume") from error
    except CheckpointError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise CheckpointError(
            f"{path}: the state of another network; resume with the same --cell, --hidden-size, --num-layers, --residual, "
            "--layer-norm and --from"
        ) from error


def _put(trainer: Trainer, content: dict[str, Any]) -> None:
    cluster, accumulate = trainer.cluster, trainer.config.accumulate
    if len(content["positions"]) != cluster.size * accumulate:
        raise CheckpointError(
            f"{trainer.folder / NAME}: its batches were cut into {len(content['positions'])} parts, now it is "
            f"{cluster.size} processes x --accumulate {accumulate}; choose them so that their product is the same"
        )
    trainer.model.load_state_dict(content["model"])
    trainer.optimizer.load_state_dict(content["optimizer"])
    if trainer.average:  # a run that had none begins it with its weights
        saved = content.get("average") or content["model"]
        trainer.average.weights = {k: v.to(cluster.device) for k, v in saved.items()}
    trainer.iteration, trainer.bad_validations, trainer.best_iteration = content["counters"]
    trainer.best_loss, trainer.seconds = content["numbers"]
    trainer.best, trainer.history, trainer.losses = content["best"], content["history"], content["losses"]
    mine = slice(cluster.rank * accumulate, (cluster.rank + 1) * accumulate)
    trainer.positions = content["positions"][mine]
    states = content["states"][mine]
    trainer.states = [None if s is None else tuple(t.to(cluster.device) for t in s) for s in states]
    if len(content["random"]) == cluster.size:  # else each process begins its dropout anew
        trainer.random = content["random"][cluster.rank]


def restore_random(states: list[Tensor] | None, device: torch.device) -> None:
    """Sets the generators as they were saved."""
    if states:
        torch.set_rng_state(states[0])
        if len(states) > 1 and device.type == "cuda":
            torch.cuda.set_rng_state(states[1], device)

"""One process or many: what the trainer needs to know of the others.

torch.distributed itself, not a framework over it: `torchrun` (or anything that sets RANK, WORLD_SIZE,
LOCAL_RANK, MASTER_ADDR and MASTER_PORT) starts the processes, on one machine or several. Gradients
are summed, not averaged, in one call, and divided by the targets of all processes: the update is
that of one process with the whole batch, whatever the lengths of the pieces that fell to each.
DistributedDataParallel and Lightning Fabric average a mean of each process, which is not the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed

from melodia.errors import ConfigError, MelodiaError

PATIENCE_MINUTES = 60  # with the slowest of the others


@dataclass(frozen=True, slots=True)
class Cluster:
    """A process among `size`; one alone by default."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and reports."""
        return self.rank == 0

    def sum(self, values: list[float]) -> list[float]:
        """The sums over all processes."""
        if self.size == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        with _told():
            distributed.all_reduce(total)
        return total.tolist()  # type: ignore[no-any-return]

    def agree(self, error: MelodiaError | None) -> None:
        """Raises what went wrong here, or that something did elsewhere, on all processes at the same place.

        Raises:
            MelodiaError: one of the processes came with an error.
        """
        if self.size > 1 and self.sum([float(error is not None)])[0] and error is None:
            raise MelodiaError("another process of the training failed; its own line says why")

    def by_leader(self, work: Callable[[], None]) -> None:
        """Has the first process do something that the others wait for.

        Raises:
            MelodiaError: it failed.
        """
        error = None
        if self.leads:
            try:
                work()
            except MelodiaError as failure:
                error = failure
        self.agree(error)
        if error:
            raise error

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Puts the sum over all processes in place of each gradient."""
        if self.size == 1:
            return
        parameters = list(parameters)
        for parameter in parameters:  # one without a gradient here may have one elsewhere
            if parameter.grad is None and parameter.requires_grad:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        with _told():
            distributed.all_reduce(flat)
        for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def same_start(self, parameters: Iterable[Tensor]) -> None:
        """Gives all processes the weights of the first."""
        if self.size > 1:
            for parameter in parameters:
                distributed.broadcast(parameter.data, 0)

    def gathered(self, content: Any) -> list[Any]:
        """What each process holds, in the order of their ranks."""
        if self.size == 1:
            return [content]
        everything: list[Any] = [None] * self.size
        with _told():
            distributed.all_gather_object(everything, content)
        return everything

    def leave(self) -> None:
        """Takes leave of the others: of all at once, for one that goes early can abort those that have not gone yet."""
        if self.size > 1 and distributed.is_initialized():
            if sys.exc_info()[0] is None:  # else they may be gone, or wait elsewhere
                with suppress(RuntimeError):
                    distributed.barrier()
            distributed.destroy_process_group()


@contextmanager
def _told() -> Iterator[None]:
    """Turns the loss of another process into one line."""
    try:
        yield
    except RuntimeError as error:
        raise MelodiaError(f"another process of the training is gone ({str(error).splitlines()[0]:.120})") from error


def join_cluster(device: torch.device) -> Cluster:
    """The processes that torchrun started, or this one alone.

    Raises:
        ConfigError: the environment that torchrun sets is damaged.
        MelodiaError: the others did not come.
    """
    try:
        size, rank, local = (int(os.environ.get(k, d)) for k, d in (("WORLD_SIZE", "1"), ("RANK", "0"), ("LOCAL_RANK", "0")))
    except ValueError as error:
        raise ConfigError("RANK, WORLD_SIZE, LOCAL_RANK: not numbers; start the processes with torchrun") from error
    if size <= 1:
        return Cluster(device)
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device: several processes can train on cpu or cuda, not on {device.type}")
    if device.type == "cuda":
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    try:
        if not distributed.is_initialized():
            # An optimiser imports it, and imported while there is a process group it holds that for ever: `leave` then
            # ends none of its threads, and one that wakes while Python shuts down aborts the process.
            from torch import _dynamo  # noqa: F401

            backend = "nccl" if device.type == "cuda" else "gloo"
            distributed.init_process_group(backend, timeout=timedelta(minutes=PATIENCE_MINUTES))
    except (RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise MelodiaError(f"process {rank} of {size} could not join the others: {first}; start them with torchrun") from error
    return Cluster(device, rank, size)

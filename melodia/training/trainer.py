"""The trainer: one for every domain, and blind to them.

It owns the optimiser (AdamW, warm-up, then a cosine to a thousandth), clipping, the schedule, a mean of the weights if
asked, the resume file and the best weights; what is trained comes as a `Task`. The same random seed gives the same curve,
whether or not the run was interrupted (on one machine, on the CPU), and as many processes as you like
give the curve of one with the same global batch (but for dropout, of which each has its own).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from melodia.errors import MelodiaError
from melodia.lstm import State, detached
from melodia.training import resume
from melodia.training.averaging import Average
from melodia.training.cluster import Cluster
from melodia.training.config import TrainingConfig
from melodia.training.prefetch import prefetched
from melodia.training.task import Loaded, Position, Task

SMALLEST_RATE = 0.001  # of the learning rate, at the end of the schedule
LONGEST_WARMUP = 0.1  # of the schedule


class Update(NamedTuple):
    """What one iteration was: nats a target, and the rate and the norm of the gradient that it went by."""

    loss: float
    learning_rate: float
    gradient_norm: float
    targets_a_second: float


class Progress(NamedTuple):
    """What the trainer reports after an iteration; `valid_loss` only where it was measured. Losses are nats a target."""

    iteration: int
    epoch: float
    train_loss: float
    learning_rate: float
    gradient_norm: float
    targets_a_second: float
    done: float  # of the schedule, 0 to 1
    valid_loss: float | None = None
    best_loss: float = math.inf


class Trainer:
    """Trains one model. See the module."""

    def __init__(self, task: Task, config: TrainingConfig, folder: Path, cluster: Cluster | None = None) -> None:
        self.task, self.config, self.folder = task, config, folder
        self.cluster = cluster or Cluster(torch.device("cpu"))
        self.model = task.model.to(self.cluster.device)
        self.cluster.same_start(self.model.state_dict().values())
        decayed = [p for p in self.model.parameters() if p.dim() > 1]
        plain = [p for p in self.model.parameters() if p.dim() <= 1]
        groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(
            groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=self.cluster.device.type in ("cpu", "cuda")
        )
        self.average = Average(self.model, config.average) if config.average else None
        self.iteration = self.bad_validations = 0
        self.best_loss, self.best_iteration = math.inf, 0
        self.best: dict[str, Tensor] = self.weights()
        self.states: list[State | None] = [None] * config.accumulate
        self.positions: list[Position | None] = [None] * config.accumulate
        self.seconds = 0.0  # spent so far, in all runs
        self.random: list[Tensor] | None = None  # states of the generators, to go on with
        self.validation_seconds = 0.0  # what the last one took
        self.history: list[dict[str, Any]] = []  # a row a validation
        self.losses: list[float] = []  # since the last one
        self.epoch = self.done = 0.0
        self.asked_to_stop = False  # this process
        self.stopping = False  # all of them, which the next iteration agrees on

    def stop(self) -> None:
        """Asks for an end after the next iteration, with the state saved."""
        self.asked_to_stop = True

    def learning_rate(self, done: float) -> float:
        """Of the iteration to come: a linear warm-up, of at most a tenth of the schedule, and half a cosine over all of it."""
        ramp = max((self.iteration + 1) / max(self.config.warmup, 1), done / LONGEST_WARMUP)
        wave = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        return self.config.learning_rate * min(ramp, 1.0) * (SMALLEST_RATE + (1 - SMALLEST_RATE) * wave)

    def _done(self) -> float:
        """The share of the schedule that is behind us."""
        if self.config.minutes is not None:
            return (self.seconds + self.validation_seconds) / (self.config.minutes * 60)
        return self.iteration / self.config.iterations

    def run(self) -> Iterator[Progress]:
        """Trains to the end, reporting each iteration; the best weights are in the model afterwards.

        Raises:
            MelodiaError: the loss is no number, a batch cannot be read, or the state cannot be saved.
        """
        torch.manual_seed(self.config.random_seed + self.cluster.rank)  # dropout takes no generator of its own
        resume.restore_random(self.random, self.cluster.device)
        began, before = time.monotonic(), self.seconds
        last_save = began
        with ExitStack() as open_batches:
            parts = [open_batches.enter_context(prefetched(self._batches(j))) for j in range(self.config.accumulate)]
            while not self._finished():
                update = self._update(self._next_of(parts))
                valid = self._validated() if self._ended() or self.iteration % self.config.validate_every == 0 else None
                self.seconds = before + time.monotonic() - began
                self.losses.append(update.loss)
                if valid is not None:
                    self._remember(sum(self.losses) / len(self.losses), valid, update)
                    self.losses.clear()
                late = self.cluster.sum([time.monotonic() - last_save > self.config.save_minutes * 60])[0]
                if late or self.stopping or valid is not None:
                    self.save()
                    last_save = time.monotonic()
                yield Progress(self.iteration, self.epoch, *update, min(self.done, 1.0), valid, self.best_loss)
        if not self.stopping:
            self.model.load_state_dict(self.best)

    def _finished(self) -> bool:
        return self._ended() or self.stopping or self.bad_validations >= self.config.patience

    def _ended(self) -> bool:
        return self.done >= 1 if self.config.minutes is not None else self.iteration >= self.config.iterations

    def _batches(self, j: int) -> Iterator[Loaded]:
        """The batches of this process's j-th part."""
        accumulate = self.config.accumulate
        return self.task.batches(self.cluster.rank * accumulate + j, self.cluster.size * accumulate, self.positions[j])

    def _next_of(self, parts: list[Iterator[Loaded]]) -> list[Loaded]:
        try:
            loaded = [next(part) for part in parts]
            self.cluster.agree(None)
            return loaded
        except MelodiaError as error:  # a damaged shard: what was learnt stays
            self.cluster.agree(error)
            if not self.iteration:
                raise
            self.save()
            raise MelodiaError(f"iteration {self.iteration}: {error}; then go on with --resume") from error

    def _update(self, loaded: list[Loaded]) -> Update:
        """One iteration."""
        began = time.perf_counter()
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        nats, targets = self._backward(loaded)
        signals = [nats, targets, self._done() if self.cluster.leads else 0.0, float(self.asked_to_stop)]
        nats, targets, done, stop = self.cluster.sum(signals)
        loss, self.stopping = nats / max(targets, 1), stop > 0
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.cluster.sum_gradients(parameters)
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.div_(max(targets, 1))
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.clip_norm))
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise MelodiaError(self._no_number(f"the loss is {loss}, the norm of its gradient {norm}"))
        rate = self.learning_rate(done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.iteration, self.epoch = self.iteration + 1, loaded[0].epoch
        if self.average:
            self.average.update(self.model, self.iteration)
        self.positions = [item.position for item in loaded]
        self.done = done if self.config.minutes is not None else self._done()
        return Update(loss, rate, norm, targets / (time.perf_counter() - began))

    def _backward(self, loaded: list[Loaded]) -> tuple[float, float]:
        """Adds up the gradients of this process's parts: summed nats and targets."""
        nats = torch.zeros((), device=self.cluster.device)
        count = torch.zeros((), device=self.cluster.device)
        for j, item in enumerate(loaded):
            batch = on_device(item.batch, self.cluster.device)
            with self._precision():
                lost, targets, state = self.model.loss(batch, self.states[j] if item.carried else None)  # type: ignore[operator]
            lost.backward()
            self.states[j] = detached(state) if item.carried else None
            nats, count = nats + lost.detach(), count + targets
        return float(nats), float(count)

    def _no_number(self, what: str) -> str:
        saved = (self.folder / "resume.pt").is_file()
        return (
            f"iteration {self.iteration + 1}: {what}; "
            + (f"the last good state is in {self.folder}: go on with --resume" if saved else "start again")
            + " and a lower --learning-rate"
        )

    def _precision(self) -> AbstractContextManager[Any]:
        mixed = self.config.precision == "bfloat16"
        return torch.autocast(self.cluster.device.type, torch.bfloat16) if mixed else nullcontext()

    def measure(self) -> float:
        """Nats a target on valid, with the weights as they are, or their mean if there is one.

        Raises:
            MelodiaError: it is no number.
        """
        self.model.eval()
        lent = self.average.lent(self.model) if self.average else nullcontext()
        with lent, torch.no_grad(), self._precision():
            nats, targets = self.cluster.sum(list(self.task.validate(self.model, self.cluster.rank, self.cluster.size)))
        loss = nats / max(targets, 1)
        if not math.isfinite(loss):
            raise MelodiaError(self._no_number(f"the loss on valid is {loss}"))
        return loss

    def measure_start(self) -> float:
        """Nats a target on valid before the first iteration: what there is to beat, kept if nothing does."""
        self.best_loss = self.measure()
        self._remember(None, self.best_loss, None)
        return self.best_loss

    def _remember(self, train: float | None, valid: float, update: Update | None) -> None:
        row: dict[str, Any] = {"iteration": self.iteration, "epoch": round(self.epoch, 3), "seconds": round(self.seconds, 1)}
        row |= {"train": train, "valid": valid}
        norm, rate = (update.gradient_norm, update.learning_rate) if update else (None, None)
        self.history.append(row | {"gradient_norm": norm, "learning_rate": rate})

    def _validated(self) -> float:
        began = time.monotonic()
        loss = self.measure()
        self.validation_seconds = time.monotonic() - began
        if loss < self.best_loss:
            self.best_loss, self.best, self.bad_validations = loss, self.kept(), 0
            self.best_iteration = self.iteration
        else:
            self.bad_validations += 1
        return loss

    def weights(self) -> dict[str, Tensor]:
        """A copy of the weights, on the CPU."""
        return {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}

    def kept(self) -> dict[str, Tensor]:
        """A copy of the weights that are measured, on the CPU: their mean if there is one."""
        return {k: v.cpu().clone() for k, v in self.average.weights.items()} if self.average else self.weights()

    def save(self) -> None:
        """Writes the resume state, whole or not at all.

        Raises:
            MelodiaError: it cannot be written, for example because the disk is full.
        """
        resume.save(self)

    def resume(self) -> None:
        """Takes up the state that `save` left in the folder.

        Raises:
            CheckpointError: there is none, or it is of another model or other data.
        """
        resume.load(self)


def on_device(batch: Any, device: torch.device) -> Any:
    """A named tuple of tensors, each on the device."""
    return type(batch)(*(t.to(device) for t in batch))

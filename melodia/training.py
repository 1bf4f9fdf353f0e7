"""The trainer: one for every domain, and blind to them.

A model has `loss(batch, state) -> (summed nats, how many targets, state)`; batches are named tuples
of CPU tensors; `batches(epoch)` yields an epoch of them and `validate(model)` gives the number to
lower. The trainer owns the device, the optimiser (AdamW, warm-up then a cosine to a tenth of a
hundredth), clipping, the resume file and the best weights. The same random seed gives the same curve,
whether or not the run was interrupted (on one machine, on the CPU): batches are functions of the
random seed, epoch and index.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from melodia.config import check_range
from melodia.errors import CheckpointError, ConfigError, MelodiaError
from melodia.files import temporary_beside
from melodia.lstm import State, detached

B = TypeVar("B", bound=tuple)  # type: ignore[type-arg]
SMALLEST_RATE = 0.001  # of the learning rate, at the end of the schedule


class Trainable(Protocol):
    """What the trainer needs of a model, besides being a module."""

    def loss(self, batch: Any, state: State | None) -> tuple[Tensor, Tensor, State]:
        """Summed nats of a batch, the number of targets to divide by, and the state after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Iterations are optimiser updates. `precision` is float32 or bfloat16 (mixed, where the machine has it)."""

    iterations: int = 10_000
    learning_rate: float = 2e-3
    warmup: int = 200  # iterations
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    validate_every: int = 500  # iterations
    patience: int = 10  # validations without a new best before stopping early
    save_minutes: float = 3.0  # at most so much work is lost
    precision: str = "float32"
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("iterations", self.iterations, 1)
        check_range("learning_rate", self.learning_rate, 1e-8, 1.0)
        check_range("warmup", self.warmup, 0)
        check_range("weight_decay", self.weight_decay, 0, 1)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)
        check_range("clip_norm", self.clip_norm, 1e-6)
        check_range("validate_every", self.validate_every, 1)
        check_range("patience", self.patience, 1)
        check_range("save_minutes", self.save_minutes, 0)
        if self.precision not in ("float32", "bfloat16"):
            raise ConfigError(f"precision: '{self.precision}' is not known; it must be float32 or bfloat16")


class Progress(NamedTuple):
    """What the trainer reports after an iteration; `valid_loss` only where it was measured."""

    iteration: int
    epoch: int
    train_loss: float
    learning_rate: float
    targets_a_second: float
    valid_loss: float | None = None
    best_loss: float = math.inf


class Trainer:
    """Trains one model. See the module."""

    def __init__(
        self,
        model: nn.Module,
        batches: Callable[[int], Iterable[Any]],
        validate: Callable[[nn.Module], float],
        config: TrainingConfig,
        folder: Path,
        device: torch.device | str = "cpu",
    ) -> None:
        self.model, self.batches, self.validate, self.config = model.to(device), batches, validate, config
        self.folder, self.device = folder, torch.device(device)
        decayed = [p for p in model.parameters() if p.dim() > 1]
        plain = [p for p in model.parameters() if p.dim() <= 1]
        groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
        self.iteration = self.epoch = self.index = self.bad_validations = 0
        self.best_loss = math.inf
        self.best: dict[str, Tensor] = self._weights()
        self.state: State | None = None
        self.data = ""  # what the batches are made of: a state goes on with the same data alone

    def learning_rate(self, iteration: int) -> float:
        """Linear warm-up, then half a cosine."""
        if iteration < self.config.warmup:
            return self.config.learning_rate * (iteration + 1) / self.config.warmup
        done = (iteration - self.config.warmup) / max(self.config.iterations - self.config.warmup, 1)
        return self.config.learning_rate * (SMALLEST_RATE + (1 - SMALLEST_RATE) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))

    def run(self) -> Iterator[Progress]:
        """Trains to the end, reporting each iteration; the best weights are in the model afterwards.

        Raises:
            MelodiaError: the loss is no number, or the state cannot be saved.
        """
        torch.manual_seed(self.config.random_seed)  # dropout takes no generator of its own
        self._restore_random()
        last_save = time.monotonic()
        finished = False
        while not finished and self.iteration < self.config.iterations:
            for batch in self._rest_of_epoch():
                began = time.perf_counter()
                loss, targets = self._update(batch)
                self.iteration, self.index = self.iteration + 1, self.index + 1
                rate = targets / (time.perf_counter() - began)
                done = self.iteration >= self.config.iterations
                valid = self._validated() if done or self.iteration % self.config.validate_every == 0 else None
                if time.monotonic() - last_save > self.config.save_minutes * 60 or valid is not None:
                    self.save()
                    last_save = time.monotonic()
                yield Progress(self.iteration, self.epoch, loss, self.learning_rate(self.iteration), rate, valid, self.best_loss)
                finished = done or self.bad_validations >= self.config.patience
                if finished:
                    break
            else:
                self.epoch, self.index, self.state = self.epoch + 1, 0, None
        self.model.load_state_dict(self.best)

    def _rest_of_epoch(self) -> Iterator[Any]:
        for i, batch in enumerate(self.batches(self.epoch)):
            if i >= self.index:
                yield batch

    def _update(self, batch: Any) -> tuple[float, int]:
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(self.iteration)
        batch = type(batch)(*(t.to(self.device, non_blocking=True) for t in batch))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            nats, count, state = self.model.loss(batch, self.state)  # type: ignore[operator]
        targets = max(int(count), 1)
        loss = nats / targets
        if not torch.isfinite(loss):
            raise MelodiaError(
                f"iteration {self.iteration}: the loss is {float(loss.detach())}; the last good state is in {self.folder}: "
                "resume it with a lower --learning-rate"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.state = detached(state)
        return float(loss.detach()), targets

    def _validated(self) -> float:
        self.model.eval()
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            loss = self.validate(self.model)
        if not math.isfinite(loss):
            raise MelodiaError(f"iteration {self.iteration}: the validation loss is {loss}; train with a lower --learning-rate")
        if loss < self.best_loss:
            self.best_loss, self.best, self.bad_validations = loss, self._weights(), 0
        else:
            self.bad_validations += 1
        return loss

    def _weights(self) -> dict[str, Tensor]:
        return {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}

    def save(self) -> None:
        """Writes the resume state, whole or not at all.

        Raises:
            MelodiaError: it cannot be written, for example because the disk is full.
        """
        content = {
            "model": self._weights(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "state": self.state,
            "random": torch.get_rng_state(),
            "counters": [self.iteration, self.epoch, self.index, self.bad_validations],
            "best_loss": self.best_loss,
            "data": self.data,
        }
        try:
            with temporary_beside(self.folder / "resume.pt") as temporary:
                torch.save(content, temporary)
        except (OSError, RuntimeError) as error:
            raise MelodiaError(f"{self.folder}: the state of the training cannot be saved: {error}") from error

    def resume(self) -> None:
        """Takes up the state that `save` left in the folder.

        Raises:
            CheckpointError: there is none, or it is of another model.
        """
        path = self.folder / "resume.pt"
        try:
            content = torch.load(path, weights_only=True, map_location="cpu")
            if content["data"] != self.data:
                raise CheckpointError(f"{path}: made with another corpus, batch size, length or random seed; resume with the same")
            self.model.load_state_dict(content["model"])
            self.optimizer.load_state_dict(content["optimizer"])
            self.iteration, self.epoch, self.index, self.bad_validations = content["counters"]
            self.best, self.best_loss, self.state = content["best"], content["best_loss"], content["state"]
            self._random = content["random"]
        except FileNotFoundError as error:
            raise CheckpointError(f"{path}: nothing to resume; start without --resume") from error
        except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
            raise CheckpointError(f"{path}: not a state of this model ({str(error).splitlines()[0]})") from error
        if self.state is not None:
            self.state = (self.state[0].to(self.device), self.state[1].to(self.device))

    _random: Tensor | None = None

    def _restore_random(self) -> None:
        if self._random is not None:
            torch.set_rng_state(self._random)
            self._random = None

"""What a domain brings to be trained.

A batch is a named tuple of CPU tensors. The batches of a run are a function of the task's random seed
and of a position, a few integers, so a run goes on exactly where it was. A global batch falls into
`num_parts` parts, one for each process and each step of gradient accumulation; together they hold
the same items however many parts there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from torch import nn

from melodia.errors import ConfigError

Position = list[list[int]]  # where a part's reading is: JSON


class Loaded(NamedTuple):
    """A batch, and where the reading is after it. `carried`: the state of the batch before goes on into it."""

    batch: Any
    position: Position
    epoch: float
    carried: bool = True


def share_of_batch(batch_size: int, num_parts: int) -> int:
    """How many items of a batch each of its parts has.

    Raises:
        ConfigError: they cannot be shared out evenly.
    """
    if batch_size % num_parts:
        raise ConfigError(f"batch_size: {batch_size} cannot be cut into {num_parts} equal parts; choose a multiple")
    return batch_size // num_parts


class Task(Protocol):
    """See the module."""

    @property
    def model(self) -> nn.Module:
        """A module with `loss(batch, state)` -> summed nats, the number of targets to divide by, the state after it."""

    @property
    def identity(self) -> str:
        """What the batches are made of: a saved state goes on with the same alone."""

    @property
    def unit(self) -> tuple[str, float]:
        """What a loss is shown in, and how many of it a nat a target is: ("bits a note", 1 / ln 2)."""

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """The batches of a part, without end, from a position on.

        Raises:
            ConfigError: the batch cannot be cut into so many parts.
        """

    def validate(self, model: nn.Module, rank: int, size: int) -> tuple[float, float]:
        """Nats and targets of the share of valid that falls to one of `size` processes."""

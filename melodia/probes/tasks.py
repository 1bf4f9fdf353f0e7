"""Three tasks that ask one thing only: is what was seen long ago still there?

Each draws a batch of (batch, frames, input_size) inputs with its targets, and knows what a network
without a memory scores at best, its `baseline`:

- adding (Hochreiter and Schmidhuber 1997, experiment 4, in the form of Le et al. 2015): two of T
  random numbers from [0, 1) are marked, one in each half; the answer after the last is their sum. The
  loss is the mean squared error; always answering 1 gives the variance of the sum, 1/6 = 0.167.
- copy (Arjovsky et al. 2016, section 5.1, after Hochreiter and Schmidhuber): ten symbols of 8, T - 1
  blanks, a sign to go, ten blanks, T + 20 frames in all; the answers are T + 10 blanks, then the ten
  symbols. The loss is the cross-entropy over all frames; knowing when but not what gives
  10 ln 8 / (T + 20) nats. Their answers had 10 classes; ours have the 9 that occur.
- recall (after experiment 2c of Hochreiter and Schmidhuber 1997): one symbol of 8, T - 1 distractors
  drawn from 8 others, a cue, T + 1 frames in all; the answer at the cue is the symbol, T frames old.
  Guessing gives ln 8 = 2.079 nats and 1 of 8 right. Without noise in between, with blanks, a plain RNN
  under Adam learns it at 100 frames: a gradient of 1e-20 is a gradient if nothing drowns it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

SYMBOLS = 8  # that are to be kept in mind, in copy and recall
COPIED = 10  # symbols to copy
BLANK = SYMBOLS
CUE = SYMBOLS + 1  # the sign to answer
DISTRACTORS = 8  # other symbols, which mean nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What goes in, what should come out and what guessing scores."""

    name: str
    input_size: int
    output_size: int
    answers: int  # frames at the end that accuracy looks at
    unit: str  # of the loss
    draw: Callable[[int, int, torch.Generator], tuple[Tensor, Tensor]]  # length, batch size -> inputs, targets
    baseline: Callable[[int], float]  # length -> the loss of the best answer without a memory

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(batch, frames, output_size) and the targets -> the mean loss over those frames that have a target."""
        outputs = outputs[:, -targets.shape[1] :]
        if targets.is_floating_point():
            return nn.functional.mse_loss(outputs.squeeze(-1), targets)
        return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    def accuracy(self, outputs: Tensor, targets: Tensor) -> float:
        """The share of the asked answers that are right; for numbers, of those less than 0.04 off.

        The 0.04 is Hochreiter and Schmidhuber's.
        """
        outputs, targets = outputs[:, -self.answers :], targets[:, -self.answers :]
        if targets.is_floating_point():
            return ((outputs.squeeze(-1) - targets).abs() < 0.04).double().mean().item()
        return (outputs.argmax(-1) == targets).double().mean().item()


def draw_adding(length: int, batch_size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(batch, length, 2), numbers and marks, and (batch, 1) sums; `length` is at least 2."""
    numbers = torch.rand(batch_size, length, generator=generator)
    half = length // 2
    first = torch.randint(0, half, (batch_size, 1), generator=generator)
    second = torch.randint(half, length, (batch_size, 1), generator=generator)
    marks = torch.zeros(batch_size, length).scatter_(1, first, 1.0).scatter_(1, second, 1.0)
    return torch.stack([numbers, marks], dim=-1), (numbers * marks).sum(1, keepdim=True)


def draw_copy(length: int, batch_size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(batch, length + 20, 10) one-hot and (batch, length + 20) classes."""
    symbols = torch.randint(0, SYMBOLS, (batch_size, COPIED), generator=generator)
    shown = torch.full((batch_size, length + 2 * COPIED), BLANK)
    shown[:, :COPIED] = symbols
    shown[:, -COPIED - 1] = CUE
    targets = torch.full_like(shown, BLANK)
    targets[:, -COPIED:] = symbols
    return nn.functional.one_hot(shown, CUE + 1).float(), targets


def draw_recall(length: int, batch_size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(batch, length + 1, 17) one-hot and (batch, 1) classes."""
    symbols = torch.randint(0, SYMBOLS, (batch_size, 1), generator=generator)
    shown = SYMBOLS + torch.randint(0, DISTRACTORS, (batch_size, length + 1), generator=generator)
    shown[:, :1] = symbols
    shown[:, -1] = SYMBOLS + DISTRACTORS
    return nn.functional.one_hot(shown, SYMBOLS + DISTRACTORS + 1).float(), symbols


TASKS = {
    task.name: task
    for task in (
        Task(
            name="adding",
            input_size=2,
            output_size=1,
            answers=1,
            unit="mean squared error",
            draw=draw_adding,
            baseline=lambda length: 1 / 6,
        ),
        Task(
            name="copy",
            input_size=CUE + 1,
            output_size=SYMBOLS + 1,
            answers=COPIED,
            unit="nats a frame",
            draw=draw_copy,
            baseline=lambda length: COPIED * math.log(SYMBOLS) / (length + 2 * COPIED),
        ),
        Task(
            name="recall",
            input_size=SYMBOLS + DISTRACTORS + 1,
            output_size=SYMBOLS,
            answers=1,
            unit="nats",
            draw=draw_recall,
            baseline=lambda length: math.log(SYMBOLS),
        ),
    )
}

"""A task to train in tests: learn the sign of the number two steps before."""

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn

from melodia.lstm import LSTMConfig, StackedLSTM
from melodia.training import Loaded

BATCH, LENGTH = 8, 12


class Ones(NamedTuple):
    x: Tensor
    y: Tensor


class Echo(nn.Module):
    def __init__(self, dropout=0.1):
        super().__init__()
        torch.manual_seed(3)
        self.lstm = StackedLSTM(LSTMConfig(input_size=1, hidden_size=16, num_layers=2, dropout=dropout))
        self.head = nn.Linear(16, 2)

    def loss(self, batch, state):
        y, state = self.lstm(batch.x, state)
        known = batch.y >= 0
        nats = nn.functional.cross_entropy(self.head(y)[known], batch.y[known], reduction="sum")
        return nats, known.sum(), state


def batch(index):
    """A whole batch; its items are of different lengths, so parts of it have different numbers of targets."""
    source = torch.Generator().manual_seed(index)
    x = torch.randn(BATCH, LENGTH, 1, generator=source)
    y = (torch.roll(x, 2, dims=1)[..., 0] > 0).long()
    for i in range(BATCH):
        y[i, LENGTH - i :] = -1
    return Ones(x, y)


class EchoTask:
    unit = ("bits", 1.4427)
    identity = "echo"

    def __init__(self, dropout=0.1, carried=True):
        self.model, self.carried = Echo(dropout), carried

    def batches(self, part, num_parts, position):
        share = slice(part * BATCH // num_parts, (part + 1) * BATCH // num_parts)
        for i in itertools.count(position[0][0] if position else 0):
            yield Loaded(Ones(*(t[share] for t in batch(i))), [[i + 1]], i / 10, self.carried)

    def validate(self, model, rank, size):
        with torch.no_grad():
            found = [model.loss(batch(10_000 + i), None) for i in range(rank, 3, size)]
        return sum(float(nats) for nats, _, _ in found), sum(float(n) for _, n, _ in found)

"""Stacked LSTMs with one dropout mask a sequence behind each layer (Gal & Ghahramani 2016), the state in the caller's hands."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from melodia.lstm import LSTMConfig, StackedLSTM, State


class Stack(nn.Module):
    """Layers of LSTM cells; one dropout mask a sequence behind each."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(
            StackedLSTM(LSTMConfig(input_size=size, hidden_size=hidden_size, num_layers=1)) for size in sizes
        )

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(batch, length, input_size) -> (batch, length, hidden_size), and hidden and cell of each layer, one after another."""
        after: State = ()
        for i, layer in enumerate(self.layers):
            x, new = layer(x, state[2 * i : 2 * i + 2] if state else None)
            if self.training and self.dropout:
                mask = torch.empty((len(x), 1, x.shape[2]), dtype=x.dtype, device=x.device).bernoulli_(1 - self.dropout)
                x = x * mask.div_(1 - self.dropout)
            after += new
        return x, after

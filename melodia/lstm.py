"""The stacked LSTM that every domain is built on.

torch's fused kernels with an explicit state: `forward(x, state) -> (y, state)`, batch first, nothing
kept on the module. Reading a sequence whole or step by step gives the same; a state can be detached,
saved, repeated for several takes, or set back to zero for the items of a batch that start anew.
Hochreiter and Schmidhuber 1997, with forget gates (Gers et al. 2000); forget biases start at 1
(Jozefowicz et al. 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from melodia.config import check_range

State = tuple[Tensor, Tensor]  # hidden and cell, each (num_layers, batch, hidden_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class LSTMConfig:
    """Sizes of a stack. `dropout` is the rate between layers."""

    input_size: int = 512
    hidden_size: int = 512
    num_layers: int = 2
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_range("input_size", self.input_size, 1)
        check_range("hidden_size", self.hidden_size, 1, 16_384)
        check_range("num_layers", self.num_layers, 1)
        check_range("dropout", self.dropout, 0, 0.95)


class StackedLSTM(nn.Module):
    """LSTM layers one on another, with the state in the caller's hands."""

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.LSTM(
            config.input_size,
            config.hidden_size,
            config.num_layers,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
            batch_first=True,
        )
        for name, weights in self.layers.named_parameters():
            if name.startswith("bias_ih"):
                nn.init.zeros_(weights)
                nn.init.ones_(weights[config.hidden_size : 2 * config.hidden_size])
            elif name.startswith("bias_hh"):
                nn.init.zeros_(weights)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(batch, length, input_size) -> (batch, length, hidden_size) and the state after it."""
        if x.shape[1] == 1 and not torch.is_grad_enabled():
            return self._step(x, state or self.initial_state(len(x), x.device))
        y, new_state = self.layers(x, state)
        return y, new_state

    def _step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step, cell by cell: the fused CPU kernel reorders all weights at each call, ten times the work."""
        y, hidden, cell = x[:, 0], [], []
        for layer, weights in enumerate(self.layers.all_weights):
            y, c = torch.lstm_cell(y, (state[0][layer], state[1][layer]), *weights)
            hidden.append(y)
            cell.append(c)
        return y[:, None], (torch.stack(hidden), torch.stack(cell))

    def initial_state(self, batch_size: int, device: torch.device | str = "cpu") -> State:
        """A state of zeros."""
        shape = (self.config.num_layers, batch_size, self.config.hidden_size)
        return torch.zeros(shape, device=device), torch.zeros(shape, device=device)


def detached(state: State) -> State:
    """The same state, cut off from the graph that made it."""
    return state[0].detach(), state[1].detach()


def restarted(state: State, fresh: Tensor) -> State:
    """The state with zeros for those items of the batch that `fresh` (batch,) marks True."""
    keep = (~fresh).to(state[0].dtype)[None, :, None]
    return state[0] * keep, state[1] * keep


def repeated(state: State, count: int) -> State:
    """A state of one item as the state of `count` items, to branch takes from."""
    return state[0].expand(-1, count, -1).contiguous(), state[1].expand(-1, count, -1).contiguous()

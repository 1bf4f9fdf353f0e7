"""The network that is probed: one recurrent layer and a linear readout, at a stated number of parameters.

A plain RNN has one set of weights, a GRU three, an LSTM four; at the same hidden size the LSTM would
have four times the parameters. Here the hidden sizes differ and the counts agree, readout included.

`forget_bias` opens those gates that keep the state from the start, which decides whether a gradient
comes from T frames ago at all: with bias 1 an LSTM's forget gate keeps sigmoid(1) = 0.73 a frame, and 100 frames
back some 1e-8 of the gradient is left.

- a number: the LSTM's forget bias; 1 is Jozefowicz et al. 2015 and melodia's own. The GRU is torch's.
- "chrono": ln u with u uniform in [1, T - 1], so that the gates keep for all times up to T, and the
  opposite for the LSTM's input gate (Tallec and Ollivier 2018); a GRU's update gate (torch's, where 1
  keeps) gets the same. The cell of 1997 had no forget gate at all, an endless bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from melodia.errors import ConfigError
from melodia.lstm import GATES, LSTMConfig, StackedLSTM, State
from melodia.probes.tasks import Task

TOLERANCE = 0.02  # between the counts of the cells, relative
CHRONO = "chrono"


class ProbeNetwork(nn.Module):
    """A cell and its readout."""

    def __init__(self, cell: str, hidden_size: int, task: Task) -> None:
        super().__init__()
        config = LSTMConfig(cell=cell, input_size=task.input_size, hidden_size=hidden_size, num_layers=1)
        self.recurrent = StackedLSTM(config)
        self.readout = nn.Linear(hidden_size, task.output_size)

    def forward(self, x: Tensor, answers: int) -> Tensor:
        """(batch, frames, input_size) -> (batch, answers, output_size), of the last frames."""
        y, _ = self.recurrent(x)
        outputs: Tensor = self.readout(y[:, -answers:])
        return outputs

    def states(self, x: Tensor) -> list[State]:
        """(batch, frames, input_size) -> the state after each frame, each made of the one before."""
        state = tuple(s.to(x.dtype) for s in self.recurrent.initial_state(len(x), x.device))
        found = []
        for t in range(x.shape[1]):
            _, state = self.recurrent(x[:, t : t + 1], state)
            found.append(state)
        return found

    @property
    def recurrent_weights(self) -> nn.Parameter:
        """(gates * hidden_size, hidden_size), state to state."""
        return self._parameter("weight_hh_l0")

    def open_gates(self, forget_bias: float | str, length: int, generator: torch.Generator) -> None:
        """Sets the biases of those gates that keep the state, as the module's docstring says."""
        size, gates = self.recurrent.config.hidden_size, GATES[self.recurrent.config.cell]
        bias = self._parameter("bias_ih_l0")
        rows = {name: slice(i * size, (i + 1) * size) for i, name in enumerate(gates)}
        with torch.no_grad():
            if forget_bias != CHRONO:
                if "forget" in rows:
                    bias[rows["forget"]] = float(forget_bias)
                return
            logs = (1 + torch.rand(size, generator=generator) * max(length - 2, 0)).log()
            if "forget" in rows:
                bias[rows["forget"]], bias[rows["input"]] = logs, -logs
            elif "update" in rows:
                bias[rows["update"]] = logs

    def _parameter(self, name: str) -> nn.Parameter:
        found: nn.Parameter = getattr(self.recurrent.layers, name)
        return found


def make_network(cell: str, hidden_size: int, task: Task, random_seed: int) -> ProbeNetwork:
    """A network whose weights the random seed alone decides; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_seed)  # layers take no generator of their own
        return ProbeNetwork(cell, hidden_size, task)


def parameter_count(cell: str, hidden_size: int, task: Task) -> int:
    """Of the whole network, with torch's two biases a gate."""
    recurrent = len(GATES[cell]) * hidden_size * (task.input_size + hidden_size + 2)
    return recurrent + (hidden_size + 1) * task.output_size


def hidden_sizes(cells: Sequence[str], parameters: int, task: Task) -> dict[str, int]:
    """The width of each cell at which all have about so many parameters.

    Sizes are whole, so counts come in jumps, the widest for the cell with the most gates. Of its counts
    the nearest to `parameters` is taken that the other cells can match.

    Raises:
        ConfigError: there is no such count within a tenth; it is too low.
    """
    coarsest = max(cells, key=lambda cell: len(GATES[cell]))
    near = _nearest(coarsest, parameters, task)
    for size in sorted(range(max(near - 8, 1), near + 9), key=lambda s: abs(parameter_count(coarsest, s, task) - parameters)):
        anchor = parameter_count(coarsest, size, task)
        sizes = {cell: _nearest(cell, anchor, task) for cell in cells}
        counts = [parameter_count(cell, s, task) for cell, s in sizes.items()]
        if abs(anchor / parameters - 1) <= 0.1 and max(counts) <= min(counts) * (1 + TOLERANCE):
            return sizes
    raise ConfigError(
        f"parameters: {parameters} is too few for {', '.join(cells)} to have counts within {TOLERANCE:.0%} of one another "
        f"on {task.name}; take 5000 or more"
    )


def _nearest(cell: str, parameters: int, task: Task) -> int:
    """The hidden size whose count is nearest."""
    size = 1
    while parameter_count(cell, size * 2, task) <= parameters:
        size *= 2
    low, high = size, size * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameter_count(cell, middle, task) <= parameters else (low, middle)
    return min(low, high, key=lambda s: abs(parameter_count(cell, s, task) - parameters))

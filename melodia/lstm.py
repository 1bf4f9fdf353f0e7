"""The stacked LSTM that every domain is built on, and its relatives to compare it with.

torch's fused kernels with an explicit state: `forward(x, state) -> (y, state)`, batch first, nothing
kept on the module. Reading a sequence whole or step by step gives the same; a state can be detached,
saved, selected, or set back to zero for the items of a batch that start anew.
Hochreiter and Schmidhuber 1997, with forget gates (Gers et al. 2000); forget biases start at 1
(Jozefowicz et al. 2015). GRU: Cho et al. 2014; RNN: Elman 1990, with tanh. `layer_norm` stands before
each layer and `residual` around it (x + layer(norm(x)), where the widths agree), so the recurrence
itself stays torch's. `trace` gives the gates, for those who want to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from melodia.config import check_range
from melodia.errors import ConfigError

State = tuple[Tensor, ...]  # hidden, and for an LSTM cell, each (num_layers * directions, batch, hidden_size)
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
GATES = {"lstm": ("input", "forget", "candidate", "output"), "gru": ("reset", "update", "candidate"), "rnn": ("candidate",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LSTMConfig:
    """Sizes and kind of a stack. `dropout` is the rate between layers."""

    input_size: int = 512
    hidden_size: int = 512
    num_layers: int = 2
    dropout: float = 0.0
    cell: str = "lstm"
    bidirectional: bool = False
    residual: bool = False
    layer_norm: bool = False

    def __post_init__(self) -> None:
        check_range("hidden_size", self.hidden_size, 1, 16_384)
        check_range("input_size", self.input_size, 1)
        check_range("num_layers", self.num_layers, 1, 256)
        check_range("dropout", self.dropout, 0, 0.95)
        if self.cell not in CELLS:
            raise ConfigError(f"cell: '{self.cell}' is not known; it must be {', '.join(CELLS)}")

    @property
    def directions(self) -> int:
        """2 if the stack reads both ways."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Width of what the stack gives."""
        return self.hidden_size * self.directions


class StackedLSTM(nn.Module):
    """Recurrent layers one on another, with the state in the caller's hands."""

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.dropout = nn.Dropout(config.dropout)
        if config.residual or config.layer_norm:  # layer by layer; else all layers in one fused call
            widths = [config.input_size, *[config.output_size] * (config.num_layers - 1)]
            self.layers: nn.ModuleList | nn.RNNBase = nn.ModuleList(_fused(config, width, 1) for width in widths)
            self.norms = nn.ModuleList(nn.LayerNorm(w) if config.layer_norm else nn.Identity() for w in widths)
        else:
            self.layers = _fused(config, config.input_size, config.num_layers)

    def forward(self, x: Tensor, state: State | None = None, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """(batch, length, input_size) -> (batch, length, output_size) and the state after it.

        With `lengths` (batch,) of a bidirectional stack each item is read backwards from its own end, as if it were alone;
        what is given past the ends means nothing, and the state is None's: zeros.
        """
        if lengths is not None and self.config.bidirectional and bool((lengths < x.shape[1]).any()):
            return self._ragged(x, lengths), self.initial_state(len(x), x.device)
        state = state or self.initial_state(len(x), x.device)
        if x.shape[1] == 1 and not torch.is_grad_enabled() and not self.config.bidirectional:
            return self._step(x, state)
        if not isinstance(self.layers, nn.ModuleList):
            y, new = self.layers(x, _packed(state))
            return y, _unpacked(new)
        news = []
        for depth, layer in enumerate(self.layers):
            y, new = layer(self.norms[depth](x), _packed(self._of_layer(state, depth)))
            x = self._joined(x, y, depth)
            news.append(_unpacked(new))
        return x, tuple(torch.cat(parts) for parts in zip(*news, strict=True))

    def _ragged(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Items of several lengths, both ways. Packed sequences would do, but torch reads them many times as slowly."""
        frames = torch.arange(x.shape[1], device=x.device)
        mirrored = torch.where(frames < lengths[:, None], lengths[:, None] - 1 - frames, frames)[:, :, None]
        run: Any = {"lstm": torch.lstm, "gru": torch.gru, "rnn": torch.rnn_tanh}[self.config.cell]
        settings = (True, 1, 0.0, self.training, False, True)  # biases, layers, dropout, training, both ways, batch first
        zeros = _packed(tuple(s[:1] for s in self.initial_state(len(x), x.device)))
        for depth, ways in enumerate(self.weights()):
            read = self._normed(x, depth)
            backwards = read.gather(1, mirrored.expand_as(read))
            ahead, back = (run(heard, zeros, weights, *settings)[0] for heard, weights in zip((read, backwards), ways, strict=True))
            y = torch.cat([ahead, back.gather(1, mirrored.expand_as(back))], dim=-1)
            x = self._joined(x, y, depth)
        return x

    def _joined(self, x: Tensor, y: Tensor, depth: int) -> Tensor:
        """What a layer read and gave -> what the next one reads."""
        y = x + y if self.config.residual and x.shape == y.shape else y
        return self.dropout(y) if depth < self.config.num_layers - 1 else y

    def _of_layer(self, state: State, depth: int) -> State:
        directions = self.config.directions
        return tuple(s[depth * directions : (depth + 1) * directions].contiguous() for s in state)

    def weights(self) -> Iterator[list[list[Tensor]]]:
        """Of each layer, for each direction, its weights in torch's order."""
        modules = list(self.layers) if isinstance(self.layers, nn.ModuleList) else [self.layers]
        rows: list[list[Tensor]] = [row for module in modules for row in module.all_weights]  # type: ignore[union-attr]
        for depth in range(self.config.num_layers):
            yield rows[depth * self.config.directions : (depth + 1) * self.config.directions]

    def _step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step, cell by cell: the fused CPU kernel reorders all weights at each call, ten times the work."""
        x, news = x[:, 0], []
        for depth, (weights,) in enumerate(self.weights()):
            y, new = self._cell(self._normed(x, depth), tuple(s[depth] for s in state), weights)
            x = self._joined(x, y, depth)
            news.append(new)
        return x[:, None], tuple(torch.stack(parts) for parts in zip(*news, strict=True))

    def _normed(self, x: Tensor, depth: int) -> Tensor:
        y: Tensor = self.norms[depth](x) if isinstance(self.layers, nn.ModuleList) else x
        return y

    def _cell(self, x: Tensor, state: State, weights: list[Tensor]) -> tuple[Tensor, State]:
        if self.config.cell == "lstm":
            new: State = torch.lstm_cell(x, state, *weights)
        else:
            step = torch.gru_cell if self.config.cell == "gru" else torch.rnn_tanh_cell
            new = (step(x, state[0], *weights),)
        return new[0], new

    def initial_state(self, batch_size: int, device: torch.device | str = "cpu") -> State:
        """A state of zeros."""
        shape = (self.config.num_layers * self.config.directions, batch_size, self.config.hidden_size)
        return tuple(torch.zeros(shape, device=device) for _ in range(2 if self.config.cell == "lstm" else 1))

    @torch.no_grad()
    def trace(self, x: Tensor, state: State | None = None) -> list[dict[str, Tensor]]:
        """What each layer did at each step.

        Args:
            x: (batch, length, input_size).
            state: before the first step; None is zeros.

        Returns:
            for each layer, (batch, length, output_size) under `hidden`, `cell` (an LSTM's) and each of
            `GATES`: gates between 0 and 1, candidates between -1 and 1. The last layer's `hidden` is what
            `forward` gives, but for residual connections.
        """
        state = state or self.initial_state(len(x), x.device)
        traces = []
        for depth, weights in enumerate(self.weights()):
            read, of_layer = self._normed(x, depth), self._of_layer(state, depth)
            ways = []
            for way, row in enumerate(weights):
                backwards = read.flip(1) if way else read
                found = self._trace_layer(backwards, tuple(s[way] for s in of_layer), row)
                ways.append({k: v.flip(1) if way else v for k, v in found.items()})
            traces.append({name: torch.cat([w[name] for w in ways], dim=-1) for name in ways[0]})
            hidden = traces[-1]["hidden"]
            x = x + hidden if self.config.residual and x.shape == hidden.shape else hidden
        return traces

    def _trace_layer(self, x: Tensor, state: State, weights: list[Tensor]) -> dict[str, Tensor]:
        names, steps = GATES[self.config.cell], []
        w_input, w_hidden, b_input, b_hidden = weights
        from_input = x @ w_input.T + b_input
        for t in range(x.shape[1]):
            from_hidden = state[0] @ w_hidden.T + b_hidden
            a, b = from_input[:, t].chunk(len(names), -1), from_hidden.chunk(len(names), -1)
            gates = {n: torch.sigmoid(p + q) for n, p, q in zip(names, a, b, strict=True) if n != "candidate"}
            last = names.index("candidate")
            inner = b[last] * gates["reset"] if "reset" in gates else b[last]
            gates["candidate"] = torch.tanh(a[last] + inner)
            _, state = self._cell(x[:, t], state, weights)
            steps.append(gates | dict(zip(("hidden", "cell"), state, strict=False)))
        return {name: torch.stack([s[name] for s in steps], dim=1) for name in steps[0]}


def _fused(config: LSTMConfig, width: int, num_layers: int) -> nn.RNNBase:
    """torch's module, with open forget gates."""
    layers: nn.RNNBase = CELLS[config.cell](
        width,
        config.hidden_size,
        num_layers,
        dropout=config.dropout if num_layers > 1 else 0.0,
        batch_first=True,
        bidirectional=config.bidirectional,
    )
    for name, weights in layers.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(weights)
        if name.startswith("bias_ih") and config.cell == "lstm":
            nn.init.ones_(weights[config.hidden_size : 2 * config.hidden_size])
    return layers


def _packed(state: State) -> Tensor | State:
    """As torch's modules take it: alone, or a pair."""
    return state if len(state) > 1 else state[0]


def _unpacked(state: Tensor | State) -> State:
    return state if isinstance(state, tuple) else (state,)


def detached(state: State) -> State:
    """The same state, cut off from the graph that made it."""
    return tuple(s.detach() for s in state)


def restarted(state: State, fresh: Tensor) -> State:
    """The state with zeros for those items of the batch that `fresh` (batch,) marks True."""
    keep = (~fresh).to(state[0].dtype)[None, :, None]
    return tuple(s * keep for s in state)


def selected(state: State, items: Tensor | slice) -> State:
    """A copy of the states of some items of a batch."""
    return tuple(s[:, items].clone() for s in state)


def replaced(state: State, items: Tensor | slice, new: State) -> State:
    """The state with that of some items of the batch put in place of theirs."""
    copies = tuple(s.clone() for s in state)
    for copy, part in zip(copies, new, strict=True):
        copy[:, items] = part
    return copies

"""Networks one step at a time on a CPU, for one stream as fast as one core reads their weights.

One step of one stream multiplies each matrix by one vector, so what costs is to read the weights. torch's modules add
the time of a dozen calls a layer; its fused LSTM even reorders all weights first. Here a layer is one product over input
and state side by side, and its gates one loop that the processor does sixteen at a time. `int8` keeps the weights as
whole numbers with a scale for each row: a quarter of the bytes. Several streams are bound by the multiplying, which numpy does on
all cores in float32, whatever the weights are kept in.

Compiled by numba at the first use on a machine, and kept on disk. Means that were measured and not taken: ONNX Runtime,
torch.compile (a compiler on the user's machine), torch's 8-bit products (slower, and going away).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from melodia.errors import ConfigError
from melodia.lstm import StackedLSTM, State
from melodia.sampling import SamplingConfig
from melodia.weights import in_eight_bits

Floats = NDArray[np.float32]
Arrays = tuple[Floats, ...]  # a state: each (layers, streams, size)
PRECISIONS = ("float32", "int8")
LANES = 4  # rows that a product goes through at once
FAST: dict[str, Any] = {"fastmath": True, "nogil": True, "cache": True}

ONE, TWO, HALF = np.float32(1), np.float32(2), np.float32(0.5)
LOG2_E, WIDEST, EXPONENT_BIAS, MANTISSA_BITS = np.float32(1.442695040888963), np.float32(126), np.int32(127), np.int32(23)
EXP2 = tuple(np.float32(c) for c in (1.5353362e-4, 1.3398874e-3, 9.6184373e-3, 5.5503324e-2, 2.4022648e-1, 6.9314718e-1, 1.0))


@njit(**FAST)
def _product(weights, scales, bias, x, out):  # type: ignore[no-untyped-def]
    """out = (weights @ x) * scales + bias, for whole `LANES` of rows."""
    for i in range(0, weights.shape[0], LANES):
        a = b = c = d = np.float32(0)
        for j in range(weights.shape[1]):
            v = x[j]
            a += np.float32(weights[i, j]) * v
            b += np.float32(weights[i + 1, j]) * v
            c += np.float32(weights[i + 2, j]) * v
            d += np.float32(weights[i + 3, j]) * v
        out[i] = a * scales[i] + bias[i]
        out[i + 1] = b * scales[i + 1] + bias[i + 1]
        out[i + 2] = c * scales[i + 2] + bias[i + 2]
        out[i + 3] = d * scales[i + 3] + bias[i + 3]


@njit(**FAST)
def _sigmoids(x, bits, powers):  # type: ignore[no-untyped-def]
    """x = 1 / (1 + exp(-x)), by 2^whole 2^rest and a polynomial (error below 1e-7); `powers` are the floats of `bits`."""
    for j in range(x.shape[0]):
        y = min(max(-LOG2_E * x[j], -WIDEST), WIDEST)
        whole = np.floor(y + HALF)
        rest = y - whole
        p = EXP2[0]
        for coefficient in EXP2[1:]:
            p = p * rest + coefficient
        bits[j] = (np.int32(whole) + EXPONENT_BIAS) << MANTISSA_BITS
        x[j] = p
    for j in range(x.shape[0]):
        x[j] = ONE / (ONE + x[j] * powers[j])


@njit(**FAST)
def _cell(gates, hidden, cell, bits, powers):  # type: ignore[no-untyped-def]
    """An LSTM's gates, (4 * size,) in torch's order, -> its hidden and cell, in place; tanh(x) = 2 sigmoid(2x) - 1."""
    n = hidden.shape[0]
    for j in range(2 * n, 3 * n):
        gates[j] *= TWO
    _sigmoids(gates, bits, powers)
    for j in range(n):
        cell[j] = gates[n + j] * cell[j] + gates[j] * (TWO * gates[2 * n + j] - ONE)
        hidden[j] = TWO * cell[j]
    _sigmoids(hidden, bits, powers)
    for j in range(n):
        hidden[j] = gates[3 * n + j] * (TWO * hidden[j] - ONE)


@njit(**FAST)
def _cells(gates, hidden, cell, bits, powers):  # type: ignore[no-untyped-def]
    """`_cell` of each stream."""
    for i in range(gates.shape[0]):
        _cell(gates[i], hidden[i], cell[i], bits, powers)


@njit(**FAST)
def _silu(x, scratch, bits, powers):  # type: ignore[no-untyped-def]
    """x = x sigmoid(x)."""
    for j in range(x.shape[0]):
        scratch[j] = x[j]
    _sigmoids(x, bits, powers)
    for j in range(x.shape[0]):
        x[j] *= scratch[j]


@njit(**FAST)
def _add_rows(table, rows, out):  # type: ignore[no-untyped-def]
    """out += the rows of a table, those of each stream."""
    for i in range(out.shape[0]):
        for row in rows[i]:
            for j in range(out.shape[1]):
                out[i, j] += table[row, j]


@njit(**FAST)
def _drawn(logits, allowed, temperature, top_k, top_p, u):  # type: ignore[no-untyped-def]
    """A class, of those allowed: see `melodia.sampling`. `u` in [0, 1) says where in the sum of the probabilities."""
    count, best = 0, -1
    for i in range(logits.shape[0]):
        if allowed[i]:
            count += 1
            if best < 0 or logits[i] > logits[best]:
                best = i
    if temperature == 0 or count < 2:
        return best
    kept, probs = np.empty(count, np.int64), np.empty(count, np.float64)
    n, total = 0, 0.0
    for i in range(logits.shape[0]):
        if allowed[i]:
            kept[n] = i
            probs[n] = np.exp((logits[i] - logits[best]) / temperature)
            n += 1
    if 0 < top_k < count or top_p < 1:
        order = np.argsort(-probs)
        kept, probs = kept[order], probs[order]
        if 0 < top_k < count:
            kept, probs = kept[:top_k], probs[:top_k]
        total, before, most = probs.sum(), 0.0, len(probs)
        for i in range(len(probs)):
            if before >= top_p * total:
                most = i
                break
            before += probs[i]
        kept, probs = kept[:most], probs[:most]
    left = u * probs.sum()
    for i in range(len(probs)):
        left -= probs[i]
        if left < 0:
            return kept[i]
    return kept[len(probs) - 1]


@njit(**FAST)
def _drawn_of_each(logits, allowed, temperature, top_k, top_p, chances, out):  # type: ignore[no-untyped-def]
    """`_drawn` of each stream."""
    for i in range(out.shape[0]):
        out[i] = _drawn(logits[i], allowed[i], temperature, top_k, top_p, chances[i])


class Product:
    """A linear layer of several streams: (streams, inputs) -> (streams, outputs)."""

    def __init__(self, weights: Floats, bias: Floats | None = None, precision: str = "float32") -> None:
        check_precision(precision)
        self.outputs = len(weights)
        missing = -self.outputs % LANES
        rows = np.pad(np.ascontiguousarray(weights, np.float32), ((0, missing), (0, 0)))
        self.bias = np.pad(np.zeros(self.outputs, np.float32) if bias is None else np.asarray(bias, np.float32), (0, missing))
        self.scales = np.ones(len(rows), np.float32)
        self.weights: NDArray[Any] = rows
        if precision == "int8":
            self.weights, self.scales = in_eight_bits(rows)
        self._whole: Floats | None = None

    def __call__(self, x: Floats) -> Floats:
        """One stream is bound by reading the weights, several by multiplying: numpy's BLAS does that on all cores."""
        if len(x) == 1:
            out = np.empty((1, len(self.weights)), np.float32)
            _product(self.weights, self.scales, self.bias, x[0], out[0])
            return out[:, : self.outputs]
        if self._whole is None:
            self._whole = self.weights if self.weights.dtype == np.float32 else self.weights * self.scales[:, None]
        return (x @ self._whole.T + self.bias)[:, : self.outputs]

    @property
    def num_bytes(self) -> int:
        """What one step of one stream reads."""
        return self.weights.nbytes


def import_without_scipy() -> None:
    """Imports of numba what its first call would: it looks for a BLAS through scipy.linalg, a tenth of a second for nothing here.

    All that is lost to the process is BLAS in numba's `cov` and `corrcoef`, which do without.
    """
    if "scipy.linalg" not in sys.modules and "numba.np.arraymath" not in sys.modules:
        sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
        try:
            import numba.np.arraymath  # noqa: F401
        finally:
            del sys.modules["scipy.linalg"]


class Steps:
    """A stack of LSTMs as products; the state, hidden and cell, is changed in place."""

    def __init__(self, stack: StackedLSTM, precision: str = "float32") -> None:
        if not can_step(stack):
            raise ConfigError("stack: steps are known of stacks of LSTMs that read forwards")
        import_without_scipy()
        self.products = []
        self.norms = [normed(norm) for norm in stack.norms] if stack.config.layer_norm else []
        self.residual = stack.config.residual
        for ((w_input, w_hidden, b_input, b_hidden),) in stack.weights():
            joined = floats_of(torch.cat([w_input, w_hidden], dim=1))
            self.products.append(Product(joined, floats_of(b_input + b_hidden), precision))
        self.size = stack.config.hidden_size

    def __call__(self, x: Floats, state: Arrays) -> Floats:
        """(streams, inputs) -> (streams, size): the hidden state of the last layer."""
        for depth, (product, hidden, cell) in enumerate(zip(self.products, *state, strict=True)):
            read = self.norms[depth](x) if self.norms else x
            gates = product(np.concatenate((read, hidden), axis=1))
            _cells(gates, hidden, cell, *self._scratch(gates.shape[1]))
            x = x + hidden if self.residual and x.shape == hidden.shape else hidden
        return x

    @staticmethod
    def _scratch(size: int) -> tuple[NDArray[np.int32], Floats]:
        bits = np.empty(size, np.int32)
        return bits, bits.view(np.float32)

    @property
    def num_bytes(self) -> int:
        """What one step of one stream reads."""
        return sum(product.num_bytes for product in self.products)


def normed(norm: Any) -> Callable[[Floats], Floats]:
    """The same with arrays."""
    weight, bias = floats_of(norm.weight), floats_of(norm.bias)

    def apply(x: Floats) -> Floats:
        away = x - x.mean(axis=1, keepdims=True)
        found: Floats = away / np.sqrt((away * away).mean(axis=1, keepdims=True) + np.float32(norm.eps)) * weight + bias
        return found

    return apply


def silu(x: Floats) -> Floats:
    """x sigmoid(x) of contiguous rows, in place."""
    bits = np.empty(x.size, np.int32)
    _silu(x.reshape(-1), np.empty(x.size, np.float32), bits, bits.view(np.float32))
    return x


def add_rows(table: Floats, rows: NDArray[np.int64], out: Floats) -> Floats:
    """Adds to each stream its rows of a table: (rows, size), (streams, count), (streams, size); in place."""
    _add_rows(table, np.ascontiguousarray(rows), out)
    return out


def drawn(logits: Floats, allowed: NDArray[np.bool_], how: SamplingConfig, chances: Sequence[float]) -> list[int]:
    """A class of each stream, of those that are allowed; -1 if none is. A number in [0, 1) decides of each.

    Args:
        logits: (streams, classes).
        allowed: (streams, classes).
        how: temperature and filters.
        chances: one for each stream.
    """
    out = np.empty(len(logits), np.int64)
    told = float(how.temperature), how.top_k, float(how.top_p)
    _drawn_of_each(np.ascontiguousarray(logits), np.ascontiguousarray(allowed), *told, np.array(chances), out)
    return out.tolist()


def arrays_of(state: State) -> Arrays:
    """A state as arrays of its own."""
    return tuple(np.array(floats_of(part)) for part in state)


def can_step(stack: StackedLSTM) -> bool:
    """Whether this knows a stack."""
    config = stack.config
    return config.cell == "lstm" and not config.bidirectional


def check_precision(precision: str) -> None:
    """Raises ConfigError if it is not one of `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: '{precision}' is not known; it must be {' or '.join(PRECISIONS)}")


def floats_of(weights: Tensor) -> Floats:
    """Weights as an array."""
    found: Floats = weights.detach().float().cpu().numpy()
    return found

"""How fast music is drawn, against how fast its weights can be read: the table of the README.

    python tests/benchmarks/sampling.py loops [--layers 3] [--size 512] [--classes 388]   # one stream, one core
    python tests/benchmarks/sampling.py takes [--count 64]                                # `melodia generate`, warm
    python tests/benchmarks/sampling.py cold                                              # where each tenth of a second goes

`loops` draws tokens from one network of random weights in four ways: as anyone writes it with torch.nn.LSTM, the same in numpy, and
by `melodia.stepping` in float32 and int8. The floor is the bytes of the weights over the rate at which one core reads as many bytes
again and again. All draw with the same numbers at random, and it is checked that float32 draws what torch does. `takes` draws 16
bars after a seed, once and many times at once. `cold` starts `melodia generate` anew and says what the time goes into; what its parts
take is measured in processes of their own, each after the parts before it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numba import njit

from melodia.lstm import LSTMConfig, StackedLSTM
from melodia.sampling import SamplingConfig
from melodia.stepping import PRECISIONS, Product, Steps, arrays_of, drawn

ROOT = Path(__file__).parents[2]
SEED = ROOT / "corpora/examples/pop.mid"
TOKENS = 500


@njit(fastmath=True, nogil=True)
def read(numbers):  # type: ignore[no-untyped-def]
    """Their sum: every byte is read once, and hardly anything else is done."""
    a = b = c = d = np.float32(0)  # four sums: one alone would wait for itself
    quarter = len(numbers) // 4
    for i in range(quarter):
        a += numbers[i]
        b += numbers[quarter + i]
        c += numbers[2 * quarter + i]
        d += numbers[3 * quarter + i]
    return a + b + c + d


def bandwidth(num_bytes: int) -> float:
    """Bytes a second that one core reads of so many bytes, at best."""
    numbers = np.ones(num_bytes // 4, np.float32)
    read(numbers)
    return num_bytes / min(seconds(lambda: read(numbers)) for _ in range(100))


def seconds(function: Callable[[], object]) -> float:
    """Of one call."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def loops(arguments: argparse.Namespace) -> None:
    """Prints the table of one stream."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    size, classes = arguments.size, arguments.classes
    embedding, output = torch.randn(classes, size) * 0.3, torch.nn.Linear(size, classes)
    stack = StackedLSTM(LSTMConfig(input_size=size, hidden_size=size, num_layers=arguments.layers)).eval()
    uniform = np.random.default_rng(0).random(TOKENS)
    weights = [[w.detach().numpy() for w in row] for ((*row,),) in stack.weights()]
    num_bytes = 4 * (sum(w.size for row in weights for w in row[:2]) + output.weight.numel())
    floor = num_bytes / bandwidth(num_bytes)
    print(
        f"{num_bytes / 1e6:.1f} MB of weights, read at {num_bytes / floor / 1e9:.1f} GB/s: {1 / floor:.0f} tokens a second at most"
    )
    ways = {
        "torch.nn.LSTM": torch_loop(stack, embedding, output, uniform),
        "numpy": numpy_loop(weights, embedding.numpy(), output, uniform),
        "melodia float32": our_loop(stack, embedding.numpy(), output, uniform, "float32"),
        "melodia int8": our_loop(stack, embedding.numpy(), output, uniform, "int8"),
    }
    tokens, rates = {}, {}
    for name, way in ways.items():
        way()
        spent = []
        for _ in range(arguments.times):
            began = time.perf_counter()
            tokens[name] = way()
            spent.append(time.perf_counter() - began)
        rates[name] = TOKENS / min(spent)
    for name, rate in rates.items():
        print(
            f"{name:16} {rate:8.0f} tokens/s  {rate * floor:6.1%} of the floor  {rate / rates['torch.nn.LSTM']:5.1f} times torch.nn.LSTM"
        )
    same = sum(a == b for a, b in zip(tokens["torch.nn.LSTM"], tokens["melodia float32"], strict=True))
    print(f"float32 draws {same} of {TOKENS} tokens as torch does")


def torch_loop(
    stack: StackedLSTM, embedding: torch.Tensor, output: torch.nn.Linear, uniform: np.ndarray
) -> Callable[[], list[int]]:
    """As anyone writes it."""
    layers = stack.layers

    @torch.inference_mode()
    def draw() -> list[int]:
        token, state, tokens = 0, None, []
        for u in uniform:
            y, state = layers(embedding[token][None, None], state)
            probs = output(y[0, -1]).softmax(dim=-1).double()
            token = min(int(torch.searchsorted(probs.cumsum(dim=-1), u * probs.sum())), len(probs) - 1)
            tokens.append(token)
        return tokens

    return draw


def numpy_loop(weights: list, embedding: np.ndarray, output: torch.nn.Linear, uniform: np.ndarray) -> Callable[[], list[int]]:
    """The same with products of numpy."""
    out, bias = output.weight.detach().numpy(), output.bias.detach().numpy()

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    def draw() -> list[int]:
        state = [(np.zeros(len(w[1][0]), np.float32),) * 2 for w in weights]
        token, tokens = 0, []
        for u in uniform:
            x = embedding[token]
            for k, (w_input, w_hidden, b_input, b_hidden) in enumerate(weights):
                i, f, z, o = np.split(w_input @ x + w_hidden @ state[k][0] + b_input + b_hidden, 4)
                cell = sigmoid(f) * state[k][1] + sigmoid(i) * np.tanh(z)
                x = sigmoid(o) * np.tanh(cell)
                state[k] = (x, cell)
            logits = out @ x + bias
            sums = np.cumsum(np.exp(logits - logits.max()))
            token = int(np.searchsorted(sums, u * sums[-1]))
            tokens.append(token)
        return tokens

    return draw


def our_loop(
    stack: StackedLSTM, embedding: np.ndarray, output: torch.nn.Linear, uniform: np.ndarray, precision: str
) -> Callable[[], list[int]]:
    """By `melodia.stepping`."""
    steps = Steps(stack, precision)
    last = Product(output.weight.detach().numpy(), output.bias.detach().numpy(), precision)
    everything = np.ones((1, last.outputs), np.bool_)

    def draw() -> list[int]:
        state, token, tokens, how = arrays_of(stack.initial_state(1)), 0, [], SamplingConfig()
        for u in uniform:
            logits = last(steps(embedding[token][None], state))
            (token,) = drawn(logits, everything, how, [u])
            tokens.append(token)
        return tokens

    return draw


def takes(arguments: argparse.Namespace) -> None:
    """Prints notes a second of one take, and of many."""
    import melodia

    composer, seed = melodia.load_checkpoint(), melodia.Score.read(SEED)
    for precision in PRECISIONS:
        rates = []
        for count in (1, arguments.count):
            spent, notes = [], 0
            for i in range(-1, arguments.times if count == 1 else min(arguments.times, 2)):  # the first one is not counted
                began = time.perf_counter()
                made = melodia.generate_takes(
                    seed, count, bars=16, random_seed=100 * i + 100, model=composer, precision=precision, continuation_only=True
                )
                spent += [time.perf_counter() - began] if i >= 0 else []
                notes += sum(score.num_notes for score in made) if i >= 0 else 0
            rates.append(notes / sum(spent))
            print(f"{precision}, {count} at once: {sum(spent) / len(spent):.2f} s, {rates[-1]:.0f} notes/s")
        print(f"{precision}: {arguments.count} at once are {rates[1] / rates[0]:.1f} times as fast as one")


PARTS = {  # of a cold start, in the order in which they come
    "python": "",
    "torch": "import torch",
    "numba": "import numba",
    "melodia": "import melodia.api.music",
    "the model": "import melodia; composer = melodia.load_checkpoint()",
    "the seed and a bar": "melodia.generate(SEED, bars=1, model=composer)",
    "15 bars more": "melodia.generate(SEED, bars=16, model=composer)",
}


def cold(arguments: argparse.Namespace) -> None:
    """Prints what `melodia generate` of 16 bars takes, and what its parts do."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "cli.py"), "generate", "--seed", str(SEED), "-o", f"{folder}/a.mid", "-q"]
        whole = [seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(arguments.times + 1)]
    print(f"melodia generate, 16 bars: {min(whole[1:]):.2f} s at best, {sorted(whole[1:])[len(whole) // 2 - 1]:.2f} s as a rule")
    code, before = f"import sys; sys.path.insert(0, {str(ROOT)!r}); SEED = {str(SEED)!r}\n", 0.0
    for name, line in PARTS.items():
        code += line + "\n"
        start = partial(subprocess.run, [sys.executable, "-c", code], check=True)
        spent = min(seconds(start) for _ in range(arguments.times))
        print(f"{name:20} {spent - before:5.2f} s")
        before = spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["loops", "takes", "cold"])
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--classes", type=int, default=388)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    {"loops": loops, "takes": takes, "cold": cold}[arguments.what](arguments)


if __name__ == "__main__":
    main()

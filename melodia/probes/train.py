"""Teaches one network one task at one delay, and measures it on sequences that it never saw.

Adam on fresh batches, gradients clipped by their norm; all cells see the same batches. A probe is
solved, and stops, when the held-out loss is below a twentieth of the baseline: 0.0083 for adding (the
plots of Le et al. 2015 and Arjovsky et al. 2016 end near there), 0.10 nats for recall. The plain RNN
has a far lower learning rate: at that of the gated cells it diverges, and would look worse than it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.lstm import CELLS
from melodia.probes.network import CHRONO, ProbeNetwork, hidden_sizes, make_network, parameter_count
from melodia.probes.tasks import TASKS, Task

# The best of 0.002, 0.005, 0.01, 0.02 for the LSTM and of 0.0003, 0.001, 0.01 for the RNN; the GRU learned all at its first.
LEARNING_RATES = {"lstm": 0.02, "gru": 0.01, "rnn": 0.001}
CHECK_EVERY = 50  # iterations from one look at the held-out sequences to the next
HELD_OUT = 1000  # sequences; on so many always answering 1 scores 0.167 +- 0.006 at adding
SOLVED = 0.05  # of the baseline's loss


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeConfig:
    """What to probe and how long to train; `learning_rate` None: `LEARNING_RATES`; `clip_norm` 0: none."""

    tasks: Sequence[str] = tuple(TASKS)
    cells: Sequence[str] = tuple(CELLS)
    lengths: Sequence[int] = (50, 100, 200)  # frames to remember over
    iterations: int = 800
    parameters: int = 16_000  # of each network
    forget_bias: float | str = CHRONO
    learning_rate: float | None = None
    batch_size: int = 32
    clip_norm: float = 1.0
    random_seed: int = 0

    def __post_init__(self) -> None:
        _check_names("tasks", self.tasks, TASKS)
        _check_names("cells", self.cells, CELLS)
        _check_names("lengths", self.lengths, None)
        for length in self.lengths:
            check_range("lengths", length, 2, 10_000)
        check_range("iterations", self.iterations, 1)
        check_range("parameters", self.parameters, 1, 100_000_000)
        check_range("batch_size", self.batch_size, 1, 65_536)
        check_range("clip_norm", self.clip_norm, 0)
        check_range("random_seed", self.random_seed, 0, 2**31)
        if self.learning_rate is not None:
            check_range("learning_rate", self.learning_rate, 1e-12)
        if isinstance(self.forget_bias, str) and self.forget_bias != CHRONO:
            raise ConfigError(f"forget_bias: '{self.forget_bias}' is not known; it must be a number or {CHRONO}")
        if not isinstance(self.forget_bias, str):
            check_range("forget_bias", self.forget_bias, -100, 100)
        for task in self.tasks:
            hidden_sizes(self.cells, self.parameters, TASKS[task])  # refuses too few parameters

    def rate(self, cell: str) -> float:
        """The learning rate of a cell."""
        return LEARNING_RATES[cell] if self.learning_rate is None else self.learning_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """How a cell did; losses are held-out ones, `curve` is [iteration, loss] and begins before training."""

    task: str
    length: int
    cell: str
    hidden_size: int
    parameters: int
    learning_rate: float
    baseline: float
    loss: float
    accuracy: float
    solved_at: int | None  # iteration
    seconds: float
    curve: list[tuple[int, float]]


def new_network(task: Task, length: int, cell: str, hidden_size: int, config: ProbeConfig) -> ProbeNetwork:
    """An untrained network with its gates opened as the config says; the same for the same random seed."""
    network = make_network(cell, hidden_size, task, config.random_seed)
    network.open_gates(config.forget_bias, length, torch.Generator().manual_seed(config.random_seed))
    return network


def train_probe(
    network: ProbeNetwork,
    task: Task,
    length: int,
    config: ProbeConfig,
    device: torch.device,
    report: Callable[[int, float], None] | None = None,
) -> ProbeResult:
    """Trains the network until the task is solved or the iterations are used up.

    The network is trained in place and left on the device; `report` gets the iteration and the last
    held-out loss after each iteration.
    """
    begin = time.perf_counter()
    network.to(device)
    held_out = list(_held_out(task, length, config))
    curve = [(0, evaluate_probe(network, task, held_out, device)[0])]
    goal, accuracy = SOLVED * task.baseline(length), 0.0
    for iteration, _ in enumerate(updates(network, task, length, config, device), 1):
        if iteration % CHECK_EVERY == 0 or iteration == config.iterations:
            loss, accuracy = evaluate_probe(network, task, held_out, device)
            curve.append((iteration, loss))
        if report:
            report(iteration, curve[-1][1])
        if curve[-1][1] < goal:
            break
    cell, size = network.recurrent.config.cell, network.recurrent.config.hidden_size
    return ProbeResult(
        task=task.name,
        length=length,
        cell=cell,
        hidden_size=size,
        parameters=parameter_count(cell, size, task),
        learning_rate=config.rate(cell),
        baseline=task.baseline(length),
        loss=curve[-1][1],
        accuracy=accuracy,
        solved_at=curve[-1][0] if curve[-1][1] < goal else None,
        seconds=round(time.perf_counter() - begin, 1),
        curve=curve,
    )


def updates(network: ProbeNetwork, task: Task, length: int, config: ProbeConfig, device: torch.device) -> Iterator[float]:
    """Makes one update of the weights after another; gives the loss before each."""
    optimizer = torch.optim.Adam(network.parameters(), lr=config.rate(network.recurrent.config.cell))
    generator = torch.Generator().manual_seed(2 * config.random_seed)
    for _ in range(config.iterations):
        x, targets = task.draw(length, config.batch_size, generator)
        loss = task.loss(network(x.to(device), targets.shape[1]), targets.to(device))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if config.clip_norm:
            nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
        optimizer.step()
        yield loss.item()


@torch.no_grad()
def evaluate_probe(
    network: ProbeNetwork, task: Task, batches: Sequence[tuple[Tensor, Tensor]], device: torch.device
) -> tuple[float, float]:
    """The mean loss and accuracy over batches of the same size."""
    found = []
    for x, targets in batches:
        outputs = network(x.to(device), targets.shape[1]).cpu()
        found.append((task.loss(outputs, targets).item(), task.accuracy(outputs, targets)))
    losses, accuracies = zip(*found, strict=True)
    return sum(losses) / len(losses), sum(accuracies) / len(accuracies)


def _held_out(task: Task, length: int, config: ProbeConfig, size: int = 100) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(2 * config.random_seed + 1)  # odd: never that of training
    for _ in range(HELD_OUT // size):
        yield task.draw(length, size, generator)


def _check_names(field: str, names: Sequence[object], known: Collection[object] | None) -> None:
    if not names:
        raise ConfigError(f"{field}: name at least one")
    if len(set(names)) < len(names):
        raise ConfigError(f"{field}: {', '.join(map(str, names))} names one twice")
    for name in names:
        if known is not None and name not in known:
            raise ConfigError(f"{field}: '{name}' is not known; it must be {', '.join(map(str, known))}")

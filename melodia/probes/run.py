"""The whole benchmark: each task at each delay with each cell, and the gradients of those at the longest delay."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import torch

import melodia
from melodia.probes.gradients import ClippingRun, norm_through_time, train_exploding
from melodia.probes.network import ProbeNetwork, hidden_sizes, make_network
from melodia.probes.tasks import TASKS, Task
from melodia.probes.train import ProbeConfig, ProbeResult, new_network, train_probe

GRADIENT_TASKS = ("recall", "adding", "copy")  # the first of them that is probed has its gradients measured
PLAIN_LSTM = "lstm, forget bias 1"


class Job(NamedTuple):
    """One network to train."""

    task: str
    length: int
    cell: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeProgress:
    """Where the benchmark is."""

    job: Job
    done: int  # iterations, counting those that an early end left out
    total: int
    iteration: int  # of this job
    share: float  # held-out loss over the baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientCurve:
    """Norms of d loss_T / d state_t; entry k is k frames back from the loss."""

    name: str  # a cell, or `PLAIN_LSTM`
    trained: bool
    norms: list[float]

    def relative(self, distance: int) -> float:
        """Against the norm at the loss itself; from further back than the first frame, at that."""
        distance = min(distance, len(self.norms) - 1)
        return self.norms[distance] / self.norms[0] if self.norms[0] else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryReport:
    """All that was measured."""

    config: ProbeConfig
    results: list[ProbeResult]
    gradient_task: str
    gradient_length: int
    gradients: list[GradientCurve]
    clipping: list[ClippingRun]
    device: str

    def to_json(self) -> dict[str, Any]:
        """Settings, versions and numbers; a loss that is no number any more is null."""
        versions = {"melodia": melodia.__version__, "torch": str(torch.__version__), "python": platform.python_version()}
        content: dict[str, Any] = _finite({"versions": versions, "threads": torch.get_num_threads(), **asdict(self)})
        return content


def run_benchmark(config: ProbeConfig, device: torch.device, report: Callable[[ProbeProgress], None] | None = None) -> MemoryReport:
    """Trains and measures all that the config names."""
    sizes = {task: hidden_sizes(config.cells, config.parameters, TASKS[task]) for task in config.tasks}
    jobs = [Job(*job) for job in product(config.tasks, config.lengths, config.cells)]
    shown = next(task for task in GRADIENT_TASKS if task in config.tasks), max(config.lengths)
    results: list[ProbeResult] = []
    gradients: list[GradientCurve] = []
    for index, job in enumerate(jobs):
        task = TASKS[job.task]
        network = new_network(task, job.length, job.cell, sizes[job.task][job.cell], config)
        measured = (job.task, job.length) == shown
        if measured:
            gradients += _untrained(network, task, job, config)
        tell = partial(_tell, report, job, index * config.iterations, len(jobs) * config.iterations) if report else None
        results.append(train_probe(network, task, job.length, config, device, tell))
        if measured:
            gradients.append(GradientCurve(name=job.cell, trained=True, norms=norm_through_time(network, task, job.length)))
    return MemoryReport(
        config=config,
        results=results,
        gradient_task=shown[0],
        gradient_length=shown[1],
        gradients=gradients,
        clipping=[train_exploding(clip, config.random_seed) for clip in (0.0, config.clip_norm or 1.0)],
        device=str(device),
    )


def _finite(content: Any) -> Any:
    """JSON has no infinity, and nothing that is not a number."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _untrained(network: ProbeNetwork, task: Task, job: Job, config: ProbeConfig) -> list[GradientCurve]:
    """Of the network, and of an LSTM with a forget bias of 1 beside one that has another."""
    curves = [GradientCurve(name=job.cell, trained=False, norms=norm_through_time(network, task, job.length))]
    if job.cell == "lstm" and config.forget_bias != 1:
        plain = make_network("lstm", network.recurrent.config.hidden_size, task, config.random_seed)
        curves.append(GradientCurve(name=PLAIN_LSTM, trained=False, norms=norm_through_time(plain, task, job.length)))
    return curves


def _tell(report: Callable[[ProbeProgress], None], job: Job, before: int, total: int, iteration: int, loss: float) -> None:
    share = loss / TASKS[job.task].baseline(job.length)
    report(ProbeProgress(job=job, done=before + iteration, total=total, iteration=iteration, share=share))

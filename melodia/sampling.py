"""Drawing from logits: temperature, top-k and top-p.

`sample` is pure: the same logits, config and generator state give the same draw. Temperature 0 takes
the likeliest. Top-p is the nucleus of Holtzman et al. 2020 (arXiv 1904.09751).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from melodia.config import check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """`top_k` 0 and `top_p` 1 leave all classes in; temperature 1 draws from the model as it is."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, 100)
        check_range("top_k", self.top_k, 0)
        check_range("top_p", self.top_p, 1e-6, 1)


def seed_of(random_seed: int, take: int) -> int:
    """The seed of a take's generator: takes of neighbouring random seeds differ too."""
    return (random_seed * 1_000_003 + take) % 2**63


class Chance:
    """Numbers from 0 to 1 at random, one at a time, the same for the same seed."""

    def __init__(self, random_seed: int) -> None:
        self._generator = torch.Generator().manual_seed(random_seed)
        self._ready: list[float] = []

    def __call__(self) -> float:
        """The next one."""
        if not self._ready:  # to ask for one alone takes as long as for many
            self._ready = torch.rand(128, generator=self._generator, dtype=torch.float64).tolist()[::-1]
        return self._ready.pop()


def probabilities(logits: Tensor, config: SamplingConfig) -> Tensor:
    """(..., classes) -> (..., classes): what is drawn from, after temperature and filters."""
    if config.temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    logits = (logits - logits.max(dim=-1, keepdim=True).values) / max(config.temperature, 1e-6)
    if 0 < config.top_k < logits.shape[-1]:
        least = logits.topk(config.top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    probs = torch.softmax(logits, dim=-1)
    if config.top_p < 1:
        ordered, order = probs.sort(dim=-1, descending=True)
        outside = ordered.cumsum(dim=-1) - ordered >= config.top_p
        probs = probs.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), 0)
        probs = probs / probs.sum(dim=-1, keepdim=True)
    return probs


def sample(logits: Tensor, config: SamplingConfig, generators: Sequence[torch.Generator]) -> Tensor:
    """Draws one class a row.

    Args:
        logits: (rows, classes); -inf rules a class out.
        config: temperature and filters.
        generators: one a row, on the CPU, so that a row's draws do not depend on its neighbours.

    Returns:
        (rows,) int64, on the CPU.
    """
    probs = probabilities(logits.float().cpu(), config)
    if config.temperature == 0:
        return probs.argmax(dim=-1)
    draws = [torch.multinomial(row, 1, generator=g) for row, g in zip(probs, generators, strict=True)]
    return torch.cat(draws)

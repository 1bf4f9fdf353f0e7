"""How each sign of a sentence is read, drawn from what a voice expects, with a temperature."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from melodia.synthesis.analysis import Floats
from melodia.synthesis.model import Voice

FARTHEST = 2.0  # spreads that a draw may be from the mean
RANGE = 4.0  # standard deviations that a reading may be from that of the corpus


@torch.no_grad()
def tell(voice: Voice, heard: Tensor, temperature: float, generator: torch.Generator, fixed: Floats | None = None) -> Floats:
    """(signs, READ): how each sign is read. See `melodia.synthesis.layout`.

    Args:
        voice: whose.
        heard: (1, signs, features), of its reader.
        temperature: 0 takes the mean of the likeliest Gaussian each time, 1 draws as the corpus was read.
        generator: on the CPU.
        fixed: (signs, READ) what must be so; NaN where it is free.
    """
    count, device = heard.shape[1], heard.device
    before = torch.zeros(1, 1, len(voice.readings_mean), device=device)
    state, rows = None, []
    given = None if fixed is None else voice.standard("readings", torch.from_numpy(fixed).to(device))
    for i in range(count):
        logits, means, spreads, state = voice.mixture(heard[:, i : i + 1], before, state)
        drawn = _drawn(logits[0, 0], means[0, 0], spreads[0, 0], temperature, generator)
        if given is not None:
            drawn = torch.where(given[i].isnan(), drawn, given[i])
        before = drawn[None, None]
        rows.append(drawn)
    told: Floats = voice.plain("readings", torch.stack(rows)).cpu().numpy()
    return told


def _drawn(logits: Tensor, means: Tensor, spreads: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """One reading, in standard deviations."""
    if temperature == 0:
        return (logits.softmax(dim=-1)[:, None] * means).sum(dim=0).clamp(-RANGE, RANGE)
    probs = (logits / temperature).softmax(dim=-1).cpu()
    which = int(torch.multinomial(probs, 1, generator=generator))
    noise = torch.randn(means.shape[-1], generator=generator).clamp(-FARTHEST, FARTHEST).to(means.device)
    return (means[which] + temperature * spreads[which].exp() * noise).clamp(-RANGE, RANGE)


def counts_of(logarithms: Floats) -> np.ndarray:
    """Whole frames of signs, at least one each, so that their sum is right."""
    ends = np.cumsum(np.maximum(2.0 ** logarithms.astype(np.float64), 1.0))
    counts: np.ndarray = np.diff(np.floor(ends + 0.5), prepend=0).astype(np.int64)
    return counts

"""How surprising takes are to a composer: the exact nats a token, read from their first new event on.

A token is one attribute of an event: a bar line has three (kind, meter, tempo), a note seven, a note
of a chord six. The model is read as it is, at temperature 1, without masks and filters, so takes
made with different settings compare. What is read are the events drawn, after the same primer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from melodia.composition.codec import KIND, KIND_BAR, KIND_CHORD, KIND_NOTE, KIND_PART, Events
from melodia.composition.data import make_piece, window
from melodia.composition.model import Batch, Composer

TOKENS = {KIND_BAR: 3, KIND_NOTE: 7, KIND_CHORD: 6}
LENGTH = 256  # events read at once
TOGETHER = 16  # takes read at once


def ranked(composer: Composer, primer: Events | None, takes: Sequence[Events]) -> tuple[list[Events], list[float]]:
    """The takes with their nats a token, the least surprising first. Arguments as of `nats_a_token`."""
    nats = nats_a_token(composer, primer, takes)
    order = sorted(range(len(takes)), key=lambda i: nats[i])
    return [takes[i] for i in order], [nats[i] for i in order]


@torch.inference_mode()
def nats_a_token(composer: Composer, primer: Events | None, takes: Sequence[Events]) -> list[float]:
    """Of each take, the negative log-likelihood of its events after the primer, divided by their tokens.

    Args:
        composer: who reads.
        primer: what went before, with its parts; None if takes begin with their parts.
        takes: as `performer.perform` gives them, with their parts.
    """
    found: list[float] = []
    for first in range(0, len(takes), TOGETHER):
        found += _read(composer, primer, takes[first : first + TOGETHER])
    return found


def _read(composer: Composer, primer: Events | None, takes: Sequence[Events]) -> list[float]:
    device = next(composer.eval().parameters()).device
    begins, pieces = [], []
    for take in takes:
        header = take[take[:, KIND] == KIND_PART] if primer is None else primer
        begins.append(len(header))
        pieces.append(make_piece(np.concatenate([header, take[take[:, KIND] != KIND_PART]])))
    totals, state = torch.zeros(len(takes), dtype=torch.float64), None
    for start in range(0, max(len(piece.events) for piece in pieces) - 1, LENGTH):
        batch = Batch(*(t.to(device) for t in window([(piece, start) for piece in pieces], LENGTH)))
        lost, _, state = composer.surprise(batch, state)
        valid = (batch.targets[..., KIND] >= 0).cpu()
        nats = torch.zeros(valid.shape, dtype=torch.float64).masked_scatter(valid, lost.sum(1).double().cpu())
        new = torch.arange(start + 1, start + 1 + LENGTH) >= torch.tensor(begins)[:, None]
        totals += (nats * new).sum(1)
    return [float(total) / max(num_tokens(take), 1) for total, take in zip(totals, takes, strict=True)]


def num_tokens(events: Events) -> int:
    """The attributes of bar lines and notes."""
    return sum(tokens * int((events[:, KIND] == kind).sum()) for kind, tokens in TOKENS.items())

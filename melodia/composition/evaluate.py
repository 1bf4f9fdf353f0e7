"""How well a composer predicts, and how like real music its continuations are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from melodia.composition.codec import NAMES, Events
from melodia.composition.data import batches
from melodia.composition.model import Composer


@dataclass(frozen=True, slots=True, kw_only=True)
class BitScore:
    """Bits a note of whole pieces: every event counted (parts, bars, ends too), divided by the notes."""

    bits_a_note: float
    notes: int
    pieces: int
    by_attribute: dict[str, float]


@torch.no_grad()
def score_pieces(composer: Composer, pieces: Sequence[Events], batch_size: int = 32, length: int = 256) -> BitScore:
    """The exact log-likelihood of pieces, each read from its first event to its last."""
    training = composer.training
    composer.eval()
    device = next(composer.parameters()).device
    nats = torch.zeros(len(NAMES), dtype=torch.float64)
    notes, state = 0, None
    for batch in batches(pieces, batch_size=batch_size, length=length):
        per_column, count, state = composer.nats(type(batch)(*(t.to(device) for t in batch)), state)
        nats += per_column.double().cpu()
        notes += int(count)
    composer.train(training)
    bits = nats / math.log(2) / max(notes, 1)
    return BitScore(
        bits_a_note=float(bits.sum()),
        notes=notes,
        pieces=len(pieces),
        by_attribute=dict(zip(NAMES, bits.tolist(), strict=True)),
    )

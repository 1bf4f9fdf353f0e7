"""How well a model of frames knows music: its exact likelihood, as the polyphonic-music benchmark measures it.

Nats a frame, over all frames of a split but the first of each piece, which is only read; pieces are read whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from melodia.polyphony.model import SIDE_BY_SIDE, PolyphonyModel
from melodia.polyphony.prepare import Frames


def evaluate(
    model: PolyphonyModel, pieces: Sequence[Frames], progress: Callable[[int], None] = lambda done: None
) -> dict[str, Any]:
    """Nats a frame, and the mean of the pieces' own.

    Args:
        model: ready to be used.
        pieces: of two frames or more each, to count.
        progress: called with the pieces done.
    """
    began, scored = time.monotonic(), sorted((p for p in pieces if len(p) > 1), key=len)
    nats: list[float] = []
    for first in range(0, len(scored), SIDE_BY_SIDE):
        nats += model.nats(scored[first : first + SIDE_BY_SIDE])
        progress(len(nats))
    frames = [len(piece) - 1 for piece in scored]
    means = [n / count for n, count in zip(nats, frames, strict=True)]
    return {
        "nats": sum(nats) / max(sum(frames), 1),
        "nats_a_piece_mean": sum(means) / max(len(means), 1),
        "pieces": len(pieces),
        "frames": sum(frames),
        "seconds": round(time.monotonic() - began, 1),
    }

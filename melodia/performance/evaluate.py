"""How well a pianist knows performances: its exact likelihood, whole pieces, the state carried from the first event to the last.

Nats an event, and a note and a second of music, which do not depend on how a performance is written as events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from melodia.errors import CorpusError
from melodia.performance.codec import Events, num_notes, num_seconds
from melodia.performance.model import SIDE_BY_SIDE, Pianist


def evaluate(model: Pianist, pieces: Sequence[Events], progress: Callable[[int], None] = lambda done: None) -> dict[str, Any]:
    """Nats an event, a note and a second.

    Args:
        model: ready to be used.
        pieces: one or more.
        progress: called with the pieces done.

    Raises:
        CorpusError: a piece is none that `melodia.performance.codec.encode` writes.
    """
    began, ordered = time.monotonic(), sorted(map(np.asarray, pieces), key=len)
    nats: list[float] = []
    for first in range(0, len(ordered), SIDE_BY_SIDE):
        nats += model.nats(ordered[first : first + SIDE_BY_SIDE])
        progress(len(nats))
    if not np.isfinite(nats).all():
        raise CorpusError("a piece has events in an order that performances never have; prepare it again")
    events, notes, seconds = (sum(map(count, ordered)) for count in (len, num_notes, num_seconds))
    return {
        "nats": sum(nats) / max(events, 1),
        "nats_a_note": sum(nats) / max(notes, 1),
        "nats_a_second": sum(nats) / max(seconds, 0.01),
        "pieces": len(ordered),
        "events": events,
        "notes": notes,
        "seconds_of_music": round(seconds, 2),
        "seconds": round(time.monotonic() - began, 1),
    }

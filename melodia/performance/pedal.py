"""Where the sustain pedal was down, by the notes as they rang.

Streams of events have no pedal: a note in them lasts as long as it is heard. Strings that were struck apart and fall silent in the
same 10 ms were let go by a foot, so the pedal is written from the last release before to that moment. No note ends meanwhile, so
it changes nothing that is heard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

APART = 5  # steps; of strokes further apart that end together, a foot let go
SHORTEST = 10  # steps that the pedal is down


def pedal_of(notes: NDArray[np.int64]) -> NDArray[np.int64]:
    """(spans, 2): the steps at which the pedal goes down and up, in order, none touching the next.

    Args:
        notes: (notes, 4) as of `melodia.performance.codec.Notes`.
    """
    onsets = set(map(tuple, notes[:, [0, 2]].tolist()))
    by_end: dict[int, list[int]] = {}  # onsets of the notes that end at a step, and are not struck again there
    for onset, offset, pitch, _ in notes.tolist():
        if (offset, pitch) not in onsets:
            by_end.setdefault(offset, []).append(onset)
    spans, before = [], -1
    for offset, begun in sorted(by_end.items()):
        down = max(before + 1, min(begun))
        if max(begun) - min(begun) > APART and offset - down >= SHORTEST:
            spans.append((down, offset))
        before = offset
    return np.array(spans, np.int64).reshape(-1, 2)

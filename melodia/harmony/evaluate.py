"""How well a choir knows four-part music: its exact likelihood, over all tokens of a split; pieces are read whole.

Nats a token, of which a step has four, a step and a piece. Of a harmonizer the soprano is given, and the tokens are of the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from melodia.harmony.draw import DrawConfig
from melodia.harmony.harmonize import harmonize
from melodia.harmony.model import GIVEN, SIDE_BY_SIDE, UNGIVEN, Choir
from melodia.harmony.prepare import NUM_VOICES, REST, Voices


def evaluate(model: Choir, pieces: Sequence[Voices], progress: Callable[[int], None] = lambda done: None) -> dict[str, Any]:
    """Nats a token, a step and a piece.

    Args:
        model: ready to be used.
        pieces: one or more.
        progress: called with the pieces done.

    Raises:
        CorpusError: a pitch is none of those that are modelled.
    """
    began, ordered = time.monotonic(), sorted(pieces, key=len)
    given = GIVEN if model.config.ahead_size else UNGIVEN
    voices = NUM_VOICES - sum(given)
    nats: list[float] = []
    for first in range(0, len(ordered), SIDE_BY_SIDE):
        nats += model.nats(ordered[first : first + SIDE_BY_SIDE], given)
        progress(len(nats))
    tokens = voices * sum(len(piece) for piece in ordered)
    return {
        "nats": sum(nats) / max(tokens, 1),
        "nats_a_step": voices * sum(nats) / max(tokens, 1),
        "nats_a_piece": sum(nats) / max(len(ordered), 1),
        "pieces": len(ordered),
        "tokens": tokens,
        "seconds": round(time.monotonic() - began, 1),
    }


def harmonised(model: Choir, pieces: Sequence[Voices], config: DrawConfig | None = None) -> list[Voices]:
    """A take of each piece, its soprano given; rests of the soprano are held, as in `melodia.harmony.parts`.

    Raises:
        ConfigError: the model cannot harmonise.
    """
    config = config or DrawConfig()
    return [harmonize(held(piece), GIVEN, model, replace(config, random_seed=i))[0] for i, piece in enumerate(pieces)]


def held(piece: Voices) -> Voices:
    """A piece in which each voice holds its notes over its rests; before its first note it sings that."""
    found = piece.copy()
    for column in found.T:
        sings = np.flatnonzero(column != REST)
        if len(sings):
            at = np.searchsorted(sings, np.arange(len(column)), side="right") - 1
            column[:] = column[sings[np.maximum(at, 0)]]
    return found

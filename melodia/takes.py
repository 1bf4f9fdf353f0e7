"""What a model that makes music gives."""

from __future__ import annotations

from dataclasses import dataclass

from melodia.score import Score


@dataclass(slots=True)
class Takes:
    """The scores, where in each of them the continuation begins, and what the user should know."""

    scores: list[Score]
    join_ticks: int
    messages: list[str]

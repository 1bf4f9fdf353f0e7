"""What a model that makes music gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from melodia.score import Score


@dataclass(slots=True)
class Takes:
    """The scores, where in each of them the new music begins, and what the user should know."""

    scores: list[Score]
    join_ticks: int
    messages: list[str]
    nats_a_token: list[float] = field(default_factory=list)  # of each take, where they are ranked
    end_ticks: int | None = None  # where the new music ends, if not with the score

    def after(self, messages: list[str]) -> Takes:
        """The same, with what is known of their primer before their own messages."""
        self.messages[:0] = messages
        return self

"""One take of a piece as it grows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from melodia.composition.codec import KIND, KIND_PART, NUM_COLUMNS, Events
from melodia.composition.course import Course
from melodia.composition.recall import Recaller
from melodia.sampling import Chance
from melodia.stepping import Arrays

REPEAT_BARS = 8  # how far the state goes back where the model would end too soon


@dataclass(slots=True)
class Take:
    """One take as it grows: `rows` begin with the primer, the take itself at `first`."""

    rows: list[list[int]]
    first: int
    recaller: Recaller
    pointers: list[int]
    chance: Chance
    programs: list[int]
    course: Course
    finished: bool = False
    bar_states: deque[Arrays] = field(default_factory=lambda: deque(maxlen=REPEAT_BARS))
    nats: float = 0.0  # what the model loses on the masks: it would have gone elsewhere

    def is_full(self) -> bool:
        """Whether all bars are begun."""
        return self.course.bar == self.course.rules.constraints.bars

    def copy(self, chance: Chance) -> Take:
        """A second take that has begun alike, at a bar line, and goes on by its own chance; its `nats` are counted anew."""
        course, states = self.course.copy(), self.bar_states.copy()
        return Take(
            list(self.rows),
            self.first,
            self.recaller.copy(),
            self.pointers,
            chance,
            self.programs,
            course,
            self.finished,
            states,
        )

    def events(self) -> Events:
        """The parts and what is new."""
        header = [row for row in self.rows[: self.first] if row[KIND] == KIND_PART]
        return np.array(header + self.rows[self.first :], dtype=np.int16)

    def recalled(self) -> list[list[int]]:
        """NUM_SOURCES events of NUM_COLUMNS."""
        nothing = [-1] * NUM_COLUMNS
        return [self.rows[p] if p >= 0 else nothing for p in self.pointers]

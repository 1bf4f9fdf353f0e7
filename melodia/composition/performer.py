"""The sampling loop: events drawn one by one, several takes side by side from one primed state."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from melodia.composition.codec import (
    BEATS,
    KIND,
    KIND_BAR,
    KIND_CHORD,
    KIND_END,
    KIND_NOTE,
    KIND_PART,
    MAX_PARTS,
    METER,
    NUM_COLUMNS,
    PART,
    PITCH,
    POSITION,
    PROGRAM,
    STEPS,
    TEMPO,
    VELOCITY,
    Events,
)
from melodia.composition.constraints import Constraints
from melodia.composition.course import Course
from melodia.composition.data import look_up
from melodia.composition.model import Composer
from melodia.composition.recall import Recaller
from melodia.composition.rules import Mask, Rules
from melodia.composition.taste import Taste
from melodia.lstm import State, repeated, replaced, selected
from melodia.sampling import SamplingConfig, sample

PRIMER_WINDOW = 4096  # events read at once
REPEAT_BARS = 8  # how far the state goes back where the model would end too soon
NOTE_COLUMNS = (PART, PITCH, VELOCITY, BEATS, STEPS)


@dataclass(slots=True)
class Take:
    """One take as it grows: `rows` begin with the primer, the take itself at `first`."""

    rows: list[list[int]]
    first: int
    recaller: Recaller
    pointers: list[int]
    generator: torch.Generator
    programs: list[int]
    course: Course
    finished: bool = False
    bar_states: deque[State] = field(default_factory=lambda: deque(maxlen=REPEAT_BARS))
    nats: float = 0.0  # what the model loses on the masks: it would have gone elsewhere

    def is_full(self) -> bool:
        """Whether all bars are begun."""
        return self.course.bar == self.course.rules.constraints.bars

    def copy(self, generator: torch.Generator) -> Take:
        """A second take that has begun alike, at a bar line, and goes on by its own chance."""
        course, states = self.course.copy(), self.bar_states.copy()
        return Take(
            list(self.rows),
            self.first,
            self.recaller.copy(),
            self.pointers,
            generator,
            self.programs,
            course,
            self.finished,
            states,
        )

    def events(self) -> Events:
        """The parts and what is new."""
        header = [row for row in self.rows[: self.first] if row[KIND] == KIND_PART]
        return np.array(header + self.rows[self.first :], dtype=np.int16)


@contextmanager
def one_thread() -> Iterator[None]:
    """One step is too little work to share; the threads that wait for each other cost more than they do."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@one_thread()
@torch.inference_mode()
def perform(
    composer: Composer,
    primer: Events | None,
    constraints: Constraints,
    sampling: SamplingConfig | Taste,
    *,
    count: int = 1,
    random_seed: int = 0,
    progress: Callable[[int], None] = lambda bars: None,
) -> list[Events]:
    """Draws takes of exactly so many bars.

    Args:
        composer: the model, on the device to use.
        primer: events to go on from, without END; None begins with the parts of the constraints.
        constraints: what the takes must be.
        sampling: temperature and filters, the same for all attributes or one for each.
        count: how many takes.
        random_seed: take k is drawn with a generator of `random_seed` and k.
        progress: called with the bars that all takes together have.

    Returns:
        for each take its events, int16 (events, NUM_COLUMNS), without the primer's but for its parts.
    """
    ensemble = Ensemble(composer, primer, constraints, sampling, count=count, random_seed=random_seed)
    ensemble.play(progress=progress)
    return [take.events() for take in ensemble.takes]


class Ensemble:
    """Takes side by side. Item k of `hidden` and `state` is what the network has in mind after the rows of take k."""

    def __init__(
        self,
        composer: Composer,
        primer: Events | None,
        constraints: Constraints,
        sampling: SamplingConfig | Taste,
        *,
        count: int,
        random_seed: int,
    ) -> None:
        self.composer = composer.eval()
        self.taste = (sampling,) * NUM_COLUMNS if isinstance(sampling, SamplingConfig) else sampling
        rules = Rules(constraints)
        rows = _opening(primer, constraints)
        recaller = Recaller()
        pointers = [recaller.add(row) for row in rows]
        hidden, state, earlier = _prime(composer, rows, pointers)
        programs = [*constraints.programs, *[-1] * (MAX_PARTS - len(constraints.programs))]
        self.takes = []
        for k in range(count):
            generator = torch.Generator().manual_seed((random_seed * 1_000_003 + k) % 2**63)
            take = Take(list(rows), len(rows), recaller.copy(), pointers[-1], generator, programs, Course(rules, rows[-1]))
            take.bar_states.append(earlier)
            self.takes.append(take)
        self.hidden, self.state = hidden.expand(count, -1), repeated(state, count)

    def play(self, bar: int | None = None, progress: Callable[[int], None] = lambda bars: None) -> None:
        """Draws until all takes have begun a bar, counted from 1, or are finished."""
        while True:
            active = [i for i, take in enumerate(self.takes) if not take.finished and (bar is None or take.course.bar < bar)]
            if not active:
                return
            takes = [self.takes[i] for i in active]
            for i, event in zip(active, _draw(self.composer, self.hidden[active], takes, self.taste), strict=True):
                self.state = _accept(self.takes[i], event.tolist(), self.state, i)
            progress(sum(take.course.bar for take in self.takes))
            self._read([i for i in active if not self.takes[i].finished])

    def resample(self, chosen: Sequence[int]) -> None:
        """Take k goes on as take `chosen[k]` has begun, at a bar line."""
        self.takes = [self.takes[i].copy(self.takes[k].generator) for k, i in enumerate(chosen)]
        indices = torch.tensor(chosen)
        self.hidden, self.state = self.hidden[indices], selected(self.state, indices)

    def _read(self, playing: Sequence[int]) -> None:
        """The network reads the last rows of some takes."""
        if not playing:
            return
        takes, indices = [self.takes[i] for i in playing], torch.tensor(playing)
        inputs = torch.tensor([[take.rows[-1]] for take in takes])
        recalled = torch.from_numpy(np.stack([_recalled(take) for take in takes]))
        state = selected(self.state, indices)
        for k, take in enumerate(takes):
            if take.rows[-1][KIND] == KIND_BAR:
                take.bar_states.append(selected(state, slice(k, k + 1)))
        y, new = self.composer(*_to(self.composer, inputs, recalled), state)
        whole = len(indices) == len(self.takes)
        self.state = new if whole else replaced(self.state, indices, new)
        self.hidden = y[:, 0] if whole else self.hidden.index_copy(0, indices.to(y.device), y[:, 0])


def _opening(primer: Events | None, constraints: Constraints) -> list[list[int]]:
    if primer is not None:
        return [[int(v) for v in row] for row in primer.tolist()]
    rows = []
    for slot, program in enumerate(constraints.programs):
        row = [-1] * NUM_COLUMNS
        row[KIND], row[PART], row[PROGRAM] = KIND_PART, slot, program
        rows.append(row)
    return rows


def _prime(composer: Composer, rows: list[list[int]], pointers: list[list[int]]) -> tuple[Tensor, State, State]:
    """Reads the primer: its last hidden state, its state, and its state `REPEAT_BARS` before the end."""
    device = next(composer.parameters()).device
    state = composer.lstm.initial_state(1, device)
    events = np.array(rows, dtype=np.int16)
    recalled = look_up(events, np.array(pointers))
    bars = np.flatnonzero(events[:, KIND] == KIND_BAR)
    split = int(bars[max(len(bars) - REPEAT_BARS, 0)]) if len(bars) else len(rows)
    earlier = state
    hidden = torch.zeros(1, 1, composer.config.hidden_size, device=device)
    starts = sorted({0, split, *range(0, len(rows), PRIMER_WINDOW)})
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        if start == split:
            earlier = state
        if start < end:
            inputs = torch.from_numpy(events[start:end].astype(np.int64))[None]
            hidden, state = composer(*_to(composer, inputs, torch.from_numpy(recalled[start:end].astype(np.int64))[None]), state)
    return hidden[:, -1], state, earlier


def _to(composer: Composer, *tensors: Tensor) -> list[Tensor]:
    device = next(composer.parameters()).device
    return [t.to(device) for t in tensors]


def _recalled(take: Take) -> np.ndarray:  # type: ignore[type-arg]
    """(1, NUM_SOURCES, NUM_COLUMNS)."""
    nothing = [-1] * NUM_COLUMNS
    return np.array([[take.rows[p] if p >= 0 else nothing for p in take.pointers]], dtype=np.int64)


def _draw(composer: Composer, hidden: Tensor, takes: list[Take], taste: Taste) -> Tensor:
    """(takes, NUM_COLUMNS): the next event of each take."""
    device = hidden.device
    before = torch.tensor([take.rows[-1] for take in takes], device=device)
    programs = torch.tensor([take.programs for take in takes], device=device)
    event = torch.full((len(takes), NUM_COLUMNS), -1, device=device)

    def draw(column: int, chosen: list[int], allowed: Callable[[Course, list[int]], Mask]) -> None:
        if not chosen:
            return
        rows = torch.tensor(chosen, device=device)
        logits = composer.logits(column, hidden[rows], event[rows], before[rows], programs[rows])
        masks = np.stack([allowed(takes[i].course, row) for i, row in zip(chosen, event[rows].tolist(), strict=True)])
        whole = logits.logsumexp(-1)
        logits = logits.masked_fill(~torch.from_numpy(masks).to(device), -torch.inf)
        for i, lost in zip(chosen, (whole - logits.logsumexp(-1)).tolist(), strict=True):
            takes[i].nats += lost
        event[rows, column] = sample(logits, taste[column], [takes[i].generator for i in chosen]).to(device)

    draw(KIND, list(range(len(takes))), lambda course, row: course.kinds())
    kinds = event[:, KIND].tolist()
    bars = [i for i, kind in enumerate(kinds) if kind == KIND_BAR and not takes[i].is_full()]
    draw(METER, bars, lambda course, row: course.line(METER))
    draw(TEMPO, bars, lambda course, row: course.line(TEMPO))
    notes = [i for i, kind in enumerate(kinds) if kind in (KIND_NOTE, KIND_CHORD)]
    if notes:
        rows = torch.tensor(notes, device=device)
        event[rows, METER : POSITION + 1] = before[rows, METER : POSITION + 1]
        later = [i for i in notes if kinds[i] == KIND_NOTE]
        event[torch.tensor(later, dtype=torch.long, device=device), POSITION] = -1
        draw(POSITION, later, lambda course, row: course.positions())
        for column in NOTE_COLUMNS:
            draw(column, notes, lambda course, row, column=column: course.of_note(column, row))  # type: ignore[misc]
            if column == PART:
                event[rows, PROGRAM] = programs[rows].gather(1, event[rows, PART, None])[:, 0]
    return event.cpu()


def _accept(take: Take, row: list[int], state: State, index: int) -> State:
    """Adds an event to a take; where the model would end, a bar from an earlier state instead."""
    if row[KIND] in (KIND_BAR, KIND_END) and take.is_full():
        take.finished = True
        return state
    if row[KIND] == KIND_END:
        row = [-1] * NUM_COLUMNS
        row[KIND] = KIND_BAR
        row[METER], row[TEMPO] = (int(take.course.line(column).argmax()) for column in (METER, TEMPO))
        state = replaced(state, slice(index, index + 1), take.bar_states[0])
    take.course.accept(row)
    take.rows.append(row)
    take.pointers = take.recaller.add(row)
    return state

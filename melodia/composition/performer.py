"""The sampling loop: events drawn one by one, several takes side by side from one primed state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
from melodia.composition.model import Composer
from melodia.composition.recall import Recaller, look_up
from melodia.composition.rules import Mask, Rules
from melodia.composition.steps import Rows, steps_of
from melodia.composition.take import REPEAT_BARS, Take
from melodia.composition.taste import Taste
from melodia.lstm import State
from melodia.sampling import Chance, SamplingConfig, seed_of
from melodia.stepping import Floats, arrays_of, drawn

PRIMER_WINDOW = 4096  # events read at once
NOTE_COLUMNS = (PART, PITCH, VELOCITY, BEATS, STEPS)


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
    precision: str = "float32",
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
        precision: of the weights, one of `melodia.stepping.PRECISIONS`.
        progress: called with the bars that all takes together have.

    Returns:
        for each take its events, int16 (events, NUM_COLUMNS), without the primer's but for its parts.

    Raises:
        ConfigError: constraints cannot be met together.
    """
    ensemble = Ensemble(composer, primer, constraints, sampling, count=count, random_seed=random_seed, precision=precision)
    ensemble.play(progress=progress)
    return [take.events() for take in ensemble.takes]


class Ensemble:
    """Takes side by side. Item k of `hidden` and `state` is what the network has in mind after the rows of take k.

    With `weigh`, takes count what the model loses on the masks.
    """

    def __init__(
        self,
        composer: Composer,
        primer: Events | None,
        constraints: Constraints,
        sampling: SamplingConfig | Taste,
        *,
        count: int,
        random_seed: int,
        precision: str = "float32",
        weigh: bool = False,
    ) -> None:
        self.composer, self.weigh = composer.eval(), weigh
        self.taste = (sampling,) * NUM_COLUMNS if isinstance(sampling, SamplingConfig) else sampling
        rules = Rules(constraints)
        rows = _opening(primer, constraints)
        recaller = Recaller()
        pointers = [recaller.add(row) for row in rows]
        hidden, state, earlier = _prime(composer, rows, pointers)
        programs = [*constraints.programs, *[-1] * (MAX_PARTS - len(constraints.programs))]
        self.steps = steps_of(composer, precision)
        self.parts = self.steps.parts(programs)
        self.takes = []
        for k in range(count):
            chance = Chance(seed_of(random_seed, k))
            take = Take(list(rows), len(rows), recaller.copy(), pointers[-1], chance, programs, Course(rules, rows[-1]))
            take.bar_states.append(arrays_of(earlier))
            self.takes.append(take)
        self.hidden = np.repeat(arrays_of((hidden,))[0], count, axis=0)
        self.state = tuple(np.repeat(part, count, axis=1) for part in arrays_of(state))

    def play(self, bar: int | None = None, progress: Callable[[int], None] = lambda bars: None) -> None:
        """Draws until all takes have begun a bar, counted from 1, or are finished."""
        while True:
            active = [i for i, take in enumerate(self.takes) if not take.finished and (bar is None or take.course.bar < bar)]
            if not active:
                return
            for i, event in zip(active, self._draw(active).tolist(), strict=True):
                self._accept(i, event)
            progress(sum(take.course.bar for take in self.takes))
            self._read([i for i in active if not self.takes[i].finished])

    def resample(self, chosen: Sequence[int]) -> None:
        """Take k goes on as take `chosen[k]` has begun, at a bar line."""
        self.takes = [self.takes[i].copy(self.takes[k].chance) for k, i in enumerate(chosen)]
        self.hidden, self.state = self.hidden[list(chosen)], tuple(part[:, list(chosen)] for part in self.state)

    def _read(self, playing: Sequence[int]) -> None:
        """The network reads the last rows of some takes."""
        if not playing:
            return
        takes = [self.takes[i] for i in playing]
        for i, take in zip(playing, takes, strict=True):
            if take.rows[-1][KIND] == KIND_BAR:
                take.bar_states.append(tuple(part[:, i : i + 1].copy() for part in self.state))
        events, recalled = np.array([take.rows[-1] for take in takes]), np.array([take.recalled() for take in takes])
        if len(takes) == len(self.takes):
            self.hidden = self.steps(events, recalled, self.state).copy()
            return
        state = tuple(part[:, playing] for part in self.state)
        self.hidden[playing] = self.steps(events, recalled, state)
        for part, new in zip(self.state, state, strict=True):
            part[:, playing] = new

    def _draw(self, active: Sequence[int]) -> Rows:
        """(takes, NUM_COLUMNS): the next event of each active take."""
        takes, hidden = [self.takes[i] for i in active], self.hidden[active]
        before = np.array([take.rows[-1] for take in takes])
        event = np.full((len(takes), NUM_COLUMNS), -1)

        def draw(column: int, chosen: list[int], allowed: Callable[[Course, list[int]], Mask]) -> None:
            if not chosen:
                return
            whole = len(chosen) == len(takes)
            logits = self.steps.logits(column, hidden if whole else hidden[chosen], event if whole else event[chosen], self.parts)
            of_chosen = [takes[i] for i in chosen]
            masks = np.array([allowed(take.course, row) for take, row in zip(of_chosen, event[chosen].tolist(), strict=True)])
            for k, take in enumerate(of_chosen if self.weigh else ()):
                take.nats += self._lost(column, logits[k], event[chosen[k]], before[chosen[k]], take.programs, masks[k])
            event[chosen, column] = drawn(logits, masks, self.taste[column], [take.chance() for take in of_chosen])

        draw(KIND, list(range(len(takes))), lambda course, row: course.kinds())
        kinds = event[:, KIND].tolist()
        bars = [i for i, kind in enumerate(kinds) if kind == KIND_BAR and not takes[i].is_full()]
        draw(METER, bars, lambda course, row: course.line(METER))
        draw(TEMPO, bars, lambda course, row: course.line(TEMPO))
        notes = [i for i, kind in enumerate(kinds) if kind in (KIND_NOTE, KIND_CHORD)]
        if notes:
            event[notes, METER : POSITION + 1] = before[notes, METER : POSITION + 1]
            later = [i for i in notes if kinds[i] == KIND_NOTE]
            event[later, POSITION] = -1
            draw(POSITION, later, lambda course, row: course.positions())
            for column in NOTE_COLUMNS:
                draw(column, notes, lambda course, row, column=column: course.of_note(column, row))  # type: ignore[misc]
                if column == PART:
                    event[notes, PROGRAM] = [takes[i].programs[event[i, PART]] for i in notes]
        return event

    def _lost(self, column: int, logits: Floats, event: Rows, before: Rows, programs: list[int], mask: Mask) -> float:
        """Nats that the model loses on a mask: of what the codec's order permits, how much is left."""
        device = next(self.composer.parameters()).device
        rows = (torch.as_tensor(row, device=device)[None] for row in (event, before, programs))
        permitted = self.composer.allowed(column, *rows)
        whole = logits if permitted is None else logits[permitted[0].cpu().numpy()]
        return float(np.logaddexp.reduce(whole) - np.logaddexp.reduce(logits[mask]))

    def _accept(self, index: int, row: list[int]) -> None:
        """Adds an event to a take; where the model would end, a bar from an earlier state instead."""
        take = self.takes[index]
        if row[KIND] in (KIND_BAR, KIND_END) and take.is_full():
            take.finished = True
            return
        if row[KIND] == KIND_END:
            row = [-1] * NUM_COLUMNS
            row[KIND] = KIND_BAR
            row[METER], row[TEMPO] = (int(take.course.line(column).argmax()) for column in (METER, TEMPO))
            for part, earlier in zip(self.state, take.bar_states[0], strict=True):
                part[:, index : index + 1] = earlier
        take.course.accept(row)
        take.rows.append(row)
        take.pointers = take.recaller.add(row)


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

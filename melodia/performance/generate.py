"""Continues a performance, or starts one from silence, in real time: an event after another, drawn from the pianist.

Whatever the primer is, it is heard as one piano plays it, as `melodia.performance.codec` has it; it stays in the result as it
is, and the continuation begins where its last note ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.lstm import State, repeated
from melodia.performance.codec import STEPS_A_SECOND, Notes, as_score, decode, encode, notes_of, ticks_at
from melodia.performance.model import WINDOW, Pianist
from melodia.performance.reading import Keys, follow, now
from melodia.sampling import SamplingConfig, sample
from melodia.score import SUSTAIN, Control, Part, Score, note_array, to_notes
from melodia.takes import Takes

DEFAULT_SECONDS = 30.0
LONGEST_SECONDS = 3600.0
LISTEN_SECONDS = 300  # of the primer's end
TOGETHER = 16  # takes that are drawn at once
PIANOS = range(8)  # programs


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateConfig:
    """What to make."""

    seconds: float = DEFAULT_SECONDS
    count: int = 1  # takes
    random_seed: int = 0
    continuation_only: bool = False

    def __post_init__(self) -> None:
        check_range("seconds", self.seconds, 0.1, LONGEST_SECONDS)
        check_range("count", self.count, 1, 1000)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


def generate(
    primer: Score | None,
    pianist: Pianist,
    config: GenerateConfig,
    sampling: SamplingConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Takes:
    """Makes takes, reporting seconds done and in all. The same arguments give the same scores.

    Raises:
        ConfigError: the primer has no notes for a piano.
    """
    messages: list[str] = []
    state, begin = pianist.first_state(1, pianist.norm.weight.device), 0
    if primer is not None:
        notes = notes_of(primer)
        if not len(notes):
            raise ConfigError("seed: there are no notes for a piano in it; leave the seed out to start from silence")
        if sum(bool(part.notes) for part in primer.parts) > 1:
            messages.append("the pianist hears the seed as played on one piano, without its drums")
        begin = int(notes[:, 1].max())
        state = listen(pianist, notes)
    steps, made = round(config.seconds * STEPS_A_SECOND), []
    total = round(config.seconds * config.count)
    for first in range(0, config.count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, config.count))
        playing = Improvisation(pianist, state, [config.random_seed + i * 1_000_003 for i in numbers], sampling)
        for lasted in playing.play(steps):
            progress(round(config.seconds * first + lasted * len(numbers)), total)
        made += [within(decode(events), steps) for events in playing.takes]
    if any(not len(notes) for notes in made):
        messages.append("a take is silent; try another random seed, or more seconds")
    if primer is None or config.continuation_only:
        return Takes([as_score(notes) for notes in made], 0, messages)
    join = max(int(ticks_at(primer, np.array([begin / STEPS_A_SECOND]))[0]), primer.end_ticks)
    return Takes([continued(primer, notes, join) for notes in made], join, messages)


@torch.no_grad()
def listen(pianist: Pianist, notes: Notes) -> State:
    """The state after notes, or after those of their last `LISTEN_SECONDS`."""
    begin = max(int(notes[:, 0].max()) - LISTEN_SECONDS * STEPS_A_SECOND, 0)
    late = notes[notes[:, 0] >= begin] - np.array([begin, begin, 0, 0])
    device = pianist.norm.weight.device
    state = pianist.first_state(1, device)
    events = torch.from_numpy(encode(late).astype(np.int64)).to(device)[None]
    for first in range(0, events.shape[1], WINDOW):
        _, state = pianist.step(events[:, first : first + WINDOW], state)
    return state


class Improvisation:
    """Takes that go on from one state, each with a generator of its own."""

    def __init__(self, pianist: Pianist, state: State, random_seeds: list[int], sampling: SamplingConfig) -> None:
        self.pianist, self.sampling = pianist, sampling
        count = len(random_seeds)
        self.stack: State = repeated(state[:2], count)
        self.keys = Keys(*(part.expand(count, *part.shape[1:]) for part in state[2:]))
        self.takes: list[list[int]] = [[] for _ in random_seeds]  # events
        self.random = [torch.Generator().manual_seed(random_seed) for random_seed in random_seeds]

    @torch.no_grad()
    def play(self, steps: int) -> Iterator[float]:
        """Plays until each take is so long, and says after each event how many seconds the shortest has."""
        begin, lasted = self.keys.step, [0] * len(self.takes)
        while min(lasted) < steps:
            for take, event, long in zip(self.takes, self._next().tolist(), lasted, strict=True):
                if long < steps:
                    take.append(event)
            lasted = (self.keys.step - begin).tolist()
            yield min(*lasted, steps) / STEPS_A_SECOND

    def _next(self) -> Tensor:
        """Draws an event of each take."""
        log_probs, self.stack = self.pianist(now(self.keys), self.stack)
        events = sample(log_probs[:, 0], self.sampling, self.random).to(log_probs.device)
        _, self.keys = follow(events[:, None], self.keys)
        return events


def within(notes: Notes, steps: int) -> Notes:
    """The notes that begin before a step; those that ring on are cut there."""
    notes = notes[notes[:, 0] < steps].copy()
    notes[:, 1] = np.minimum(notes[:, 1], steps)
    return notes


def continued(primer: Score, notes: Notes, join: int) -> Score:
    """The primer, and notes of a piano from a tick on: in its own part if that is the only one, else in a new one."""
    played = note_array(as_score(notes).parts[0].notes)
    played[:, :2] = ticks_at(primer, primer.seconds_at(join) + played[:, :2] / 1000)
    played[:, 1] = np.maximum(played[:, 1], played[:, 0] + 1)
    parts = [replace(part, controls=released(part, join)) for part in primer.parts]
    heard = [part for part in parts if part.notes and not part.is_drum]
    if len(heard) == 1 and heard[0].program in PIANOS:
        heard[0].notes = heard[0].notes + to_notes(played)
    else:
        parts.append(Part("Piano", notes=to_notes(played)))
    return Score(parts, list(primer.tempos), list(primer.meters))


def released(part: Part, tick: int) -> list[Control]:
    """The controllers of a part before a tick, its pedal up there."""
    before = [control for control in part.controls if control.tick < tick]
    return before + ([Control(tick, SUSTAIN, 0)] if any(control.number == SUSTAIN for control in before) else [])

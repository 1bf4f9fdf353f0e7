"""Continues a performance, or starts one from silence, in real time: an event after another, drawn from the pianist.

Whatever the primer is, it is heard as one piano plays it, as `melodia.performance.codec` has it; it stays in the result as it
is, and the continuation begins where its last note ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.lstm import State
from melodia.performance.codec import (
    FIRST_VELOCITY,
    STEPS_A_SECOND,
    VELOCITIES,
    Notes,
    as_score,
    decode,
    encode,
    notes_of,
    ticks_at,
    velocity_in_bin,
)
from melodia.performance.model import WINDOW, Pianist, collated
from melodia.performance.reading import Keys
from melodia.performance.recall import Recall, heard
from melodia.performance.steps import PianistSteps, streams_of
from melodia.sampling import Chance, SamplingConfig, seed_of
from melodia.score import SUSTAIN, Control, Part, Score, note_array, to_notes
from melodia.stepping import check_precision, drawn
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
    precision: str = "float32"  # of the weights while notes are drawn

    def __post_init__(self) -> None:
        check_range("seconds", self.seconds, 0.1, LONGEST_SECONDS)
        check_range("count", self.count, 1, 1000)
        check_precision(self.precision)
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
    state, recall, begin = pianist.first_state(1, pianist.norm.weight.device), Recall(), 0
    if primer is not None:
        notes = notes_of(primer)
        if not len(notes):
            raise ConfigError("seed: there are no notes for a piano in it; leave the seed out to start from silence")
        if sum(bool(part.notes) for part in primer.parts) > 1:
            drums = any(part.is_drum and part.notes for part in primer.parts)
            messages.append(f"the pianist hears the seed as played on one piano{', without its drums' if drums else ''}")
        begin = int(notes[:, 1].max())
        state, recall = listen(pianist, notes)
    length, made = round(config.seconds * STEPS_A_SECOND), []
    steps, in_force = PianistSteps(pianist, config.precision), velocity_of(Keys(*state[2:]))
    total = round(config.seconds * config.count)
    for first in range(0, config.count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, config.count))
        playing = Improvisation(steps, state, recall, [seed_of(config.random_seed, i) for i in numbers], sampling)
        for lasted in playing.play(length):
            progress(round(config.seconds * first + lasted * len(numbers)), total)
        made += [within(decode(events, in_force), length) for events in playing.takes]
    if silent := [str(number) for number, notes in enumerate(made, 1) if not len(notes)]:
        messages.append(f"silent: take {', '.join(silent)}; try another random seed, or more seconds")
    if primer is None or config.continuation_only:
        return Takes([as_score(notes) for notes in made], 0, messages)
    join = max(int(ticks_at(primer, np.array([begin / STEPS_A_SECOND]))[0]), primer.end_ticks)
    return Takes([continued(primer, notes, join) for notes in made], join, messages)


@torch.no_grad()
def listen(pianist: Pianist, notes: Notes) -> tuple[State, Recall]:
    """The state after notes, or after those of their last `LISTEN_SECONDS`, and what can be recalled then."""
    begin = max(int(notes[:, 0].max()) - LISTEN_SECONDS * STEPS_A_SECOND, 0)
    late = notes[notes[:, 0] >= begin] - np.array([begin, begin, 0, 0])
    device = pianist.norm.weight.device
    state = pianist.first_state(1, device)
    recall = Recall()
    whole = heard(encode(late), recall)
    for first in range(0, len(whole.events), WINDOW):
        batch = collated([whole.window(first, WINDOW)], [False])
        _, state = pianist.step(batch.events.to(device), batch.recalled.to(device), state)
    return state, recall


class Improvisation:
    """Takes that go on from one state, each with a generator of its own."""

    def __init__(
        self, steps: PianistSteps, state: State, recall: Recall, random_seeds: list[int], sampling: SamplingConfig
    ) -> None:
        self.steps, self.sampling = steps, sampling
        self.streams, self.stack = streams_of(state, recall, len(random_seeds))
        self.takes: list[list[int]] = [[] for _ in random_seeds]  # events
        self.chances = [Chance(random_seed) for random_seed in random_seeds]

    def play(self, steps: int) -> Iterator[float]:
        """Plays until each take is so long, and says after each event how many seconds the shortest has."""
        begin = self.streams[0].step
        while (lasted := min(stream.step for stream in self.streams) - begin) < steps:
            yield lasted / STEPS_A_SECOND
            for take, stream, event in zip(self.takes, self.streams, self._next(), strict=True):
                if stream.step - begin < steps:
                    take.append(event)
                stream.add(event)
        yield steps / STEPS_A_SECOND

    def _next(self) -> list[int]:
        """Draws an event of each take."""
        logits = self.steps(self.streams, self.stack)
        return drawn(logits, np.isfinite(logits), self.sampling, [chance() for chance in self.chances])


def velocity_of(keys: Keys) -> int:
    """The MIDI velocity that is in force, for events that go on."""
    velocity = int(keys.velocity[0])
    return FIRST_VELOCITY if velocity == VELOCITIES else velocity_in_bin(velocity)


def within(notes: Notes, steps: int) -> Notes:
    """The notes that begin before a step; those that ring on are cut there."""
    notes = notes[notes[:, 0] < steps].copy()
    notes[:, 1] = np.minimum(notes[:, 1], steps)
    return notes


def continued(primer: Score, notes: Notes, join: int) -> Score:
    """The primer, and notes of a piano from a tick on: in its own part if that is the only one, else in a new one."""
    (piano,) = as_score(notes).parts
    played = note_array(piano.notes)
    played[:, :2] = ticks_at(primer, primer.seconds_at(join) + played[:, :2] / 1000)
    played[:, 1] = np.maximum(played[:, 1], played[:, 0] + 1)
    turns = ticks_at(primer, primer.seconds_at(join) + np.array([control.tick for control in piano.controls]) / 1000)
    pedal = [control._replace(tick=tick) for control, tick in zip(piano.controls, turns.tolist(), strict=True)]
    parts = [replace(part, controls=released(part, join)) for part in primer.parts]
    heard = [part for part in parts if part.notes and not part.is_drum]
    if len(heard) == 1 and heard[0].program in PIANOS:
        heard[0].notes = heard[0].notes + to_notes(played)
        heard[0].controls = heard[0].controls + pedal
    else:
        parts.append(Part("Piano", notes=to_notes(played), controls=pedal))
    return Score(parts, list(primer.tempos), list(primer.meters))


def released(part: Part, tick: int) -> list[Control]:
    """The controllers of a part before a tick, its pedal up there."""
    before = [control for control in part.controls if control.tick < tick]
    return before + ([Control(tick, SUSTAIN, 0)] if any(control.number == SUSTAIN for control in before) else [])

"""Gives written music the timing and the loudness of a hand, drawn from the pianist.

The notes stay: as many in each part, with their pitches and durations, in their order; drums stay as they are. The pianist is
led through the music, all parts as one piano, in its own events. When the next notes come is drawn from its time shifts,
each held to its written time by a bell of `SPREAD` steps, so that it never drifts; and how loud a note is, from what it gives
to each velocity and then to that very note (Bayes). Within its 10 ms a stroke falls anywhere.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.performance.codec import (
    LONGEST_SHIFT,
    OFF,
    ON,
    SHIFT,
    STEPS_A_SECOND,
    VELOCITIES,
    VELOCITY,
    VELOCITY_STEP,
    seconds_of,
    ticks_at,
)
from melodia.performance.model import Pianist
from melodia.performance.recall import Recall
from melodia.performance.steps import PianistSteps, streams_of
from melodia.score import Note, Score, note_array
from melodia.stepping import Floats

FARTHEST = 3  # steps between the drawn one and the written one
MOST_MOVED = 3.5  # steps, with what a stroke is off its step
SPREAD = 1.5  # steps


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanizeConfig:
    """`amount`: how far notes go from what is written, 0, to what is drawn, 1. `temperature`: of the drawing."""

    amount: float = 1.0
    temperature: float = 1.0
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("amount", self.amount, 0, 1)
        check_range("temperature", self.temperature, 0.01, 100)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


@dataclass(slots=True)
class _Written:
    """A note of a part, in seconds, and what becomes of it."""

    part: int
    note: Note
    onset: float
    offset: float
    played: float = 0.0  # onset
    velocity: float = field(default=64.0)


def humanize(
    score: Score, pianist: Pianist, config: HumanizeConfig, progress: Callable[[int, int], None] = lambda done, total: None
) -> Score:
    """The same music, played. Reports notes done and in all; the same arguments give the same score.

    Raises:
        ConfigError: all notes are drums', or there are none.
    """
    notes = written(score)
    if not notes:
        raise ConfigError("song: there are no notes in it but drums'; drums stay as they are")
    hand, done = Hand(pianist, config), 0
    for _, chord in groupby(notes, key=lambda written: written.note.onset_ticks):
        struck = list(chord)
        hand.play(struck)
        done += len(struck)
        progress(done, len(notes))
    return rewritten(score, notes, config.amount)


def written(score: Score) -> list[_Written]:
    """The notes of all parts but drums, in the order of their onsets and pitches."""
    notes: list[_Written] = []
    for number, part in enumerate(score.parts):
        if part.notes and not part.is_drum:
            seconds = seconds_of(score, note_array(part.notes)[:, :2])
            notes += [_Written(number, note, *times) for note, times in zip(part.notes, seconds.tolist(), strict=True)]
    return sorted(notes, key=lambda written: (written.note.onset_ticks, written.note.pitch))


class Hand:
    """The pianist on its way through written music."""

    def __init__(self, pianist: Pianist, config: HumanizeConfig) -> None:
        self.steps, self.temperature = PianistSteps(pianist), config.temperature
        (self.stream,), self.stack = streams_of(pianist.first_state(1), Recall(), 1)
        self.log_probs = log_probs(self.steps([self.stream], self.stack))[0]
        self.random = torch.Generator().manual_seed(config.random_seed)
        self.step = 0
        self.latest = 0.0  # onset so far, in seconds
        self.to_end: list[tuple[int, int, int]] = []  # a heap: step, place in the order of the strokes, pitch
        self.sounds: dict[int, int] = {}  # pitch -> its stroke's place
        self.strokes = 0

    def play(self, chord: Sequence[_Written]) -> None:
        """Strikes notes that are written at one time."""
        at = chord[0].onset * STEPS_A_SECOND
        self._release(before=int(at) - FARTHEST)
        begin = self._when(at)
        self._release(before=max(round(at), begin) + 1, late=begin)
        self._wait(begin)
        latest = self.latest
        for note in chord:
            within = float(torch.rand((), generator=self.random)) - 0.5
            moved = min(max(begin + within - at, -MOST_MOVED), MOST_MOVED)
            note.played = max((at + moved) / STEPS_A_SECOND, latest, 0.0)
            self.latest = max(self.latest, note.played)
            note.velocity = self._strike(note.note.pitch)
            length = max(round((note.offset - note.onset) * STEPS_A_SECOND), 1)
            heapq.heappush(self.to_end, (begin + length, self.strokes, note.note.pitch))

    def _when(self, at: float) -> int:
        """Draws the step of notes that are written at a step and a part of one."""
        first, last = max(round(at) - FARTHEST, self.step), round(at) + FARTHEST
        while first - self.step >= LONGEST_SHIFT:
            self._tell(SHIFT + LONGEST_SHIFT - 1)
            self.step += LONGEST_SHIFT
        steps = np.arange(first, max(min(last, self.step + LONGEST_SHIFT), first) + 1)
        probs = self.log_probs.exp()
        shifts = torch.cat([1 - probs[SHIFT:VELOCITY].sum().clamp(max=1)[None], probs[SHIFT:VELOCITY]])
        scores = shifts[torch.from_numpy(steps - self.step)].clamp(min=1e-9).log() / self.temperature
        scores = scores - torch.from_numpy((steps - at) ** 2 / (2 * SPREAD**2)).float()
        return int(steps[self._drawn(scores)])

    def _wait(self, step: int) -> None:
        """Lets time go by, up to a step."""
        while step > self.step:
            shift = min(step - self.step, LONGEST_SHIFT)
            self._tell(SHIFT + shift - 1)
            self.step += shift

    def _release(self, before: int, late: int | None = None) -> None:
        """Ends the notes whose time comes before a step; all at a later one, if it is given."""
        while self.to_end and self.to_end[0][0] < before:
            step, stroke, pitch = heapq.heappop(self.to_end)
            if self.sounds.get(pitch) == stroke:
                self._wait(step if late is None else late)
                self._tell(OFF + pitch)
                del self.sounds[pitch]

    def _strike(self, pitch: int) -> float:
        """Draws a velocity for a note, strikes it, and says how loud it was."""
        if pitch in self.sounds:  # in another part, or not ended yet
            self._tell(OFF + pitch)
        in_force = self.stream.velocity
        others = torch.tensor([v for v in range(VELOCITIES) if v != in_force])
        after = self._after((VELOCITY + others).tolist())
        scores = torch.full((VELOCITIES + 1,), -torch.inf)
        scores[others] = self.log_probs[VELOCITY + others] + after[:, ON + pitch]
        scores[in_force] = self.log_probs[ON + pitch]
        velocity = self._drawn(scores[:VELOCITIES] / self.temperature)
        if velocity != in_force:
            self._tell(VELOCITY + velocity)
        self._tell(ON + pitch)
        self.strokes += 1
        self.sounds[pitch] = self.strokes
        return 1 + VELOCITY_STEP * (velocity + float(torch.rand((), generator=self.random)))

    def _after(self, events: Sequence[int]) -> Tensor:
        """(events, EVENTS): what is likely after each of some events that may come next."""
        streams = [self.stream.copy() for _ in events]
        for stream, event in zip(streams, events, strict=True):
            stream.add(event)
        return log_probs(self.steps(streams, tuple(np.repeat(part, len(events), axis=1) for part in self.stack)))

    def _tell(self, event: int) -> None:
        """Has an event come next, whatever was likely."""
        self.stream.add(event)
        self.log_probs = log_probs(self.steps([self.stream], self.stack))[0]

    def _drawn(self, scores: Tensor) -> int:
        if not bool((scores > -torch.inf).any()):
            scores = torch.zeros_like(scores)
        return int(torch.multinomial(scores.softmax(dim=-1), 1, generator=self.random))


def log_probs(logits: Floats) -> Tensor:
    """Of each row."""
    return torch.from_numpy(logits).log_softmax(dim=-1)


def rewritten(score: Score, notes: Sequence[_Written], amount: float) -> Score:
    """The score with notes as they were played, so far as `amount` says."""
    onsets = np.array([note.onset + amount * (note.played - note.onset) for note in notes])
    ends = np.array([note.offset - note.onset for note in notes]) + onsets
    times: NDArray[np.int64] = ticks_at(score, np.stack([onsets, ends], axis=1))
    parts: dict[int, list[Note]] = {}
    for note, (on, off) in zip(notes, times.tolist(), strict=True):
        velocity = round(note.note.velocity + amount * (note.velocity - note.note.velocity))
        parts.setdefault(note.part, []).append(Note(on, max(off, on + 1), note.note.pitch, min(max(velocity, 1), 127)))
    return replace(
        score,
        parts=[
            replace(part, notes=apart(parts[number]) if number in parts else part.notes) for number, part in enumerate(score.parts)
        ],
    )


def apart(notes: Sequence[Note]) -> list[Note]:
    """Notes in order, each pitch struck after it was struck before, and let go in time for the next stroke."""
    done: list[Note] = []
    last: dict[int, int] = {}
    for note in notes:
        before = last.get(note.pitch, -1)
        if before >= 0:
            onset = max(note.onset_ticks, done[before].onset_ticks + 1)
            note = note._replace(onset_ticks=onset, offset_ticks=max(note.offset_ticks, onset + 1))
            done[before] = done[before]._replace(offset_ticks=min(done[before].offset_ticks, onset))
        last[note.pitch] = len(done)
        done.append(note)
    return sorted(done)

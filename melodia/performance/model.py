"""The pianist: which event comes next in a performance, one after another, so that the likelihood is exact.

Stacked LSTMs read the event before together with all that follows from the events so far (`melodia.performance.reading`): which
keys sound, how long ago each was struck and which can be let go now, the velocity in force, the silence since the last stroke.
The head scores events by themselves, and by what they would be now: a key by how long ago it was struck and by its interval
from the last strokes, which stays the same when music is transposed; the note to end by its turn, and by how long it began after
the one that has just ended; a velocity by its distance from the last ones; a shift by where it leads, how long after the last
stroke that would be, against the times between the strokes before, and how old the next note to end would be. Where the last
strokes have been heard before (`melodia.performance.recall`), what came next there is read too, and scored: its keys, its
velocity, its time. What cannot come next has no probability, and the rest shares it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from melodia.lstm import LSTMConfig, StackedLSTM, State, restarted, selected
from melodia.performance.codec import EVENTS, LONGEST_SHIFT, OFF, PITCHES, SHIFT, VELOCITIES, Events
from melodia.performance.reading import BEATS, BEFORE, BEGIN, NO_PITCH, STEPS, Keys, Known, follow, silent
from melodia.performance.recall import EXPECTED, FOLLOWERS, SURENESS, Heard, heard

SIDE_BY_SIDE = 32  # performances that are scored at once
WINDOW = 256  # events that are scored at once
WIDE = 24  # semitones; intervals beyond are that
LOWEST_KEY, NUM_KEYS = 21, 88  # whose ages the stack reads
AGES = (1, 2, 3, 4, 6, 9, 13, 19, 28, 41, 61, 91, 141, 221, 401, 1001, STEPS)  # steps; buckets begin there, the last is never
AFTER = (1, 2, 4, 8, 16)  # steps; the same, of how long a note began after another
MOST_TO_END = 10  # notes that are counted
FINE = (*range(1, 51), *(round(50 * 1.08**i) for i in range(1, 40)), STEPS)  # steps; the same, to tell rhythms apart
NEAR = 16  # steps that two times between strokes are told apart by
RECALLED = (SURENESS, VELOCITIES + 1, len(FINE) + 1, PITCHES + 1)  # codes that are read of each follower
FADES = (50.0, 200.0)  # steps in which what is read of a stroke falls to a third


@dataclass(frozen=True, slots=True, kw_only=True)
class PianistConfig:
    """Sizes of the stack; `dropout` is the rate between layers and before the head."""

    hidden_size: int = 512
    num_layers: int = 3
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self.stack()  # checks them

    def stack(self) -> LSTMConfig:
        """The recurrent layers."""
        return LSTMConfig(
            input_size=self.hidden_size,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            residual=True,
            layer_norm=True,
        )


class Batch(NamedTuple):
    """Windows of performances."""

    events: Tensor  # (batch, length)
    recalled: Tensor  # (batch, length, FOLLOWERS, FIELDS), before each event
    lengths: Tensor  # (batch,): so many events count
    fresh: Tensor  # (batch,) bool: whether it begins a performance


class Pianist(nn.Module):
    """See the module. Its state is that of the stack and, after it, `Keys`."""

    def __init__(self, config: PianistConfig) -> None:
        super().__init__()
        self.config = config
        size = config.hidden_size
        self.event = nn.Embedding(BEGIN + 1, size)
        self.velocity = nn.Embedding(VELOCITIES + 1, size)
        self.silence = nn.Embedding(len(AGES) + 1, size)
        self.to_end = nn.Embedding(MOST_TO_END + 1, size)
        self.beats = nn.Embedding(BEATS * (len(FINE) + 1), size)
        self.loudness = nn.Embedding(BEFORE * (VELOCITIES + 1), size)
        recalled = [nn.Embedding(FOLLOWERS * codes, size) for codes in RECALLED]
        self.recalled = nn.ModuleList(recalled)
        for table in (self.event, self.velocity, self.silence, self.to_end, self.beats, self.loudness, *recalled):
            nn.init.normal_(table.weight, std=0.3)
        self.keys = nn.Linear((2 + len(FADES)) * NUM_KEYS, size)
        self.lstm = StackedLSTM(config.stack())
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.LayerNorm(size)
        self.head = Head(size)

    def forward(self, known: Known, recalled: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """What is known and recalled before events -> (batch, length, EVENTS) logarithms of probabilities, and the new state."""
        y, state = self.lstm(self.read(known, recalled), state)
        logits = self.head(self.dropout(self.norm(y)), known, recalled)
        log_probs: Tensor = logits.log_softmax(dim=-1)
        return log_probs, state

    def read(self, known: Known, recalled: Tensor) -> Tensor:
        """What the stack reads: (batch, length, hidden_size)."""
        shown = slice(LOWEST_KEY, LOWEST_KEY + NUM_KEYS)
        sounding = known.sounding[..., shown].float()
        age = known.age[..., shown].float()
        short, long = ((age / -fade).exp() for fade in FADES)
        can_end = known.allowed[..., OFF:SHIFT]
        keys = self.keys(torch.cat([sounding, sounding * short, long, can_end[..., shown].float()], dim=-1))
        x: Tensor = self.event(known.last) + self.velocity(known.velocity) + self.silence(bucket(known.silence, AGES)) + keys
        x = x + self.to_end(can_end.sum(dim=-1).clamp(max=MOST_TO_END))
        rhythm = torch.cat([known.since_beats[..., -1:], between(known)], dim=-1)
        for row, code in enumerate(bucket(rhythm, FINE).unbind(-1)):
            x = x + self.beats(code + row * (len(FINE) + 1))
        for row, velocity in enumerate(known.loudness.unbind(-1)):
            x = x + self.loudness(velocity + row * (VELOCITIES + 1))
        for table, codes, count in zip(self.recalled, recalled_codes(recalled), RECALLED, strict=True):
            x = x + table(codes + torch.arange(FOLLOWERS, device=x.device) * count).sum(dim=-2)
        return x

    def first_state(self, batch_size: int, device: torch.device | str = "cpu") -> State:
        """The state at the start of performances."""
        return (*self.lstm.initial_state(batch_size, device), *silent(batch_size, device))

    def step(self, events: Tensor, recalled: Tensor, state: State) -> tuple[Tensor, State]:
        """(batch, length) events, and what is recalled before each -> logarithms of their probabilities, and the state after."""
        known, keys = follow(events, Keys(*state[2:]))
        log_probs, stack = self(known, recalled, state[:2])
        return log_probs.gather(-1, events[..., None])[..., 0], (*stack, *keys)

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, Tensor, State]:
        """See `melodia.training.Task`: nats and events."""
        count, device = len(batch.events), batch.events.device
        start = self.first_state(count, device)
        if state is not None:
            keys = (
                torch.where(batch.fresh.view(-1, *[1] * (new.dim() - 1)), new, old)
                for new, old in zip(start[2:], state[2:], strict=True)
            )
            start = (*restarted(state[:2], batch.fresh), *keys)
        log_probs, state = self.step(batch.events, batch.recalled, start)
        scored = torch.arange(batch.events.shape[1], device=device) < batch.lengths[:, None]
        return -log_probs[scored].sum(), scored.sum(), state

    @torch.no_grad()
    def nats(self, pieces: Sequence[Events]) -> list[float]:
        """The nats of each piece, from its first event to its last, the state carried: exact. Infinite where no stream goes."""
        found = np.zeros(len(pieces))
        order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i]))
        device = self.norm.weight.device
        for start in range(0, len(order), SIDE_BY_SIDE):
            group = order[start : start + SIDE_BY_SIDE]
            whole = {i: heard(pieces[i]) for i in group}
            state = self.first_state(len(group), device)
            for first in range(0, len(pieces[group[0]]), WINDOW):
                alive = [i for i in group if len(pieces[i]) > first]  # the longest are the first of them
                state = (*selected(state[:2], slice(len(alive))), *(part[: len(alive)] for part in state[2:]))
                batch = collated([whole[i].window(first, WINDOW) for i in alive], [False] * len(alive))
                with torch.autocast(device.type, enabled=False):
                    log_probs, state = self.step(batch.events.to(device), batch.recalled.to(device), state)
                scored = torch.arange(log_probs.shape[1], device=device) < batch.lengths.to(device)[:, None]
                found[alive] -= torch.where(scored, log_probs, 0).sum(dim=1).double().cpu().numpy()
        return [float(nats) for nats in found]


class Scores(NamedTuple):
    """What the head gives: scores of events, and of what they would be, each a table over codes (see `SIZES`)."""

    events: Any
    struck: Any  # of an on, by how long ago its key was struck
    held: Any  # of an off, the same
    turn: Any  # of an off, by `turns`
    after: Any  # of an off, by `later`
    louder: Any  # of a velocity, by its distance from the one in force and from those of the last strokes
    landing: Any  # of a shift, by how long after the last stroke it leads
    ending: Any  # of a shift, by how old the oldest note would be
    intervals: Any  # of an on, by its interval from the last strokes
    apart: Any  # of a shift, by how much later it leads than the times between the last strokes would
    expected: Any  # of an on, by its place among those that each follower expects
    louder_then: Any  # of a velocity, by its distance from that of what each follower expects
    later_then: Any  # of a shift, by how much later it leads than each follower expects


SIZES = Scores(
    events=(EVENTS,),
    struck=(len(AGES) + 1,),
    held=(len(AGES) + 1,),
    turn=(3,),
    after=(len(AFTER) + 2,),
    louder=(2 * VELOCITIES,) * (1 + BEFORE),
    landing=(len(FINE) + 1,),
    ending=(len(FINE) + 1,),
    intervals=(2 * WIDE + 2,) * BEFORE,
    apart=(2 * NEAR + 1,) * (BEATS - 1),
    expected=(EXPECTED,) * FOLLOWERS,
    louder_then=(2 * VELOCITIES,) * FOLLOWERS,
    later_then=(2 * NEAR + 2,) * FOLLOWERS,
)
FLAT_SIZES = [size for sizes in SIZES for size in sizes]


def in_tables(parts: Sequence[Any]) -> Scores:
    """Tables side by side, one for each of `FLAT_SIZES`, by their names: one each, or where there are several a list."""
    left = iter(parts)
    found = [[next(left) for _ in sizes] for sizes in SIZES]
    return Scores(*(tables if len(tables) > 1 else tables[0] for tables in found))


class Head(nn.Module):
    """Scores of events. See the module."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.scores = nn.Linear(size, sum(FLAT_SIZES))
        nn.init.normal_(self.scores.weight, std=0.02)
        nn.init.zeros_(self.scores.bias)
        self.sure = nn.Embedding(FOLLOWERS * SURENESS, EXPECTED)  # how likely what is expected is, as sure as a follower is
        nn.init.zeros_(self.sure.weight)

    def forward(self, y: Tensor, known: Known, recalled: Tensor) -> Tensor:
        """(batch, length, size) -> (batch, length, EVENTS) logits, -inf for what cannot come next."""
        scores = in_tables(self.scores(y).float().split(FLAT_SIZES, dim=-1))
        ages = bucket(known.age, AGES)
        on = scores.struck.gather(-1, ages)
        for table, pitch in zip(scores.intervals, known.strokes.unbind(-1), strict=True):
            on = on + table.gather(-1, intervals_from(pitch))
        off = scores.held.gather(-1, ages) + scores.turn.gather(-1, turns(known)) + scores.after.gather(-1, later(known))
        shifts = torch.arange(1, LONGEST_SHIFT + 1, device=y.device)
        after_shift = known.since_beats[..., -1:] + shifts
        shift = scores.landing.gather(-1, bucket(after_shift, FINE))
        shift = shift + scores.ending.gather(-1, bucket(oldest(known)[..., None] + shifts, FINE))
        velocity = scores.louder[0].gather(-1, louder_than(known.velocity))
        for table, before in zip(scores.louder[1:], known.loudness.unbind(-1), strict=True):
            velocity = velocity + table.gather(-1, louder_than(before))
        for table, steps in zip(scores.apart, between(known).unbind(-1), strict=True):
            shift = shift + table.gather(-1, (after_shift - steps[..., None]).clamp(-NEAR, NEAR) + NEAR)
        for row, found in enumerate(recalled.unbind(-2)):
            (sureness, loudness, wait), pitches = found[..., :3].unbind(-1), found[..., 3:]
            expected = scores.expected[row] + self.sure(sureness + row * SURENESS)
            on = nn.functional.pad(on, (0, 1)).scatter_add(-1, pitches, expected)[..., :PITCHES]  # `NO_PITCH` is the last place
            velocity = velocity + scores.louder_then[row].gather(-1, louder_than(loudness))
            shift = shift + scores.later_then[row].gather(-1, later_than(wait, known.silence))
        logits: Tensor = scores.events + torch.cat([on, off, shift, velocity], dim=-1)
        return logits.masked_fill(~known.allowed, -torch.inf)


def bucket(steps: Tensor, edges: Sequence[int]) -> Tensor:
    """Durations as codes: how many of the edges each has reached."""
    return torch.bucketize(steps, torch.tensor(edges, device=steps.device), right=True)


def intervals_from(pitch: Tensor) -> Tensor:
    """Intervals from a pitch to each key as codes: (...) -> (..., PITCHES)."""
    codes = (torch.arange(PITCHES, device=pitch.device) - pitch[..., None]).clamp(-WIDE, WIDE) + WIDE
    return codes.masked_fill((pitch == NO_PITCH)[..., None], 2 * WIDE + 1)


def louder_than(velocity: Tensor) -> Tensor:
    """Distances of velocities from one as codes: (...) -> (..., VELOCITIES)."""
    distance = (torch.arange(VELOCITIES, device=velocity.device) - velocity[..., None] + VELOCITIES - 1).clamp(min=0)
    return distance.masked_fill((velocity == VELOCITIES)[..., None], 2 * VELOCITIES - 1)


def later_than(wait: Tensor, silence: Tensor) -> Tensor:
    """How much later than after a wait a stroke would come, of each shift, as codes; the last if there is no wait."""
    after = silence[..., None] + torch.arange(1, LONGEST_SHIFT + 1, device=wait.device) - wait[..., None]
    return (after.clamp(-NEAR, NEAR) + NEAR).masked_fill((wait == STEPS)[..., None], 2 * NEAR + 1)


def recalled_codes(recalled: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What is read of what is recalled, (..., FOLLOWERS) each: `RECALLED` says of how many codes."""
    sureness, velocity, wait, key, *_ = recalled.unbind(-1)
    return sureness, velocity, bucket(wait.contiguous(), FINE), key


def between(known: Known) -> Tensor:
    """(..., BEATS - 1): steps between the last strokes, those of a chord as one; the last one last."""
    return known.since_beats[..., :-1] - known.since_beats[..., 1:]


def oldest(known: Known) -> Tensor:
    """Steps since the first note began of those that sound; `STEPS` if none does."""
    began = torch.where(known.sounding, known.age, -1).amax(dim=-1)
    return torch.where(began < 0, STEPS, began)


def turns(known: Known) -> Tensor:
    """(..., PITCHES): 0 for the note that began first of those that can end now, 1 for the one after it, 2 for others."""
    can = known.allowed[..., OFF:SHIFT]
    began = known.began.masked_fill(~can, torch.iinfo(torch.int64).max)
    two = began.topk(2, dim=-1, largest=False).values
    return torch.where(began == two[..., :1], 0, torch.where(began == two[..., 1:], 1, 2))


def later(known: Known) -> Tensor:
    """(..., PITCHES): how long each note began after the one that the last event ended, as a code; the last if it ended none."""
    steps = known.began % STEPS - (known.released % STEPS)[..., None]
    return bucket(steps, AFTER).masked_fill((known.released == 0)[..., None], len(AFTER) + 1)


def collated(windows: Sequence[Heard], fresh: Sequence[bool]) -> Batch:
    """Windows of performances as a batch."""
    lengths = np.array([len(window.events) for window in windows], np.int64)
    events = np.zeros((len(windows), int(lengths.max())), np.int64)
    recalled = np.zeros((*events.shape, *windows[0].recalled.shape[1:]), np.int64)
    for row, (window, before) in enumerate(windows):
        events[row, : len(window)], recalled[row, : len(window)] = window, before
    return Batch(torch.from_numpy(events), torch.from_numpy(recalled), torch.from_numpy(lengths), torch.tensor(fresh))

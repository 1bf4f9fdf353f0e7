"""The pianist's head: scores of events by themselves, and by what they would be now.

A key is scored by how long ago it was struck and by its interval from the last strokes, which stays the same when music is
transposed; the note to end by its turn, and by how long it began after the one that has just ended; a velocity by its distance
from the last ones; a shift by where it leads: how long after the last stroke that would be, against the times between the strokes
before, and how old the next note to end would be. What is recalled to have come next scores keys, velocities and shifts as well.
What cannot come next has no probability, and the rest shares it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from melodia.performance.codec import EVENTS, LONGEST_SHIFT, OFF, PITCHES, SHIFT, VELOCITIES
from melodia.performance.reading import BEATS, BEFORE, NO_PITCH, STEPS, Known
from melodia.performance.recall import EXPECTED, FOLLOWERS, SURENESS

WIDE = 24  # semitones; intervals beyond are that
AGES = (1, 2, 3, 4, 6, 9, 13, 19, 28, 41, 61, 91, 141, 221, 401, 1001, STEPS)  # steps; buckets begin there, the last is never
AFTER = (1, 2, 4, 8, 16)  # steps; the same, of how long a note began after another
FINE = (*range(1, 51), *(round(50 * 1.08**i) for i in range(1, 40)), STEPS)  # steps; the same, to tell rhythms apart
NEAR = 16  # steps that two times between strokes are told apart by


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

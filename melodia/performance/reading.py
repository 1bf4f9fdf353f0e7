"""What the events so far say, exactly: which keys sound, since when, and what can come next.

A recurrent network would have to remember all this, and lose some of it. Moments are kept as one number, the count of events
and the time together, so that the later one is the greater: `STEPS` x count + step. 0 is never.

What cannot come next follows from how streams are written (`melodia.performance.codec`): no off of a silent key, no on of one
that sounds, and none before there is a velocity; no off after an on, or out of the order in which the notes began, within a
step; no velocity that is in force already; after a velocity an on; after a shift of less than 1 s no other shift.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from melodia.performance.codec import EVENTS, LONGEST_SHIFT, OFF, PITCHES, SHIFT, VELOCITIES, VELOCITY

BEGIN = EVENTS  # what is read before the first event
STEPS = 2**32
BEFORE = 3  # strokes that are kept
NO_PITCH = PITCHES  # of a stroke that there was none of
BEATS = 4  # strokes that are kept with the time between them, those of a chord as one
CHORD = 3  # steps; a stroke so soon after another is of its chord
NEVER = -2 * STEPS  # the step of what has not been


class Keys(NamedTuple):
    """What is known of each of a batch of performances. All are int64."""

    step: Tensor  # (batch,)
    so_far: Tensor  # (batch,) events
    last: Tensor  # (batch,) event
    velocity: Tensor  # (batch,) in force, counted from 0; `VELOCITIES` before the first
    released: Tensor  # (batch,) moment when the note began that the last event ended; 0 if it ended none
    onset: Tensor  # (batch,) step of the last stroke
    strokes: Tensor  # (batch, BEFORE) pitches, the last one last
    loudness: Tensor  # (batch, BEFORE) velocities of these strokes, counted from 0; `VELOCITIES` if there was none
    beats: Tensor  # (batch, BEATS) steps of the last strokes that none came shortly before, the last one last; `NEVER`
    on: Tensor  # (batch, PITCHES) moment of the last stroke of a key
    off: Tensor  # (batch, PITCHES) moment of its last release


class Known(NamedTuple):
    """What is known before each of some events. A step is 10 ms."""

    last: Tensor  # (batch, length) event before
    velocity: Tensor  # (batch, length)
    silence: Tensor  # (batch, length) steps since the last stroke
    strokes: Tensor  # (batch, length, BEFORE) pitches
    loudness: Tensor  # (batch, length, BEFORE) velocities
    since_beats: Tensor  # (batch, length, BEATS) steps since each; beyond `STEPS` if there was none
    sounding: Tensor  # (batch, length, PITCHES) bool
    age: Tensor  # (batch, length, PITCHES) steps since a key was struck; `STEPS` if it never was
    began: Tensor  # (batch, length, PITCHES) moment of that
    released: Tensor  # (batch, length) as of `Keys`
    allowed: Tensor  # (batch, length, EVENTS) bool


def silent(batch_size: int, device: torch.device | str = "cpu") -> Keys:
    """What is known at the start."""
    zeros = torch.zeros(batch_size, dtype=torch.int64, device=device)
    keys = torch.zeros((batch_size, PITCHES), dtype=torch.int64, device=device)
    strokes, loudness, beats = (
        torch.full((batch_size, count), none, device=device)
        for count, none in ((BEFORE, NO_PITCH), (BEFORE, VELOCITIES), (BEATS, NEVER))
    )
    return Keys(zeros, zeros, zeros + BEGIN, zeros + VELOCITIES, zeros, zeros, strokes, loudness, beats, keys, keys)


def follow(events: Tensor, keys: Keys) -> tuple[Known, Keys]:
    """(batch, length) events -> what was known before each of them, and what is after the last."""
    length = events.shape[1]
    ons, offs = events < OFF, (events >= OFF) & (events < SHIFT)
    shifts = (events >= SHIFT) & (events < VELOCITY)
    steps = keys.step[:, None] + torch.where(shifts, events - (SHIFT - 1), 0).cumsum(dim=1)  # after each event
    moments = (keys.so_far[:, None] + torch.arange(1, length + 1, device=events.device)) * STEPS + steps
    on, off = (_latest(events % PITCHES, moments * kind, first) for kind, first in ((ons, keys.on), (offs, keys.off)))
    began = on[:, :-1].gather(-1, (events % PITCHES)[..., None])[..., 0]
    velocities = _filled(torch.where(events >= VELOCITY, events - VELOCITY, -1), keys.velocity)
    onsets = _filled(torch.where(ons, steps, -1), keys.onset)
    strokes = _recent(events, ons, keys.strokes)
    loudness = _recent(velocities[:, :-1], ons, keys.loudness)
    beats = _recent(steps, ons & ((steps - onsets[:, :-1] > CHORD) | (strokes[:, :-1, -1] == NO_PITCH)), keys.beats)
    lasts = torch.cat([keys.last[:, None], events], dim=1)
    released = torch.cat([keys.released[:, None], torch.where(offs, began, 0)], dim=1)
    before = torch.cat([keys.step[:, None], steps[:, :-1]], dim=1)
    sounding = on[:, :-1] > off[:, :-1]
    known = Known(
        last=lasts[:, :-1],
        velocity=velocities[:, :-1],
        silence=before - onsets[:, :-1],
        strokes=strokes[:, :-1],
        loudness=loudness[:, :-1],
        since_beats=before[..., None] - beats[:, :-1],
        sounding=sounding,
        age=torch.where(on[:, :-1] > 0, before[..., None] - on[:, :-1] % STEPS, STEPS),
        began=on[:, :-1],
        released=released[:, :-1],
        allowed=_allowed(lasts[:, :-1], velocities[:, :-1], sounding, on[:, :-1] > released[:, :-1, None]),
    )
    parts = (lasts, velocities, released, onsets, strokes, loudness, beats, on, off)
    return known, Keys(steps[:, -1], keys.so_far + length, *(part[:, -1] for part in parts))


def _latest(pitches: Tensor, moments: Tensor, first: Tensor) -> Tensor:
    """(batch, length + 1, PITCHES): the latest moment of each key, before the first event and after each; 0 is none."""
    rows = torch.zeros((*pitches.shape, PITCHES), dtype=torch.int64, device=pitches.device)
    rows.scatter_(-1, pitches[..., None], moments[..., None])
    return torch.cat([first[:, None], rows], dim=1).cummax(dim=1).values


def _filled(values: Tensor, first: Tensor) -> Tensor:
    """(batch, length + 1): the last value that is not -1, before the first event and after each."""
    values = torch.cat([first[:, None], values], dim=1)
    places = torch.where(values >= 0, torch.arange(values.shape[1], device=values.device), 0).cummax(dim=1).values
    return values.gather(1, places)


def _recent(values: Tensor, chosen: Tensor, first: Tensor) -> Tensor:
    """(batch, length + 1, kept): the last of the chosen values, as many as `first` has, before the first event and after each."""
    kept = first.shape[1]
    count = chosen.long().cumsum(dim=1)
    rows = torch.cat([first, torch.zeros_like(values), values[:, :1]], dim=1)  # the last place takes what is not chosen
    rows.scatter_(1, torch.where(chosen, kept - 1 + count, rows.shape[1] - 1), values)
    places = torch.nn.functional.pad(count, (1, 0))[..., None] + torch.arange(kept, device=values.device)
    return rows.gather(1, places.flatten(1)).view(*places.shape)


def _allowed(last: Tensor, velocity: Tensor, sounding: Tensor, later: Tensor) -> Tensor:
    """What can come next. See the module."""
    after_velocity = (last >= VELOCITY) & (last < BEGIN)
    after_shift = (last >= SHIFT) & (last < SHIFT + LONGEST_SHIFT - 1)
    off = sounding & later & ~(after_velocity | (last < OFF))[..., None]
    shift = ~(after_velocity | after_shift)[..., None].expand(*last.shape, LONGEST_SHIFT)
    other = torch.arange(VELOCITIES, device=last.device) != velocity[..., None]
    velocities = other & (~sounding.all(dim=-1) & ~after_velocity)[..., None]
    on = ~sounding & (velocity < VELOCITIES)[..., None]
    return torch.cat([on, off, shift, velocities], dim=-1)

"""The pianist: which event comes next in a performance, one after another, so that the likelihood is exact.

Stacked LSTMs read the event before together with all that follows from the events so far (`melodia.performance.reading`): which
keys sound, how long ago each was struck and which can be let go now, the velocity in force, the silence since the last stroke;
and, where the last strokes have been heard before, what came next there (`melodia.performance.recall`). A head scores what may
come next by the same (`melodia.performance.head`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from melodia.lstm import LSTMConfig, StackedLSTM, State, restarted, selected
from melodia.performance.codec import OFF, PITCHES, SHIFT, VELOCITIES, Events
from melodia.performance.head import AGES, FINE, Head, between, bucket
from melodia.performance.reading import BEATS, BEFORE, BEGIN, Keys, Known, follow, silent
from melodia.performance.recall import FOLLOWERS, SURENESS, Heard, heard

SIDE_BY_SIDE = 32  # performances that are scored at once
WINDOW = 256  # events that are scored at once
LOWEST_KEY, NUM_KEYS = 21, 88  # whose ages the stack reads
MOST_TO_END = 10  # notes that are counted
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


def recalled_codes(recalled: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What is read of what is recalled, (..., FOLLOWERS) each: `RECALLED` says of how many codes."""
    sureness, velocity, wait, key, *_ = recalled.unbind(-1)
    return sureness, velocity, bucket(wait.contiguous(), FINE), key


def collated(windows: Sequence[Heard], fresh: Sequence[bool]) -> Batch:
    """Windows of performances as a batch."""
    lengths = np.array([len(window.events) for window in windows], np.int64)
    events = np.zeros((len(windows), int(lengths.max())), np.int64)
    recalled = np.zeros((*events.shape, *windows[0].recalled.shape[1:]), np.int64)
    for row, (window, before) in enumerate(windows):
        events[row, : len(window)], recalled[row, : len(window)] = window, before
    return Batch(torch.from_numpy(events), torch.from_numpy(recalled), torch.from_numpy(lengths), torch.tensor(fresh))

"""The model of frames: which pitches sound together in the next one, by two stacks of LSTMs whose weights all pitches share.

A biaxial LSTM (Johnson 2017, *Generating Polyphonic Music Using Tied Parallel Networks*): for each pitch a stack reads, frame
by frame, what sounded around it; another one goes from the lowest pitch to the highest within a frame, and reads what the first
gave and which pitches below sound. So the probability of a frame is exact: a product over pitches, each given those below it.
We add what `melodia.polyphony.reading` says, and dropout is the same over a sequence (`melodia.variational`).

Pitches from `lowest_pitch` to `highest_pitch` are modelled. Those outside, which the training corpus lacks, sound with the
probability `OUTSIDE` each, so that every frame of 88 keys has one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.lstm import State, selected
from melodia.polyphony.prepare import FIRST_PITCH, KEYS, Frames
from melodia.polyphony.reading import HISTORY, Reader
from melodia.variational import Stack

OUTSIDE = 1e-5
RARE = -3.0  # logit of a pitch before anything is learnt
SIDE_BY_SIDE = 16  # pieces that are scored at once
WINDOW = 128  # frames that are scored at once


@dataclass(frozen=True, slots=True, kw_only=True)
class PolyphonyConfig:
    """Sizes of both stacks. `window`: semitones either side of a pitch that its stack sees.

    `independent`: the pitches of a frame are so of each other, given the past, as those of published models with a sigmoid each.
    """

    lowest_pitch: int = FIRST_PITCH
    highest_pitch: int = FIRST_PITCH + KEYS - 1
    time_size: int = 128
    num_time_layers: int = 2
    pitch_size: int = 64
    num_pitch_layers: int = 2
    dropout: float = 0.3
    window: int = 12
    independent: bool = False

    def __post_init__(self) -> None:
        check_range("lowest_pitch", self.lowest_pitch, FIRST_PITCH, FIRST_PITCH + KEYS - 1)
        check_range("highest_pitch", self.highest_pitch, FIRST_PITCH, FIRST_PITCH + KEYS - 1)
        if self.highest_pitch < self.lowest_pitch:
            raise ConfigError(f"highest_pitch: {self.highest_pitch} must not be below lowest_pitch, {self.lowest_pitch}")
        check_range("time_size", self.time_size, 1, 16_384)
        check_range("num_time_layers", self.num_time_layers, 1, 64)
        check_range("pitch_size", self.pitch_size, 1, 16_384)
        check_range("num_pitch_layers", self.num_pitch_layers, 1, 64)
        check_range("dropout", self.dropout, 0, 0.9)
        check_range("window", self.window, 1, KEYS)

    @property
    def num_pitches(self) -> int:
        """How many are modelled."""
        return self.highest_pitch - self.lowest_pitch + 1


class Batch(NamedTuple):
    """Stretches of pieces: (batch, HISTORY + length, 88), the first `HISTORY` are only read; so many are scored of each.

    `firsts` is where in its piece the first scored frame is, from 1 on; before a piece's first frame is silence.
    """

    frames: Tensor
    lengths: Tensor
    firsts: Tensor


class PolyphonyModel(nn.Module):
    """See the module."""

    def __init__(self, config: PolyphonyConfig) -> None:
        super().__init__()
        self.config = config
        self.first, self.last = config.lowest_pitch - FIRST_PITCH, config.highest_pitch - FIRST_PITCH + 1  # keys
        self.reader = Reader(self.first, self.last, config.window)
        self.time = Stack(self.reader.past_size, config.time_size, config.num_time_layers, config.dropout)
        width = config.time_size + self.reader.below_size
        self.pitch = Stack(width, config.pitch_size, config.num_pitch_layers, config.dropout)
        self.head = nn.Linear(config.pitch_size, 1)
        nn.init.constant_(self.head.bias, RARE)

    def forward(self, batch: Batch, state: State | None = None) -> tuple[Tensor, Tensor, State]:
        """Nats of each scored frame (frames,), those of the first stretch first; which stretch each is of; the state after them."""
        frames = batch.frames.float()
        length, count = frames.shape[1] - HISTORY, self.config.num_pitches
        positions = batch.firsts[:, None] + torch.arange(length, device=frames.device)
        with torch.autocast(frames.device.type, enabled=False):
            read = self.reader.past(frames, positions)  # (batch, length, pitches, features)
        read, state = self.time(read.transpose(1, 2).flatten(0, 1), state)
        scored = torch.arange(length, device=frames.device) < batch.lengths[:, None]
        known = read.unflatten(0, (len(frames), count)).transpose(1, 2)[scored]
        targets = frames[:, HISTORY:][scored]  # (frames, 88)
        below = self.reader.below(torch.zeros_like(targets) if self.config.independent else targets)
        y, _ = self.pitch(torch.cat([known, below.to(known.dtype)], dim=-1))
        logits = self.head(y)[..., 0].float()
        inside = targets[:, self.first : self.last]
        nats = binary_cross_entropy_with_logits(logits, inside, reduction="none").sum(dim=1)
        strange = targets.sum(dim=1) - inside.sum(dim=1)
        nats = nats - strange * math.log(OUTSIDE) - (KEYS - count - strange) * math.log1p(-OUTSIDE)
        return nats, scored.nonzero()[:, 0], state

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `melodia.training.Task`: nats and frames."""
        nats, _, _ = self(batch)
        return nats.sum(), batch.lengths.sum(), ()

    @torch.no_grad()
    def nats(self, pieces: Sequence[Frames]) -> list[float]:
        """The nats of each piece, all its frames but the first, from its first to its last in one go; exact."""
        found = np.zeros(len(pieces))
        order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i]))
        for start in range(0, len(order), SIDE_BY_SIDE):
            group = order[start : start + SIDE_BY_SIDE]
            state: State | None = None
            for first in range(1, len(pieces[group[0]]), WINDOW):
                alive = [i for i in group if len(pieces[i]) > first]  # the longest are the first of them
                state = selected(state, slice(len(alive) * self.config.num_pitches)) if state else None
                batch = collated([stretch(pieces[i], first, WINDOW) for i in alive], [first] * len(alive))
                device = self.head.weight.device
                with torch.autocast(device.type, enabled=False):
                    nats, owners, state = self(Batch(*(t.to(device) for t in batch)), state)
                sums = torch.zeros(len(alive), dtype=torch.float64).index_add_(0, owners.cpu(), nats.double().cpu())
                found[alive] += sums.numpy()
        return [float(nats) for nats in found]


def stretch(piece: Frames, first: int, count: int) -> Frames:
    """Up to `count` frames of a piece from one on, with the `HISTORY` before them, silence before its beginning."""
    found = piece[max(first - HISTORY, 0) : first + count]
    return np.concatenate([np.zeros((max(HISTORY - first, 0), KEYS), np.uint8), found])


def collated(stretches: Sequence[Frames], firsts: Sequence[int]) -> Batch:
    """Stretches as a batch, silence past their ends."""
    lengths = np.array([len(s) - HISTORY for s in stretches], np.int64)
    frames = np.zeros((len(stretches), HISTORY + lengths.max(), KEYS), np.uint8)
    for row, found in zip(frames, stretches, strict=True):
        row[: len(found)] = found
    return Batch(torch.from_numpy(frames), torch.from_numpy(lengths), torch.tensor(firsts))

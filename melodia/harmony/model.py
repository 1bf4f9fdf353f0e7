"""The choir: which pitch each of four voices sings in the next 16th, one voice after another, so that the likelihood is exact.

A stack of LSTMs reads whole steps, one after another; a second, smaller one goes over the voices within a step, soprano to bass,
and reads what the first gave and what the voices before sang. Its head scores each pitch by several sums: of the pitch itself;
of the interval from what the voice sang before, from each other voice, and from home, the first bass note, within an octave, all
of which stay the same when music is transposed; and of what a voice can point at: the note it holds, and the echoes
(`melodia.harmony.echoes`). Dropout is the same over a sequence (`melodia.variational`).

A harmonizer (`ahead_size`) is a choir that knows some voices from the outset: one more stack reads these from the end to the
beginning, so each of the others hears what they sing now and what they will sing, and home is their tonic
(`melodia.harmony.tonic`). The likelihood of the other voices, given these, is exact too, and one pass draws from it: what
DeepBach (Hadjeres et al. 2017), which also reads the future of voices that are not given, comes near by resampling.

The sums over intervals come near the relative attention of the Music Transformer (Huang et al. 2018), whose benchmark this is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from melodia.config import check_range
from melodia.errors import ConfigError, CorpusError
from melodia.harmony.ahead import Ahead
from melodia.harmony.echoes import KINDS, echoes
from melodia.harmony.head import Head
from melodia.harmony.prepare import NUM_VOICES, REST, Voices
from melodia.harmony.reading import Codes, Facts, Outset, facts, past, past_sizes, within, within_sizes
from melodia.harmony.tonic import NO_TONIC, tonic_of
from melodia.lstm import State, selected
from melodia.variational import Stack

SIDE_BY_SIDE = 16  # pieces that are scored at once
WINDOW = 256  # steps that are scored at once
UNGIVEN = (False,) * NUM_VOICES
GIVEN = (True, False, False, False)  # what a harmonizer is measured on: the soprano


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoirConfig:
    """Sizes of the stacks. `code_size`: width of what each code is looked up as. Pitches from lowest to highest are modelled.

    `ahead_size`: of the stack that reads the given voices backwards; 0: there is none, so no voices can be given.
    """

    lowest_pitch: int = 33
    highest_pitch: int = 84
    time_size: int = 256
    num_time_layers: int = 2
    voice_size: int = 128
    num_voice_layers: int = 2
    dropout: float = 0.4
    code_size: int = 12
    ahead_size: int = 0
    num_ahead_layers: int = 1

    def __post_init__(self) -> None:
        check_range("lowest_pitch", self.lowest_pitch, 0, 127)
        check_range("highest_pitch", self.highest_pitch, 0, 127)
        if self.highest_pitch < self.lowest_pitch:
            raise ConfigError(f"highest_pitch: {self.highest_pitch} must not be below lowest_pitch, {self.lowest_pitch}")
        check_range("time_size", self.time_size, 1, 16_384)
        check_range("num_time_layers", self.num_time_layers, 1, 64)
        check_range("voice_size", self.voice_size, 1, 16_384)
        check_range("num_voice_layers", self.num_voice_layers, 1, 64)
        check_range("dropout", self.dropout, 0, 0.9)
        check_range("code_size", self.code_size, 1, 1024)
        check_range("ahead_size", self.ahead_size, 0, 16_384)
        check_range("num_ahead_layers", self.num_ahead_layers, 1, 64)

    @property
    def num_pitches(self) -> int:
        """How many are modelled; the token after them is a rest."""
        return self.highest_pitch - self.lowest_pitch + 1


class Batch(NamedTuple):
    """Whole pieces: (batch, steps, 4) pitches or rests, with rests past their ends, their echoes, (batch, steps, 4, KINDS).

    `given`, (batch, 4): whether a voice is known from the outset; `tonic`, (batch,): the pitch class of theirs, or `NO_TONIC`.
    `meant`: what is to be sung where other notes are heard, else the same as `voices`.
    """

    voices: Tensor
    meant: Tensor
    echoes: Tensor
    likeness: Tensor
    lengths: Tensor
    given: Tensor
    tonic: Tensor


class Choir(nn.Module):
    """See the module."""

    def __init__(self, config: ChoirConfig) -> None:
        super().__init__()
        self.config = config
        count, dropout = config.num_pitches, config.dropout
        self.past = Codes(past_sizes(count), config.code_size)
        self.time = Stack(self.past.output_size, config.time_size, config.num_time_layers, dropout)
        self.ahead = Ahead(config) if config.ahead_size else None
        self.within = Codes(within_sizes(count), config.code_size)
        inner = config.time_size + config.ahead_size + self.within.output_size
        self.voice = Stack(inner, config.voice_size, config.num_voice_layers, dropout)
        self.short = nn.Linear(inner, config.voice_size)  # past the stack
        self.head = Head(config.voice_size, count)

    def read(self, batch: Batch) -> Facts:
        """What is known of pieces."""
        echoes, likeness = self.tokens(batch.echoes), batch.likeness.long()
        return facts(self.tokens(batch.voices), echoes, likeness, self.outset(batch.given, batch.tonic), self.config.num_pitches)

    def outset(self, given: Tensor, tonic: Tensor) -> Outset:
        """Of pitch classes the tokens."""
        return Outset(given, torch.where(tonic == NO_TONIC, NO_TONIC, (tonic - self.config.lowest_pitch).remainder(12)))

    def tokens(self, pitches: Tensor) -> Tensor:
        """Pitches counted from the lowest; a rest comes after the highest."""
        return torch.where(pitches == REST, self.config.num_pitches, pitches.long() - self.config.lowest_pitch)

    def look(self, known: Facts, lengths: Tensor) -> Tensor:
        """What is seen ahead in whole pieces: (batch, steps, ahead_size), of width 0 without a stack for it."""
        if self.ahead is None:
            return known.tokens.new_zeros((*known.tokens.shape[:2], 0), dtype=torch.float32)
        seen: Tensor = self.ahead(known, lengths)
        return seen

    def forward(self, known: Facts, seen: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Facts of some steps, and what is seen ahead -> (batch, steps, 4, tokens) log-probabilities, and the state after them."""
        read, state = self.listen(known, seen, state)
        return self.voiced(known, read), state

    def listen(self, known: Facts, seen: Tensor, state: State | None) -> tuple[Tensor, State]:
        """What all voices of some steps hear, (batch, steps, time_size + ahead_size), and the state after them."""
        read, state = self.time(self.past(past(known, self.config.num_pitches)), state)
        return torch.cat([read, seen.to(read.dtype)], dim=-1), state

    def voiced(self, known: Facts, read: Tensor) -> Tensor:
        """What all voices of some steps hear -> (batch, steps, 4, tokens) log-probabilities."""
        inner = self.within(within(known, self.config.num_pitches))
        inner = torch.cat([read[:, :, None].expand(-1, -1, NUM_VOICES, -1), inner.to(read.dtype)], dim=-1)
        y = self.voice(inner.flatten(0, 1))[0].unflatten(0, read.shape[:2]) + self.short(inner)
        log_probs: Tensor = self.head(y, known).log_softmax(dim=-1)
        return log_probs

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `melodia.training.Task`: nats and tokens of the voices that are not given."""
        known = self.read(batch)
        inside = torch.arange(known.tokens.shape[1], device=batch.lengths.device) < batch.lengths[:, None]
        scored = inside[..., None] & ~batch.given[:, None]
        meant = self.tokens(batch.meant)[..., None]
        nats = -self(known, self.look(known, batch.lengths))[0].gather(-1, meant)[..., 0]
        return nats[scored].sum(), scored.sum(), ()

    @torch.no_grad()
    def nats(self, pieces: Sequence[Voices], given: Sequence[bool] = UNGIVEN) -> list[float]:
        """The nats of each piece, all tokens of the voices that are not given, from its first to its last in one go; exact.

        Raises:
            CorpusError: a pitch is none of those that are modelled.
        """
        for piece in pieces:
            check_pitches(piece, self.config)
        found = np.zeros(len(pieces))
        order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i]))
        device = self.head.pitch.weight.device
        for start in range(0, len(order), SIDE_BY_SIDE):
            group = order[start : start + SIDE_BY_SIDE]
            batch = collated([(pieces[i], *echoes(pieces[i])) for i in group], [given] * len(group))
            batch = Batch(*(t.to(device) for t in batch))
            whole = self.read(batch)
            state: State | None = None
            with torch.autocast(device.type, enabled=False):
                seen = self.look(whole, batch.lengths)
            for first in range(0, len(pieces[group[0]]), WINDOW):
                alive = [i for i in group if len(pieces[i]) > first]  # the longest are the first of them
                state = selected(state, slice(len(alive))) if state else None
                window = slice(len(alive)), slice(first, first + WINDOW)
                known = Facts(*(t[window] for t in whole))
                with torch.autocast(device.type, enabled=False):
                    log_probs, state = self(known, seen[window], state)
                nats = -log_probs.gather(-1, known.tokens[..., None])[..., 0]
                nats = nats.masked_fill(batch.given[: len(alive), None], 0).sum(dim=2).double().cpu()
                found[alive] += [float(nats[row, : len(pieces[i]) - first].sum()) for row, i in enumerate(alive)]
        return [float(nats) for nats in found]


def check_pitches(piece: Voices, config: ChoirConfig) -> None:
    """Refuses what has no probability.

    Raises:
        CorpusError: a pitch is none of those that are modelled.
    """
    sung = piece[piece != REST]
    if len(sung) and (sung.min() < config.lowest_pitch or sung.max() > config.highest_pitch):
        raise CorpusError(
            f"pitches from {sung.min()} to {sung.max()} in a piece; the model knows those from {config.lowest_pitch} to "
            f"{config.highest_pitch}"
        )


def collated(
    pieces: Sequence[tuple[Voices, Voices, Voices]],
    given: Sequence[Sequence[bool]] | None = None,
    meant: Sequence[Voices] | None = None,
) -> Batch:
    """Pieces with their echoes as a batch, rests past their ends; no voices are given unless it is said which, of each piece."""
    lengths = np.array([len(voices) for voices, _, _ in pieces], np.int64)
    shape = (len(pieces), int(lengths.max()), NUM_VOICES)
    targets = np.full(shape, REST, np.uint8)
    rows = targets.copy(), np.full((*shape, KINDS), REST, np.uint8), np.zeros((*shape, KINDS), np.uint8)
    for i, piece in enumerate(pieces):
        targets[i, : lengths[i]] = meant[i] if meant else piece[0]
        for row, part in zip(rows, piece, strict=True):
            row[i, : len(part)] = part
    voices, said, likeness = map(torch.from_numpy, rows)
    given = given or [UNGIVEN] * len(pieces)
    tonic = torch.tensor([tonic_of(piece, known) for (piece, _, _), known in zip(pieces, given, strict=True)])
    known = torch.tensor(given, dtype=torch.bool)
    return Batch(voices, torch.from_numpy(targets), said, likeness, torch.from_numpy(lengths), known, tonic)

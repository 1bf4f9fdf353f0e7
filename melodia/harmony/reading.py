"""What the stacks read, as codes: small whole numbers that are looked up in a table each.

Pitches are counted from the lowest one that is modelled; then come the rest, and nothing (before a piece begins, or not sung
yet). Intervals are semitones, cut off at a reach; then comes what is none, for want of a pitch. All that is told of a step is
of the steps before it, but for `within`, which tells a voice of those that sang before it in the same step, and for voices that
are given from the outset: `within` tells of them in the same step, `ahead` in all that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from melodia.harmony.echoes import KINDS, LIKENESS
from melodia.harmony.prepare import NUM_VOICES

WIDE, NARROW = 36, 12  # reach of intervals between voices, and of a voice's own
HELD = 17  # steps that a note is held, at most
SINCE = 64  # beats since the beginning, at most
UNTIL = 16  # beats to the end, at most
BARS = (16, 12)  # steps of a bar that may be


class Facts(NamedTuple):
    """What is known of each step of some pieces: (batch, steps, 4), but for `position`, (batch, steps, 3), and the echoes."""

    tokens: Tensor  # that are sung in this step
    previous: Tensor  # and in the one before
    motion: Tensor  # the interval that led to the one before
    held: Tensor  # how long it has been sung
    before: Tensor  # the interval from the note before it
    degree: Tensor  # above home, within an octave; 12 is none
    home: Tensor  # the tonic of the voices that are given, or else the first bass note
    position: Tensor
    echoes: Tensor  # (batch, steps, 4, KINDS)
    likeness: Tensor
    given: Tensor  # tokens of the voices that are given, in this step; nothing of those that are not


def interval(to: Tensor, start: Tensor, reach: int, num_pitches: int) -> Tensor:
    """From one pitch to another: 0 to 2 reach, `reach` is a prime; 2 reach + 1 if one of them is none."""
    none = (to >= num_pitches) | (start >= num_pitches)
    return (to - start).clamp(-reach, reach).add(reach).masked_fill(none, 2 * reach + 1)


class Outset(NamedTuple):
    """What is known of pieces from the outset: (batch, 4), which voices, and (batch,), a token of their tonic, or less than 0."""

    given: Tensor
    tonic: Tensor


def facts(tokens: Tensor, echoes: Tensor, likeness: Tensor, outset: Outset, num_pitches: int) -> Facts:
    """What is known of whole pieces: (batch, steps, 4) tokens."""
    nothing = num_pitches + 1
    steps = torch.arange(tokens.shape[1], device=tokens.device)
    shifted = _earlier(tokens, 1, nothing)
    onsets = torch.where(tokens != shifted, steps[:, None], 0).cummax(dim=1).values  # of the note that each step sings
    previous_note = shifted.gather(1, onsets)  # before it: what the step before its onset sang
    held = _earlier(steps[:, None] - onsets + 1, 1, 0).clamp(max=HELD)
    home = torch.full_like(tokens, nothing)
    home[:, 1:] = tokens[:, :1, -1:]
    tonic = outset.tonic[:, None, None]
    home = torch.where(tonic >= 0, tonic, home)
    degree = (shifted - home).remainder(12).masked_fill((shifted >= num_pitches) | (home >= num_pitches), 12)
    position = torch.stack([steps % BARS[0], steps % BARS[1], (steps // 4).clamp(max=SINCE - 1)], dim=-1)
    return Facts(
        tokens,
        shifted,
        interval(shifted, _earlier(tokens, 2, nothing), NARROW, num_pitches),
        held,
        interval(shifted, _earlier(previous_note, 1, nothing), NARROW, num_pitches),
        degree,
        home,
        position.expand(len(tokens), -1, -1),
        echoes,
        likeness,
        tokens.masked_fill(~outset.given[:, None], nothing),
    )


def _earlier(values: Tensor, steps: int, first: int) -> Tensor:
    """What was so many steps before, and a value where nothing was."""
    moved = torch.full_like(values, first)
    moved[:, steps:] = values[:, :-steps]
    return moved


def _sizes(reach: int) -> int:
    return 2 * reach + 2


def past_sizes(num_pitches: int) -> list[int]:
    """Of the codes that `past` gives."""
    voice = [num_pitches + 2, _sizes(NARROW), HELD + 1, _sizes(NARROW), 13, _sizes(WIDE)]
    return voice * NUM_VOICES + [*BARS, SINCE]


def past(known: Facts, num_pitches: int) -> Tensor:
    """What the stack over time reads for each step: (batch, steps, codes)."""
    below = interval(known.previous, known.previous.roll(-1, dims=2), WIDE, num_pitches)
    of_voices = [known.previous, known.motion, known.held, known.before, known.degree, below]
    return torch.cat([torch.stack(of_voices, dim=-1).flatten(2), known.position], dim=-1)


def within_sizes(num_pitches: int) -> list[int]:
    """Of the codes that `within` gives."""
    own = [NUM_VOICES, num_pitches + 2, _sizes(NARROW), HELD + 1, _sizes(NARROW), 13, num_pitches + 2]
    others = [_sizes(WIDE)] * NUM_VOICES + [_sizes(NARROW)] * NUM_VOICES
    return [*own, *others, *[_sizes(NARROW), LIKENESS] * KINDS, 3, BARS[0]]


def sung(known: Facts, num_pitches: int) -> Tensor:
    """Which voices each knows in this step: (..., 4, 4), those before it and those that are given."""
    first = torch.ones(NUM_VOICES, NUM_VOICES, dtype=torch.bool, device=known.tokens.device).tril(-1)
    return first | (known.given <= num_pitches)[..., None, :]


def heard(known: Facts, num_pitches: int) -> Tensor:
    """What each voice last heard of each: (..., 4, 4), of those it knows in this step, of itself and the others in the last."""
    return torch.where(sung(known, num_pitches), known.tokens[..., None, :], known.previous[..., None, :])


def within(known: Facts, num_pitches: int) -> Tensor:
    """What the stack over voices reads for each voice: (batch, steps, 4, codes)."""
    tokens, previous = known.tokens, known.previous
    voices = torch.arange(NUM_VOICES, device=tokens.device).expand_as(tokens)
    others = sung(known, num_pitches)
    last = torch.cat([torch.full_like(tokens[..., :1], num_pitches + 1), tokens[..., :-1]], dim=-1)
    between = interval(heard(known, num_pitches), previous[..., None], WIDE, num_pitches)
    moved = interval(tokens, previous, NARROW, num_pitches)[..., None, :].expand_as(others)
    moved = moved.masked_fill(~others, _sizes(NARROW) - 1)
    agrees = (known.echoes[..., 0] == tokens)[..., None, :]
    agreed = torch.where((agrees | ~others).all(dim=-1), 1, 2).masked_fill(~others.any(dim=-1), 0)
    codes = [voices, previous, known.motion, known.held, known.before, known.degree, last]
    codes += list(between.unbind(-1)) + list(moved.unbind(-1))
    for kind in range(KINDS):
        codes += [interval(known.echoes[..., kind], previous, NARROW, num_pitches), known.likeness[..., kind]]
    codes += [agreed, known.position[..., :1].expand_as(tokens)]
    return torch.stack(codes, dim=-1)


def ahead_sizes(num_pitches: int) -> list[int]:
    """Of the codes that `ahead` gives."""
    return [num_pitches + 2, _sizes(NARROW), HELD + 1, 13, _sizes(WIDE)] * NUM_VOICES + [*BARS, UNTIL]


def ahead(known: Facts, lengths: Tensor, num_pitches: int) -> Tensor:
    """What the stack that looks ahead reads for each step of whole pieces: (batch, steps, codes), of the given voices alone.

    Of each its pitch, the interval to the next step, how long it will be sung, its degree above home, and the interval from the
    given voice below it.
    """
    given, steps, nothing = known.given, known.given.shape[1], num_pitches + 1
    index = torch.arange(steps, device=given.device)
    inside = (index < lengths[:, None])[..., None]
    given = given.masked_fill(~inside, nothing)
    following = torch.full_like(given, nothing)
    following[:, :-1] = given[:, 1:]
    ends = torch.where(given != following, index[:, None], steps).flip(1).cummin(dim=1).values.flip(1)
    left = (ends - index[:, None] + 1).clamp(max=HELD).masked_fill(given == nothing, 0)
    degree = (given - known.home).remainder(12).masked_fill((given >= num_pitches) | (known.home >= num_pitches), 12)
    below, under = [], torch.full_like(given[..., 0], nothing)
    for voice in reversed(range(NUM_VOICES)):
        below.append(interval(given[..., voice], under, WIDE, num_pitches))
        under = torch.where(given[..., voice] < num_pitches, given[..., voice], under)
    of_voices = [given, interval(following, given, NARROW, num_pitches), left, degree, torch.stack(below[::-1], dim=-1)]
    until = ((lengths[:, None] - 1 - index) // 4).clamp(0, UNTIL - 1)[..., None]
    return torch.cat([torch.stack(of_voices, dim=-1).flatten(2), known.position[..., : len(BARS)], until], dim=-1)


class Codes(nn.Module):
    """A table for each code, all in one; what is found is put one after another."""

    offsets: Tensor

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(sum(sizes), width)
        nn.init.normal_(self.table.weight, std=1.0)
        self.register_buffer("offsets", torch.tensor([0, *sizes[:-1]]).cumsum(0), persistent=False)
        self.output_size = len(sizes) * width

    def forward(self, codes: Tensor) -> Tensor:
        """(..., codes) -> (..., output_size)."""
        found: Tensor = self.table(codes + self.offsets).flatten(-2)
        return found

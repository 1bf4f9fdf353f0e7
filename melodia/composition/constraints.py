"""What a take must be, as masks on the composer's probabilities: True is allowed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from melodia.composition.codec import (
    BAR_STEPS,
    BEATS,
    KIND,
    KIND_BAR,
    KIND_CHORD,
    KIND_END,
    KIND_NOTE,
    MAX_PARTS,
    METER,
    NUM_KINDS,
    PART,
    PITCH,
    POSITION,
    PROGRAM,
    SIZES,
    STEPS,
)
from melodia.instruments import DRUMS

MAX_EVENTS_A_BAR = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """None leaves a choice to the model. Rows are events as lists, `last` the one before."""

    bars: int
    programs: tuple[int, ...]  # of the parts
    playing: tuple[int, ...]  # parts that may play
    meter: int | None = None  # index
    tempo: int | None = None  # index
    pitch_classes: frozenset[int] | None = None  # for all but drums

    def kinds(self, last: list[int], bars: int, events_in_bar: int) -> Tensor:
        """(NUM_KINDS,): which kinds may come after so many bars, and so many events in this one."""
        allowed = torch.zeros(NUM_KINDS, dtype=torch.bool)
        allowed[KIND_BAR] = allowed[KIND_END] = True
        if bars == 0:  # a take begins with a bar line, or the primer has come to its end
            return allowed
        if events_in_bar < MAX_EVENTS_A_BAR:
            allowed[KIND_NOTE] = bool(self.playing) and bool(last[POSITION] + 1 < BAR_STEPS[last[METER]])
            allowed[KIND_CHORD] = last[KIND] != KIND_BAR and bool(self.chord_parts(last).any())
        return allowed

    def of_bar(self, column: int, last: list[int]) -> Tensor:
        """Meter or tempo: as told, else as in the bar before, else free."""
        told = self.meter if column == METER else self.tempo
        value = last[column] if told is None else told
        if value < 0:
            return torch.ones(SIZES[column], dtype=torch.bool)
        return torch.arange(SIZES[column]) == value

    def of_note(self, column: int, event: Tensor, last: list[int]) -> Tensor:
        """(classes,): an attribute of a note, given those already chosen."""
        if column == PART:
            return self.chord_parts(last) if event[KIND] == KIND_CHORD else self.parts()
        if column == PITCH:
            return self.pitches(int(event[PROGRAM]))
        allowed = torch.ones(SIZES[column], dtype=torch.bool)
        if column == STEPS and event[BEATS] == 0:
            allowed[0] = False  # no note of no length
        return allowed

    def parts(self) -> Tensor:
        """(MAX_PARTS,): the parts that may play."""
        return torch.tensor([slot in self.playing for slot in range(MAX_PARTS)])

    def chord_parts(self, last: list[int]) -> Tensor:
        """(MAX_PARTS,): the parts that can add a note to the chord at hand."""
        slots = self.parts() & (torch.arange(MAX_PARTS) >= last[PART])
        if slots[last[PART]]:
            slots[last[PART]] = bool(self.pitches(last[PROGRAM])[last[PITCH] + 1 :].any())
        return slots

    def pitches(self, program: int) -> Tensor:
        """(256,): the pitches of the key, for drums all drums."""
        pitches = torch.arange(256)
        if program == DRUMS:
            return pitches >= 128
        if self.pitch_classes is None:
            return pitches < 128
        return torch.tensor([p % 12 in self.pitch_classes for p in range(128)] + [False] * 128)

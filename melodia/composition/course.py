"""One take as it grows, and what may come next in it: masks over the codec's attributes, True is allowed.

No mask is ever empty. Of every event it is asked beforehand whether what must still come has room
after it, by a witness that is easy to count: one note of one step at each place of the bar (a step
after the note at hand) where a part can play and nothing is given. A bar that needs n notes more
needs n such places; one that has been heard too often needs a place with more notes to choose from
than would end it as another such bar. What leaves too few of them is masked: a place too late, a
note that would complete a bar too early, a duration that would take the voices that are needed.
"""

from __future__ import annotations

import numpy as np

from melodia.composition.codec import (
    BAR_STEPS,
    BEATS,
    KIND,
    KIND_BAR,
    KIND_CHORD,
    KIND_END,
    KIND_NOTE,
    KIND_PART,
    MAX_PARTS,
    METER,
    NUM_KINDS,
    PART,
    PITCH,
    POSITION,
    SIZES,
    STEPS,
    STEPS_PER_QUARTER,
    VELOCITY,
    VELOCITY_BIN,
)
from melodia.composition.repeats import Node, Repeats
from melodia.composition.rules import LONGEST, Mask, Rules

LOUDNESS = np.arange(SIZES[VELOCITY]) * VELOCITY_BIN + VELOCITY_BIN // 2
ROUNDING = 1e-6


class Course:
    """See the module. `bar` counts the bars begun; rows are events as lists, `last` the one before."""

    def __init__(self, rules: Rules, last: list[int]) -> None:
        self.rules, self.last = rules, last
        self.bar = self.notes = self.steps = 0
        self.taken = rules.sounding.copy()  # (parts + 1, steps from the bar line)
        self.given: list[list[int]] = []  # notes of the bar that must still come
        self.given_places: Mask = np.zeros(0, dtype=bool)
        self.chord: list[tuple[int, int]] = []  # (part, pitch) of the onset at hand
        repetition = rules.constraints.steering.repetition
        self.repeats = Repeats(repetition, rules.fewest) if repetition else None

    def copy(self) -> Course:
        """The same, at a bar line."""
        other = Course(self.rules, self.last)
        other.bar, other.notes, other.steps, other.taken = self.bar, self.notes, self.steps, self.taken.copy()
        other.given, other.given_places = list(self.given), self.given_places
        other.repeats = self.repeats and self.repeats.copy()
        other._look_for_places()
        other._look_for_dead_ends()
        return other

    def accept(self, row: list[int]) -> None:
        """An event is chosen."""
        if row[KIND] == KIND_BAR:
            self._begin_bar(row)
        elif self.given and row[PART : PITCH + 1] == self.given[0][PART : PITCH + 1] and row[POSITION] == self.given[0][POSITION]:
            self.given = self.given[1:]
        else:
            self.notes += 1
            offset = row[POSITION] + row[BEATS] * STEPS_PER_QUARTER + row[STEPS]
            self.taken[row[PART], row[POSITION] : offset] += 1
            if self.repeats:
                self.repeats.add((row[POSITION], row[PART], row[PITCH]))
        self.chord = [*(self.chord if row[KIND] == KIND_CHORD else ()), (row[PART], row[PITCH])]
        self.last = row
        if row[KIND] == KIND_BAR or self.rules.counted:  # else no note takes a place from another
            self._look_for_places()
        self._look_for_dead_ends()

    def _begin_bar(self, row: list[int]) -> None:
        if self.repeats:
            self.repeats.end_bar()
        if self.rules.counted and self.steps:
            self.taken[:, : -self.steps] = self.taken[:, self.steps :]
            self.taken[:, -self.steps :] = 0
        rules = self.rules
        self.bar, self.notes, self.steps = self.bar + 1, 0, int(BAR_STEPS[row[METER]])
        given = rules.constraints.given
        self.given = given[self.bar - 1][1:].tolist() if given else []
        self.given_places = rules.given_places(self.bar - 1, self.steps)

    def _look_for_places(self) -> None:
        """Where a note can begin, and how many free places are left after each step."""
        begin = self._start()
        self.able = self.rules.able(self.bar - 1, slice(begin, begin + self.steps), self.taken[:, : self.steps])
        self.open = self.able.any(axis=0)
        free = self.open & ~self.given_places
        self.left = free.sum() - np.cumsum(free)  # after each step

    def _look_for_dead_ends(self) -> None:
        """Which notes are bad: of a place and part the pitches that lead nowhere."""
        node = self.repeats.node if self.repeats else None
        self.bad: dict[tuple[int, int], set[int]] = {}
        for (position, part, pitch), child in node.children.items() if node else ():
            if not self._has_room(position, self.notes + 1, child):
                self.bad.setdefault((position, part), set()).add(pitch)

    def _start(self) -> int:
        """Steps from the take's beginning to this bar, where they are told."""
        return int(self.rules.starts[self.bar - 1]) if self.rules.bar_steps else 0

    def _needed(self, notes: int, node: Node | None) -> int:
        """Free places that a bar of so many notes needs to be completed."""
        repeats, fewest = self.repeats, self.rules.fewest if self.bar <= self.rules.free_bars else 0
        if notes >= fewest and not (repeats and repeats.full(node)):
            return 0
        width = repeats.widest(node, notes) if repeats else 0
        return max(fewest - 1 - notes, 0) + width // self.rules.choice + 1

    def _has_room(self, position: int, notes: int, node: Node | None) -> bool:
        """Whether what must come finds room after a note at a place."""
        needed = self._needed(notes, node)
        return needed == 0 or (needed <= self.left[position] and notes < self.rules.most_notes)

    def _unmet(self) -> int:
        return self._needed(self.notes, self.repeats.node if self.repeats else None)

    def kinds(self) -> Mask:
        """(NUM_KINDS,)."""
        allowed = np.zeros(NUM_KINDS, dtype=bool)
        constraints = self.rules.constraints
        over = self.bar == 0 or (not self.given and self._unmet() == 0)
        allowed[KIND_BAR] = over
        begun = self.last[KIND] != KIND_PART  # no piece ends before it has begun
        allowed[KIND_END] = over and begun and (not constraints.given or self.bar == constraints.bars)
        if self.bar:
            allowed[KIND_NOTE] = self.positions().any()
            allowed[KIND_CHORD] = self.last[KIND] != KIND_BAR and self.parts(self.last[POSITION], chord=True).any()
        return allowed

    def line(self, column: int) -> Mask:
        """Meter or tempo of the next bar: as told, else as in the bar before, else free."""
        told = self.rules.line(column, self.bar)
        value = self.last[column] if told is None else told
        if value >= 0:
            allowed: Mask = np.arange(SIZES[column]) == value
            return allowed
        if column == METER:
            return np.asarray(self.rules.places_needed(self.rules.free_bars) <= BAR_STEPS)
        return np.ones(SIZES[column], dtype=bool)

    def positions(self) -> Mask:
        """(MAX_POSITION,): places of the next note, if it is no chord's."""
        allowed = np.zeros(SIZES[POSITION], dtype=bool)
        here = self.last[POSITION] + 1
        if self.notes < self.rules.most_notes:
            enough = self.left >= max(self.rules.fewest - self.notes - 1, 0)
            allowed[here : self.steps] = (self.open & enough)[here:]
        for position in {position for position, _ in self.bad}:
            allowed[position] &= bool(self._free_parts(position, chord=False).any())
        if self.given:
            position = self.given[0][POSITION]
            allowed[position + 1 :] = False
            allowed[position] = position >= here and self.parts(position, chord=False).any()
        return allowed

    def parts(self, position: int, chord: bool) -> Mask:
        """(MAX_PARTS,): who may play the next note."""
        allowed = self._free_parts(position, chord)
        if self.given and self.given[0][POSITION] == position:
            part = self.given[0][PART]
            allowed[part:] = False
            allowed[part] = chord or self.left[position] >= self._unmet()
        return allowed

    def _free_parts(self, position: int, chord: bool) -> Mask:
        """(MAX_PARTS,): whose next note is the model's to choose."""
        allowed = np.zeros(MAX_PARTS, dtype=bool)
        if self.notes >= self.rules.most_notes:
            return allowed
        able = self.able[:, position]
        allowed[: len(able)] = able
        unsure = self.rules.vacant is not None or bool(self.rules.constraints.channels)
        if chord:
            allowed[: self.last[PART]] = False
        if unsure or self.bad:
            doubtful = [part for part in np.flatnonzero(allowed).tolist() if unsure or (position, part) in self.bad]
        else:
            doubtful = []
        if chord and allowed[self.last[PART]]:
            doubtful.append(self.last[PART])
        for part in doubtful:
            allowed[part] = self._free_pitches(position, part, chord).any()
        return allowed

    def of_note(self, column: int, event: list[int]) -> Mask:
        """(classes,): an attribute of a note, given those already chosen."""
        position, part, pitch, chord = event[POSITION], event[PART], event[PITCH], event[KIND] == KIND_CHORD
        if column == PART:
            return self.parts(position, chord)
        if column == PITCH:
            return self.pitches(position, part, chord)
        if column == VELOCITY:
            return self.velocities(position, part)
        return self.durations(position, part, pitch, event[BEATS] if column == STEPS else None)

    def pitches(self, position: int, part: int, chord: bool) -> Mask:
        """(256,): what a part may play."""
        if self._is_given(position, part):
            allowed: Mask = np.arange(256) == self.given[0][PITCH]
            return allowed
        return self._free_pitches(position, part, chord)

    def _is_given(self, position: int, part: int) -> bool:
        return bool(self.given) and [position, part] == [self.given[0][POSITION], self.given[0][PART]]

    def _free_pitches(self, position: int, part: int, chord: bool) -> Mask:
        allowed: Mask = self.rules.pitches[part].copy()
        if chord and part == self.last[PART]:
            allowed[: self.last[PITCH] + 1] = False
        closed = [*self.bad.get((position, part), ())]
        if self.rules.closed[part]:
            step = self._start() + position
            closed += [held.pitch for held in self.rules.closed[part] if held.onset <= step < held.offset]
        if closed:
            allowed[closed] = False
        if chord and self.rules.constraints.channels:
            allowed[self._struck(part)] = False
        return allowed

    def _struck(self, part: int) -> list[int]:
        """Pitches that others on the part's channel strike now."""
        channels = self.rules.constraints.channels
        return [pitch for other, pitch in self.chord if channels[other] == channels[part]]

    def velocities(self, position: int, part: int) -> Mask:
        """(classes,)."""
        if self._is_given(position, part):
            allowed: Mask = np.arange(SIZES[VELOCITY]) == self.given[0][VELOCITY]
            return allowed
        if not self.rules.constraints.steering.velocity:
            return np.ones(SIZES[VELOCITY], dtype=bool)
        softest, loudest = self.rules.velocities(self.bar - 1, position / self.steps)
        return np.asarray((softest - ROUNDING <= LOUDNESS) & (loudest + ROUNDING >= LOUDNESS))

    def durations(self, position: int, part: int, pitch: int, beats: int | None = None) -> Mask:
        """(classes,): whole beats, or when they are chosen the steps beyond them."""
        longest, shortest = self._lengths(position, part, pitch)
        if beats is None:
            whole = np.arange(SIZES[BEATS])
            return np.asarray((whole <= longest // STEPS_PER_QUARTER) & (whole >= shortest // STEPS_PER_QUARTER))
        steps = np.arange(SIZES[STEPS]) + beats * STEPS_PER_QUARTER
        return np.asarray((steps <= longest) & (steps >= shortest))

    def _lengths(self, position: int, part: int, pitch: int) -> tuple[int, int]:
        """The longest and the shortest that a note may be, in steps."""
        if self._is_given(position, part):
            told = self.given[0][BEATS] * STEPS_PER_QUARTER + self.given[0][STEPS]
            return told, told
        rules, longest, step = self.rules, LONGEST, self._start() + position
        silent = rules.rest_of(part, self.bar - 1)
        if silent is not None:
            end = self.steps - position
            for bar in range(self.bar, silent):
                end += rules.steps_of(bar, self.steps)
            longest = min(longest, end)
        longest = min([longest, *(held.onset - step for held in rules.closed[part] if held.pitch == pitch and held.onset > step)])
        if rules.counted:
            taken = self.taken[:, position + 1 : position + longest]
            full = rules.full(taken)[part]
            longest = int(full.argmax()) + 1 if full.any() else longest
            longest = self._sparing(position, part, pitch, longest)
        return longest, 1

    def _sparing(self, position: int, part: int, pitch: int, longest: int) -> int:
        """As much of a length as leaves this bar and those after it the voices for the notes that they must have."""
        rules, begin, after = self.rules, 0, position + 1
        node = self.repeats.node if self.repeats else None
        needed = self._needed(self.notes + 1, node.children.get((position, part, pitch)) if node else None)
        for bar in range(self.bar - 1, rules.free_bars):
            steps = rules.steps_of(bar, self.steps)
            if begin + after >= position + longest:
                break
            if needed:
                window = slice(self._start() + begin + after, self._start() + begin + steps)
                taken = self.taken[:, begin + after : begin + steps].copy()
                unheld = ~rules.given_places(bar, steps)[after:]
                free = rules.able(bar, window, taken).any(axis=0) & unheld
                taken[part] += 1
                lost = np.cumsum(free & ~rules.able(bar, window, taken).any(axis=0)) > free.sum() - needed
                if lost.any():
                    return min(longest, begin + after + int(lost.argmax()) - position)
            begin, after, needed = begin + steps, 0, rules.places_needed(bar + 1)
        return longest

"""Constraints as tables, made once for all takes, and refused where they cannot be met together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melodia.composition.codec import BAR_STEPS, METER, POSITION, STEPS_PER_QUARTER
from melodia.composition.codec import MAX_POSITION as LONGEST_BAR
from melodia.composition.codec import MAX_QUARTERS as LONGEST_NOTE
from melodia.composition.constraints import Constraints, Held
from melodia.composition.steering import MOST_NOTES
from melodia.errors import ConfigError
from melodia.instruments import DRUMS, program_name

LONGEST = LONGEST_NOTE * STEPS_PER_QUARTER - 1  # steps of a note
WINDOW = 2 * LONGEST_BAR + LONGEST + 1  # steps from a bar line to the end of the last bar that a note of the bar can reach
UNLIMITED = 2**14
Mask = NDArray[np.bool_]


class Rules:
    """See the module. Parts are rows, the bars of the take columns from 0."""

    def __init__(self, constraints: Constraints) -> None:
        self.constraints = constraints
        steering = constraints.steering
        self.free_bars = constraints.bars if constraints.free_bars is None else constraints.free_bars
        self.fewest, self.most_notes = steering.density or (0, MOST_NOTES)
        self.plays = _plays(constraints, self.free_bars)
        self.pitches = _pitches(constraints)
        self.voices, self.together = _voices(constraints)
        programs = np.array(constraints.programs)
        self.same = (programs[:, None] == programs).astype(np.int16)  # (parts, parts): of one instrument
        self.counted = bool(steering.polyphony)
        self.bar_steps = [int(BAR_STEPS[bar[0, METER]]) for bar in constraints.given]
        self.starts = np.concatenate([[0], np.cumsum(self.bar_steps)]).astype(int)
        self.sounding = self._sounding()
        self.closed: list[list[Held]] = [[h for h in constraints.closed if h.part == p] for p in range(len(constraints.programs))]
        self.vacant = self._vacant()
        counts = [int(self.pitches[part].sum()) for part in constraints.playing]
        self.choice = 1 if constraints.closed else max(min(counts, default=1), 1)  # notes to choose from at any place
        self._check()

    def line(self, column: int, bar: int) -> int | None:
        """Meter or tempo of a bar, if it is told."""
        if self.constraints.given:
            return int(self.constraints.given[bar][0, column])
        return self.constraints.meter if column == METER else self.constraints.tempo

    def steps_of(self, bar: int, now: int) -> int:
        """The steps of a bar; without given bars all are like the one of now."""
        return self.bar_steps[min(bar, len(self.bar_steps) - 1)] if self.bar_steps else now

    def places_needed(self, bar: int) -> int:
        """How many free places a bar needs for the notes that it must have, whatever bars came before."""
        if not self.fewest:
            return 0
        repetition = self.constraints.steering.repetition
        return self.fewest + (bar // repetition // self.choice if repetition else 0)

    def rest_of(self, part: int, bar: int) -> int | None:
        """The next bar in which a part of this one must be silent; None where the take ends first."""
        plays = self.plays[part, bar : self.free_bars]
        return None if plays.all() else bar + int(plays.argmin())

    def velocities(self, bar: int, place: float) -> tuple[float, float]:
        """The softest and the loudest, at a place of a bar from 0 to 1."""
        curve = self.constraints.steering.velocity
        bars = [point.bar for point in curve]
        at = self.constraints.first_bar + bar + place
        low, high = (float(np.interp(at, bars, ends)) for ends in ([p.softest for p in curve], [p.loudest for p in curve]))
        return low, high

    def _sounding(self) -> NDArray[np.int16]:
        """(parts + 1, steps): how many notes sound already; the last row is for those of no part."""
        parts = len(self.constraints.programs)
        taken = np.zeros((parts + 1, int(self.starts[-1]) + WINDOW if self.counted else 0), dtype=np.int16)
        for note in self.constraints.sounding if self.counted else ():
            taken[note.part, max(note.onset, 0) : max(note.offset, 0)] += 1
        return taken

    def _vacant(self) -> Mask | None:
        """(parts, steps): where a part has a pitch that no given note closes; None: everywhere."""
        if not self.constraints.closed:
            return None
        closed = np.zeros((len(self.closed), int(self.starts[-1]) + WINDOW), dtype=np.int16)
        for note in self.constraints.closed:
            if self.pitches[note.part, note.pitch]:
                closed[note.part, max(note.onset, 0) : max(note.offset, 0)] += 1
        vacant: Mask = closed < self.pitches.sum(axis=1)[:, None]
        return vacant

    def given_places(self, bar: int, steps: int) -> Mask:
        """(steps,): where given notes begin."""
        places = np.zeros(steps, dtype=bool)
        if self.constraints.given:
            positions = self.constraints.given[bar][1:, POSITION]
            places[positions[positions < steps]] = True
        return places

    def _check(self) -> None:
        constraints, steering = self.constraints, self.constraints.steering
        names = {program: program_name(program) for program in (constraints.programs[p] for p in constraints.playing)}
        for wish, asked in (("register", steering.registers), ("polyphony", steering.polyphony)):
            for word in asked:
                if word.program is not None and word.program not in names:
                    who = ", ".join(names.values()) or "nobody"
                    raise ConfigError(f"{wish}: {program_name(word.program)} does not play here; {who} would")
        for part in constraints.playing:
            if not self.pitches[part].any():
                what = "pitch of the key" if steering.pitch_classes is not None else "pitch"
                raise ConfigError(f"register: there is no {what} in it for {names[constraints.programs[part]]}")
        last = constraints.first_bar + self.free_bars - 1
        for entry in steering.entries:
            if entry.first > last or (entry.last or last) < constraints.first_bar:
                bars = f"bars {constraints.first_bar} to {last}"
                raise ConfigError(f"instruments: {program_name(entry.program)} at bar {entry.first} is outside of {bars}")
        for bar in range(self.free_bars if self.fewest else 0):
            self._check_room(bar)

    def _check_room(self, bar: int) -> None:
        """Refuses a bar that cannot hold the notes that it must have."""
        name, meter = self.constraints.first_bar + bar, self.constraints.meter
        if not self.plays[:, bar].any():
            raise ConfigError(f"density: nobody plays in bar {name}, so it cannot have {self.fewest} notes")
        steps = self.steps_of(bar, LONGEST_BAR if meter is None else int(BAR_STEPS[meter]))
        places = steps
        if self.constraints.given or bar == 0:  # else nothing stands in it yet
            window = slice(int(self.starts[bar]), int(self.starts[bar]) + steps)
            places = int((self.able(bar, window, self.sounding[:, window]).any(axis=0) & ~self.given_places(bar, steps)).sum())
        if places < self.places_needed(bar):
            repeated = " and no bar too often" if self.constraints.steering.repetition else ""
            raise ConfigError(f"density: bar {name} has {places} free places, too few for {self.fewest} notes{repeated}")

    def full(self, taken: NDArray[np.int16]) -> Mask:
        """(parts, steps): where a part's instrument, or all together, sound as many notes as they may."""
        of_instrument = self.same @ taken[:-1]
        return np.asarray((of_instrument >= self.voices[:, None]) | (taken.sum(axis=0) >= self.together))

    def able(self, bar: int, window: slice, taken: NDArray[np.int16]) -> Mask:
        """(parts, steps): where a part can begin a note, by who plays in a bar, the voices taken and the pitches left."""
        able = np.repeat(self.plays[:, bar, None], window.stop - window.start, axis=1)
        if self.counted:
            able &= ~self.full(taken)
        if self.vacant is not None:
            able &= self.vacant[:, window]
        return able


def _plays(constraints: Constraints, free_bars: int) -> Mask:
    """(parts, bars): who may play when."""
    plays = np.zeros((len(constraints.programs), constraints.bars), dtype=bool)
    for part in constraints.playing:
        spans = [e for e in constraints.steering.entries if e.program == constraints.programs[part]]
        plays[part, :free_bars] = not spans
        for _, first, last in spans:
            begin = max(first - constraints.first_bar, 0)
            plays[part, begin : free_bars if last is None else min(max(last - constraints.first_bar + 1, 0), free_bars)] = True
    return plays


def _pitches(constraints: Constraints) -> Mask:
    """(parts, 256): the pitches of each part, by key and register."""
    steering = constraints.steering
    table = np.zeros((len(constraints.programs), 256), dtype=bool)
    registers = {register.program: register for register in steering.registers}
    for part, program in enumerate(constraints.programs):
        first = 128 if program == DRUMS else 0
        pitches = np.arange(128)
        allowed = np.ones(128, dtype=bool)
        if steering.pitch_classes is not None and program != DRUMS:
            allowed = np.isin(pitches % 12, list(steering.pitch_classes))
        register = registers.get(program, None if program == DRUMS else registers.get(None))
        if register:
            allowed = allowed & (pitches >= register.lowest_pitch) & (pitches <= register.highest_pitch)
        table[part, first : first + 128] = allowed
    return table


def _voices(constraints: Constraints) -> tuple[NDArray[np.int16], int]:
    """How many notes the instrument of each part may sound at once, and all together."""
    limits = {limit.program: limit.most for limit in constraints.steering.polyphony}
    voices = np.array([limits.get(program, UNLIMITED) for program in constraints.programs], dtype=np.int16)
    return voices, limits.get(None, UNLIMITED)

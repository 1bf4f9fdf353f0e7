"""Rewrites some bars of a score: what stands -> what is given -> takes -> the score with new bars.

Nothing outside of the bars changes, nor the parts that are not rewritten, nor tempo and meter. What
stands is given to the sampler note by note, between the new ones, so that both hear each other; the
bars after the span weigh the candidates (see `particles`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from melodia.composition.codec import (
    BEATS,
    KIND,
    KIND_BAR,
    MAX_PARTS,
    PART,
    PITCH,
    POSITION,
    STEP_TICKS,
    STEPS,
    STEPS_PER_QUARTER,
    VELOCITY,
    VELOCITY_BIN,
    Events,
    encode,
    part_order,
)
from melodia.composition.constraints import NO_STEERING, Constraints, Held
from melodia.composition.model import Composer
from melodia.composition.particles import fill
from melodia.composition.plan import LISTEN_BARS
from melodia.composition.rules import WINDOW
from melodia.composition.steering import Steering
from melodia.composition.styles import in_general_midi
from melodia.composition.surprise import ranked
from melodia.composition.taste import Taste
from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.instruments import DRUMS, program_name
from melodia.score import BEND, BEND_CENTRE, SUSTAIN, Bar, Control, Note, Part, Score
from melodia.takes import Takes

FOLLOWING_BARS = 4
PARTICLES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class VaryConfig:
    """Which bars to rewrite, counted from 1, both ends in."""

    first_bar: int
    last_bar: int
    count: int = 1  # takes
    rank: bool = False  # the least surprising take first
    random_seed: int = 0
    programs: tuple[int, ...] = ()  # instruments to rewrite, 128 for drums; () means all
    steering: Steering = NO_STEERING
    seed_bars: int = LISTEN_BARS  # how much of what goes before is heard
    following_bars: int = FOLLOWING_BARS  # how much of what comes after is heard
    particles: int = PARTICLES  # candidates for each take

    def __post_init__(self) -> None:
        if not 1 <= self.first_bar <= self.last_bar:
            raise ConfigError(f"bars: {self.first_bar}-{self.last_bar} is no range of bars; write for example 5-8, counted from 1")
        check_range("count", self.count, 1, 1000)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)
        check_range("seed_bars", self.seed_bars, 1)
        check_range("following_bars", self.following_bars, 0)
        check_range("particles", self.particles, 1, 1024)


@dataclass(slots=True)
class Gap:
    """A score with a span emptied, and what stands around it. Slots are places in `order`."""

    kept: Score
    bars: list[Bar]  # of the span
    order: list[int]  # the parts that the model sees, in the codec's order
    slots: list[int]  # those that are rewritten
    groups: list[int]  # of each part of the score: parts of one group must not clash in the file
    primer: Events
    given: tuple[Events, ...]
    messages: list[str]


def vary(
    score: Score,
    composer: Composer,
    config: VaryConfig,
    taste: Taste,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Takes:
    """Makes takes, reporting bars done and bars in all. The same arguments give the same scores.

    Raises:
        ConfigError: there are no such bars or instruments, the settings cannot be met together, or the composer has one style.
    """
    if composer.config.style != "any":
        raise ConfigError("model: it plays drums or one line alone; to rewrite bars takes one that plays anything, such as band")
    gap = make_gap(score, config)
    constraints = constraints_of(gap, config)
    made = []
    for number in range(config.count):
        done = number * constraints.bars
        events = fill(
            composer,
            gap.primer,
            constraints,
            taste,
            particles=config.particles,
            random_seed=(config.random_seed * 1009 + number) % 2**40,
            progress=lambda bars, done=done: progress(done + bars, config.count * constraints.bars),  # type: ignore[misc]
        )
        made.append(events)
    made, nats = ranked(composer, gap.primer, made) if config.rank else (made, [])
    return Takes(
        [_rewritten(gap, events) for events in made], gap.bars[0].onset_ticks, gap.messages, nats, gap.bars[-1].offset_ticks
    )


def constraints_of(gap: Gap, config: VaryConfig) -> Constraints:
    """What the sampler is told."""
    return Constraints(
        bars=len(gap.given),
        programs=tuple(_program(gap.kept.parts[i]) for i in gap.order),
        playing=tuple(gap.slots),
        steering=config.steering,
        first_bar=config.first_bar,
        given=gap.given,
        free_bars=len(gap.bars),
        sounding=_held(gap, own=True),
        closed=_held(gap, own=False),
        channels=tuple(gap.groups[i] for i in gap.order),
    )


def make_gap(score: Score, config: VaryConfig) -> Gap:
    """Empties the span and tells what the sampler is given.

    Raises:
        ConfigError: there are no such bars or instruments.
    """
    bars = score.bars(score.closing_bar_line())
    if config.last_bar > len(bars):
        raise ConfigError(f"bars: {config.first_bar}-{config.last_bar} is past the end; there are {len(bars)} bars")
    audible = [i for i, part in enumerate(score.parts) if part.notes]
    chosen = [i for i in audible if not config.programs or _program(score.parts[i]) in config.programs]
    missing = set(config.programs) - {_program(score.parts[i]) for i in chosen}
    if missing:
        who = ", ".join(dict.fromkeys(program_name(_program(score.parts[i])) for i in audible))
        raise ConfigError(f"instruments: {program_name(min(missing))} does not play in the score; {who} do")
    chosen.sort(key=lambda i: -len(score.parts[i].notes))
    messages = [f"the {MAX_PARTS} of {len(chosen)} parts with the most notes are rewritten"] if len(chosen) > MAX_PARTS else []
    chosen = chosen[:MAX_PARTS]
    others = sorted(set(audible) - set(chosen), key=lambda i: -len(score.parts[i].notes))
    order = part_order(score.parts, among=[*chosen, *others][:MAX_PARTS])
    span = bars[config.first_bar - 1 : config.last_bar]
    begin, end = span[0].onset_ticks, span[-1].offset_ticks
    parts = [_emptied(part, begin, end) if i in chosen else part for i, part in enumerate(score.parts)]
    kept = Score(parts, score.tempos, score.meters)
    slots = [slot for slot, i in enumerate(order) if i in chosen]
    primer, given = _around(kept, bars, order, slots, config)
    return Gap(kept, span, order, slots, _groups(score.parts), primer, given, messages)


def _around(
    kept: Score, bars: list[Bar], order: list[int], slots: list[int], config: VaryConfig
) -> tuple[Events, tuple[Events, ...]]:
    """The events before the span, and of each bar of it, and of those after it that are heard, what stands."""
    first = max(config.first_bar - 1 - config.seed_bars, 0)
    last = min(config.last_bar + config.following_bars, len(bars))
    heard = kept.clip(bars[first].onset_ticks, max(kept.end_ticks, bars[-1].offset_ticks) + 1)
    events = encode(heard, order, num_bars=len(bars) - first)
    lines = np.append(np.flatnonzero(events[:, KIND] == KIND_BAR), len(events) - 1)
    given = [events[lines[bar - first] : lines[bar - first + 1]] for bar in range(config.first_bar - 1, last)]
    for number in range(config.last_bar - config.first_bar + 1):  # a note a little before the span counts as its first
        given[number] = given[number][~((given[number][:, POSITION] >= 0) & np.isin(given[number][:, PART], slots))]
    return events[: lines[config.first_bar - 1 - first]], tuple(given)


def _program(part: Part) -> int:
    return DRUMS if part.is_drum else part.program


def _groups(parts: list[Part]) -> list[int]:
    """Of each part its channel, drums all on one; parts without a channel stand alone."""
    return [100 if p.is_drum else 200 + i if p.channel is None else p.channel for i, p in enumerate(parts)]


def _held(gap: Gap, own: bool) -> tuple[Held, ...]:
    """The notes that stand, for each rewritten part its own, or those of all parts of its channel too."""
    begin = gap.bars[0].onset_ticks
    reach = (gap.bars[-1].offset_ticks - begin) // STEP_TICKS + WINDOW
    found = []
    for slot in gap.slots:
        for i, part in enumerate(gap.kept.parts):
            if i == gap.order[slot] if own else gap.groups[i] == gap.groups[gap.order[slot]]:
                for note in part.notes:
                    onset, offset = (note.onset_ticks - begin) // STEP_TICKS, -((begin - note.offset_ticks) // STEP_TICKS)
                    if offset > 0 and onset < reach:
                        found.append(Held(slot, note.pitch + 128 * part.is_drum, onset, offset))
    return tuple(found)


def _emptied(part: Part, begin: int, end: int) -> Part:
    """A part without the notes that begin in a span, and without its pedal and bend there; both rest meanwhile."""
    notes = [n for n in part.notes if not begin <= n.onset_ticks < end]
    controls = [c for c in part.controls if not (begin <= c.tick < end and c.number in (SUSTAIN, BEND))]
    for number, rest in ((SUSTAIN, 0), (BEND, BEND_CENTRE)):
        moves = [c for c in part.controls if c.number == number]
        before, after = _value(moves, begin - 1, rest), _value(moves, end - 1, rest)
        controls += [Control(begin, number, rest)] if before != rest else []
        controls += [Control(end - 1, number, after)] if after != rest else []
    return replace(part, notes=notes, controls=sorted(controls, key=lambda c: c.tick))


def _value(moves: list[Control], tick: int, rest: int) -> int:
    """What a controller stands at."""
    index = bisect_right(moves, tick, key=lambda c: c.tick)
    return moves[index - 1].value if index else rest


def _rewritten(gap: Gap, events: Events) -> Score:
    """The score with the new notes of a take."""
    fresh: list[list[int]] = []  # onset, offset, pitch, velocity, part of the score
    bar = -1
    for row in events.tolist():
        bar += row[KIND] == KIND_BAR
        if bar >= len(gap.bars):
            break
        if row[POSITION] >= 0 and row[PART] in gap.slots:
            onset = gap.bars[bar].onset_ticks + row[POSITION] * STEP_TICKS
            offset = onset + (row[BEATS] * STEPS_PER_QUARTER + row[STEPS]) * STEP_TICKS
            velocity = row[VELOCITY] * VELOCITY_BIN + VELOCITY_BIN // 2
            fresh.append([onset, offset, row[PITCH] % 128, velocity, gap.order[row[PART]]])
    last: dict[tuple[int, int], list[int]] = {}
    for note in fresh:  # a note ends where its pitch begins again on its channel
        before = last.get((gap.groups[note[4]], note[2]))
        if before:
            before[1] = min(before[1], note[0])
        last[gap.groups[note[4]], note[2]] = note
    end = max(gap.bars[-1].offset_ticks, gap.kept.closing_bar_line())
    parts = []
    for i, part in enumerate(gap.kept.parts):
        new = [Note(n[0], min(n[1], end), n[2], n[3]) for n in fresh if n[4] == i]
        new = in_general_midi(replace(part, notes=new), part.notes).notes
        parts.append(replace(part, notes=sorted([*part.notes, *new]), controls=list(part.controls)))
    return Score(parts, list(gap.kept.tempos), list(gap.kept.meters))

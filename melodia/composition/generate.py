"""Continues a score, or starts one: primer -> plan -> takes -> scores.

The primer is read once, whatever the number of takes, and its state is branched. Every constraint
(bars, meter, tempo, instruments, key) is a mask on the model's probabilities, never a take thrown
away. When the model would end the piece before the bars are full, the music goes on from the state
that it had some bars before, as at a repeat sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from melodia.composition.codec import (
    BAR_STEPS,
    KIND,
    KIND_BAR,
    MAX_PARTS,
    METER,
    METER_INDEX,
    STEP_TICKS,
    Events,
    decode,
    encode,
    part_order,
    tempo_index,
)
from melodia.composition.constraints import NO_STEERING, Constraints, Held
from melodia.composition.model import Composer
from melodia.composition.performer import perform
from melodia.composition.steering import Steering
from melodia.composition.taste import Taste
from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.instruments import DRUMS, program_name
from melodia.midi import part_name
from melodia.midi.conductor import HIGHEST_BPM, LOWEST_BPM, MAX_BAR_TICKS
from melodia.sampling import SamplingConfig
from melodia.score import BEND, BEND_CENTRE, PPQ, SUSTAIN, Control, Meter, Note, Part, Score, Tempo
from melodia.stepping import PRECISIONS
from melodia.takes import Takes

DEFAULT_BARS = 16
MAX_BARS = 10_000
LISTEN_BARS = 64
LONGEST_TAKE_SECONDS = 3600.0
FROM_SILENCE = (0, 33, DRUMS)  # piano, bass, drums: who plays if nobody is named
FASTEST_BPM = 300.0  # the most that the model chooses by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateConfig:
    """What to make. None leaves a choice to the primer, or without one to the model."""

    bars: int | None = None  # 16 if neither bars nor seconds are given
    seconds: float | None = None
    count: int = 1  # takes
    rank: bool = False  # the least surprising take first
    random_seed: int = 0
    tempo_bpm: float | None = None
    meter: tuple[int, int] | None = None
    programs: tuple[int, ...] = ()  # instruments to play, 128 for drums
    steering: Steering = NO_STEERING
    seed_bars: int = LISTEN_BARS  # how much of the primer's end to listen to
    continuation_only: bool = False
    precision: str = "float32"  # of the weights while notes are drawn: one of `PRECISIONS`

    def __post_init__(self) -> None:
        if self.bars is not None and self.seconds is not None:
            raise ConfigError("bars and seconds: give one of them, not both")
        if self.bars is not None:
            check_range("bars", self.bars, 1, MAX_BARS)
        if self.seconds is not None:
            check_range("seconds", self.seconds, 0.1, LONGEST_TAKE_SECONDS)
        if self.precision not in PRECISIONS:
            raise ConfigError(f"precision: '{self.precision}' is not known; it must be {' or '.join(PRECISIONS)}")
        check_range("count", self.count, 1, 1000)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)
        check_range("seed_bars", self.seed_bars, 1)
        if self.tempo_bpm is not None:
            check_range("tempo", self.tempo_bpm, LOWEST_BPM, HIGHEST_BPM)
        if self.meter is not None and self.meter not in METER_INDEX:
            n, d = self.meter
            raise ConfigError(
                f"meter: {n}/{d} is out of range; a bar is at most {MAX_BAR_TICKS // PPQ} quarters, in 1, 2, 4, 8, 16 or 32"
            )
        if len(set(self.programs)) > MAX_PARTS:
            raise ConfigError(f"instruments: {len(set(self.programs))} are too many; at most {MAX_PARTS}")


@dataclass(slots=True)
class Plan:
    """What a primer and a config come to."""

    parts: list[Part]  # all parts of the result, empty ones for new instruments
    order: list[int]  # those that the model sees, in the codec's order
    playing: list[int]  # places in `order` that may play
    events: Events | None  # what is listened to
    join_ticks: int
    meter: tuple[int, int] | None
    tempo_bpm: float | None
    messages: list[str]


def generate(
    primer: Score | None,
    composer: Composer,
    config: GenerateConfig,
    sampling: SamplingConfig | Taste,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Takes:
    """Makes takes, reporting bars done and bars in all. The same arguments give the same scores.

    Raises:
        ConfigError: the settings cannot be met together.
    """
    plan = make_plan(primer, config)
    constraints = Constraints(
        bars=_num_bars(plan, config),
        meter=METER_INDEX[plan.meter] if plan.meter else None,
        tempo=tempo_index(plan.tempo_bpm) if plan.tempo_bpm else None,
        playing=tuple(plan.playing),
        programs=tuple(DRUMS if plan.parts[i].is_drum else plan.parts[i].program for i in plan.order),
        steering=config.steering,
        sounding=() if config.continuation_only else _ringing(plan),
    )
    total = constraints.bars * config.count
    takes = perform(
        composer,
        plan.events,
        constraints,
        sampling,
        count=config.count,
        random_seed=config.random_seed,
        precision=config.precision,
        progress=lambda done: progress(done, total),
    )
    nats: list[float] = []
    if config.rank:
        from melodia.composition.surprise import ranked  # with all that training needs

        takes, nats = ranked(composer, plan.events, takes)
    scores = [_finished(primer, plan, events, config) for events in takes]
    join = 0 if config.continuation_only else plan.join_ticks
    for number, score in enumerate(scores, 1):
        if names := silent(score, join, config.programs):
            take = f"take {number}: " if len(scores) > 1 else ""
            plan.messages.append(f"{take}{', '.join(names)} never came in; try another random seed")
    return Takes(scores, join, plan.messages, nats)


def silent(score: Score, join_ticks: int, programs: Sequence[int]) -> list[str]:
    """The instruments that were asked for and have no note from a tick on."""
    heard = {
        DRUMS if part.is_drum else part.program for part in score.parts if any(n.onset_ticks >= join_ticks for n in part.notes)
    }
    return [program_name(program) for program in dict.fromkeys(programs) if program not in heard]


def make_plan(primer: Score | None, config: GenerateConfig) -> Plan:
    """Decides parts, meter, tempo and what to listen to.

    Raises:
        ConfigError: the primer has no notes.
    """
    messages: list[str] = []
    if primer is None:
        parts = [_new_part(program) for program in dict.fromkeys(config.programs or FROM_SILENCE)]
        order = part_order(parts)
        return Plan(parts, order, list(range(len(order))), None, 0, config.meter, config.tempo_bpm, messages)
    if not primer.num_notes:
        raise ConfigError("seed: the score has no notes; leave the seed out to start from silence")
    join = primer.closing_bar_line()
    bars = primer.bars(join)[-config.seed_bars :]
    last_onset = max(n.onset_ticks for part in primer.parts for n in part.notes)
    if bars[0].onset_ticks > last_onset:  # the last notes ring on for longer than that: hear them begin
        bars = [bar for bar in primer.bars(join) if bar.offset_ticks > last_onset]
    heard = primer.clip(bars[0].onset_ticks, join)
    parts = list(primer.parts)
    wanted = set(range(len(parts)))
    if config.programs:
        wanted, new = _match(parts, config.programs)
        parts += new
        wanted |= set(range(len(primer.parts), len(parts)))
        heard.parts += [replace(part) for part in new]
    audible = [i for i, part in enumerate(heard.parts) if part.notes or (config.programs and i in wanted)]
    if len(audible) > MAX_PARTS:
        messages.append(f"the seed has {len(audible)} parts; the {MAX_PARTS} with the most notes play on")
    order = part_order(heard.parts, among=sorted(audible, key=lambda i: (i not in wanted, -len(heard.parts[i].notes))))
    playing = [k for k, i in enumerate(order) if i in wanted]
    tempo = primer.tempo_at(max(join - 1, 0)).tempo_bpm
    if config.tempo_bpm is not None and abs(config.tempo_bpm - tempo) > 1e-6:
        messages.append(f"tempo {config.tempo_bpm:g} as asked; the seed's was {tempo:.4g}")
    meter = config.meter or primer.meter_at(max(join - 1, 0))[1:]
    heard.tempos = heard.tempos if config.tempo_bpm is None else [Tempo(0, config.tempo_bpm)]
    events = encode(heard, order, num_bars=len(bars))[:-1]
    return Plan(parts, order, playing, events, join, meter, config.tempo_bpm or tempo, messages)


def _ringing(plan: Plan) -> tuple[Held, ...]:
    """The notes of the primer that are released a little after the join, as voices."""
    places = {i: k for k, i in enumerate(plan.order)}
    late = ((i, note) for i, part in enumerate(plan.parts) for note in part.notes if note.offset_ticks > plan.join_ticks)
    return tuple(Held(places.get(i, -1), n.pitch, 0, -((plan.join_ticks - n.offset_ticks) // STEP_TICKS)) for i, n in late)


def _match(parts: Sequence[Part], programs: Sequence[int]) -> tuple[set[int], list[Part]]:
    """Which parts of the primer play the instruments asked for, and new parts for the others."""
    wanted: set[int] = set()
    new = []
    for program in dict.fromkeys(programs):
        same = {i for i, p in enumerate(parts) if (p.is_drum if program == DRUMS else not p.is_drum and p.program == program)}
        wanted |= same
        if not same:
            new.append(_new_part(program))
    return wanted, new


def _new_part(program: int) -> Part:
    return Part(name=program_name(program), program=program % DRUMS, is_drum=program == DRUMS)


def _num_bars(plan: Plan, config: GenerateConfig) -> int:
    if config.seconds is None:
        return config.bars or DEFAULT_BARS
    numerator, denominator = plan.meter or (4, 4)
    bar_seconds = numerator * 4 / denominator * 60 / (plan.tempo_bpm or FASTEST_BPM)
    return min(math.ceil(config.seconds / bar_seconds - 1e-9) + (0 if plan.meter else 1), MAX_BARS)


def _finished(primer: Score | None, plan: Plan, events: Events, config: GenerateConfig) -> Score:
    """The score of a take: the primer before it, if that is wanted, and exact lengths."""
    made = decode(events, [plan.parts[i] for i in plan.order])
    if plan.tempo_bpm:
        made.tempos = [Tempo(0, plan.tempo_bpm)]
    bars = events[events[:, KIND] == KIND_BAR]
    made = made.clip(0, int(BAR_STEPS[bars[:, METER]].sum()) * STEP_TICKS)
    if config.seconds is not None:
        made = _cut(made, config.seconds)
    if primer is None:
        made.parts = [replace(p, name=part_name(p)) for p in made.parts]
        return made
    join = 0 if config.continuation_only else plan.join_ticks
    fresh: dict[int, list[Note]] = {i: p.notes for i, p in zip(plan.order, made.parts, strict=True)}
    parts = []
    for i, part in enumerate(plan.parts):
        later = [Note(n[0] + join, n[1] + join, n[2], n[3]) for n in fresh.get(i, [])]
        before = [] if config.continuation_only else part.notes
        parts.append(replace(part, notes=before + later, controls=_controls(part, plan.join_ticks, config.continuation_only)))
    meters = [Meter(m.tick + join, *m[1:]) for m in made.meters]
    tempos = [Tempo(t.tick + join, t.tempo_bpm) for t in made.tempos]
    if not config.continuation_only:
        meters = _joined_meters(primer, meters, join)
        tempos = [t for t in primer.tempos if t.tick < join] if config.tempo_bpm is None else [Tempo(0, config.tempo_bpm)]
    kept = [p for p in parts if p.notes or not config.continuation_only]
    return Score(kept, tempos, meters)


def _joined_meters(primer: Score, made: list[Meter], join: int) -> list[Meter]:
    meters = [m for m in primer.meters if m.tick < join]
    for meter in made:
        last_bar = primer.bars(join)[-1]
        same = meters and meters[-1][1:] == meter[1:]
        if not same or last_bar.offset_ticks - last_bar.onset_ticks != last_bar.meter.bar_ticks:
            meters.append(meter)
    return meters


def _controls(part: Part, join: int, continuation_only: bool) -> list[Control]:
    """The primer's controllers, at rest from the join on; or, without it, the settings that it left."""
    before = [c for c in part.controls if c.tick < join]
    if continuation_only:
        last = {c.number: c._replace(tick=0) for c in before if c.number not in (SUSTAIN, BEND)}
        return [last[number] for number in sorted(last)]
    used = {c.number for c in before}
    rest = [Control(join, SUSTAIN, 0)] if SUSTAIN in used else []
    return before + rest + ([Control(join, BEND, BEND_CENTRE)] if BEND in used else [])


def _cut(score: Score, seconds: float) -> Score:
    """The first seconds of a score of one tempo, or of several."""
    end = next((t for t in range(0, score.end_ticks + PPQ, PPQ // 24) if score.seconds_at(t) >= seconds), score.end_ticks)
    return score.clip(0, max(end, 1))

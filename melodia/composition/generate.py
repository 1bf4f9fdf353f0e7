"""Continues a score, or starts one: primer -> plan -> takes -> scores.

The primer is read once, whatever the number of takes, and its state is branched. Every constraint
(bars, meter, tempo, instruments, key) is a mask on the model's probabilities, never a take thrown
away. When the model would end the piece before the bars are full, the music goes on from the state
that it had some bars before, as at a repeat sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from melodia.composition.codec import (
    BAR_STEPS,
    KIND,
    KIND_BAR,
    METER,
    METER_INDEX,
    STEP_TICKS,
    Events,
    decode,
    tempo_index,
)
from melodia.composition.constraints import Constraints, Held
from melodia.composition.model import Composer
from melodia.composition.performer import perform
from melodia.composition.plan import MAX_BARS, GenerateConfig, Plan, make_plan
from melodia.composition.steering import Limit, Steering
from melodia.composition.styles import in_general_midi
from melodia.composition.taste import Taste
from melodia.instruments import DRUMS, program_name
from melodia.midi import part_name
from melodia.sampling import SamplingConfig
from melodia.score import BEND, BEND_CENTRE, PPQ, SUSTAIN, Control, Meter, Note, Part, Score, Tempo
from melodia.takes import Takes

DEFAULT_BARS = 16
FASTEST_BPM = 300.0  # the most that the model chooses by itself


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
    style = composer.config.style
    plan = make_plan(primer, config, style, composer.config.program)
    constraints = Constraints(
        bars=_num_bars(plan, config),
        meter=METER_INDEX[plan.meter] if plan.meter else None,
        tempo=tempo_index(plan.tempo_bpm) if plan.tempo_bpm else None,
        playing=tuple(plan.playing),
        programs=tuple(DRUMS if plan.parts[i].is_drum else plan.parts[i].program for i in plan.order),
        steering=one_line(config.steering) if style == "melody" else config.steering,
        sounding=() if config.continuation_only else _ringing(plan, unseen=style == "any"),
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


def one_line(steering: Steering) -> Steering:
    """The same, with one note at a time."""
    return replace(steering, polyphony=(*(limit for limit in steering.polyphony if limit.program is not None), Limit(None, 1)))


def _ringing(plan: Plan, unseen: bool) -> tuple[Held, ...]:
    """The notes of the primer that are released a little after the join, as voices; those of parts `unseen` by the model too."""
    places = {i: k for k, i in enumerate(plan.order)}
    parts = ((i, part) for i, part in enumerate(plan.parts) if unseen or i in places)
    late = ((i, note) for i, part in parts for note in part.notes if note.offset_ticks > plan.join_ticks)
    return tuple(Held(places.get(i, -1), n.pitch, 0, -((plan.join_ticks - n.offset_ticks) // STEP_TICKS)) for i, n in late)


def _num_bars(plan: Plan, config: GenerateConfig) -> int:
    if config.seconds is None:
        return config.bars or DEFAULT_BARS
    numerator, denominator = plan.meter or (4, 4)
    bar_seconds = numerator * 4 / denominator * 60 / (plan.tempo_bpm or FASTEST_BPM)
    return min(math.ceil(config.seconds / bar_seconds - 1e-9) + (0 if plan.meter else 1), MAX_BARS)


def _finished(primer: Score | None, plan: Plan, events: Events, config: GenerateConfig) -> Score:
    """The score of a take: the primer before it, if that is wanted, and exact lengths."""
    made = decode(events, [plan.parts[i] for i in plan.order])
    made.parts = [in_general_midi(part, plan.parts[i].notes) for i, part in zip(plan.order, made.parts, strict=True)]
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

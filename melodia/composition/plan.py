"""Who plays, in which meter and tempo, and what of the primer is listened to: what a config and a primer come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from melodia.composition.codec import MAX_PARTS, METER_INDEX, Events, encode, part_order
from melodia.composition.constraints import NO_STEERING
from melodia.composition.steering import Steering
from melodia.composition.styles import BAND, check_instruments, heard_of
from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.instruments import DRUMS, program_name
from melodia.midi.conductor import HIGHEST_BPM, LOWEST_BPM, MAX_BAR_TICKS
from melodia.score import PPQ, Part, Score, Tempo
from melodia.stepping import check_precision

MAX_BARS = 10_000
LISTEN_BARS = 64
LONGEST_TAKE_SECONDS = 3600.0


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
        check_precision(self.precision)
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


def make_plan(primer: Score | None, config: GenerateConfig, style: str = "any", program: int = 0) -> Plan:
    """Decides parts, meter, tempo and what to listen to.

    Raises:
        ConfigError: the primer has no notes, or none of the composer's style, or somebody is named who cannot play.
        MidiError: it has no melody, and the composer plays nothing else.
    """
    messages: list[str] = []
    check_instruments(config.programs, style)
    if primer is None:
        usual = {"any": BAND, "drums": (DRUMS,)}.get(style, (program,))
        parts = [_new_part(number) for number in dict.fromkeys(config.programs or usual)]
        order = part_order(parts)
        return Plan(parts, order, list(range(len(order))), None, 0, config.meter, config.tempo_bpm, messages)
    if not primer.num_notes:
        raise ConfigError("seed: the score has no notes; leave the seed out to start from silence")
    join = primer.closing_bar_line()
    bars = primer.bars(join)[-config.seed_bars :]
    of_style = heard_of(primer, style)
    last_onset = max(n.onset_ticks for part in of_style for n in part.notes)
    if bars[0].onset_ticks > last_onset:  # the last notes ring on for longer than that: hear them begin
        bars = [bar for bar in primer.bars(join) if bar.offset_ticks > last_onset]
    heard = primer.clip(bars[0].onset_ticks, join)
    parts, wanted, audible = _players(primer, heard, of_style, config, style)
    if sum(bool(part.notes) for part in primer.parts) > 1 and style != "any":
        messages.append(f"the model plays {'drums' if style == 'drums' else 'one line'} alone; the seed's other parts fall silent")
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


def _players(
    primer: Score, heard: Score, of_style: Sequence[Part], config: GenerateConfig, style: str
) -> tuple[list[Part], set[int], list[int]]:
    """The parts of the result, which of them may play, and which the model hears; new ones are added to what is heard."""
    parts, programs = list(primer.parts), config.programs
    known = {i for i, part in enumerate(parts) if any(part is other for other in of_style)}
    if not programs:
        return parts, set(range(len(parts))), [i for i in sorted(known) if heard.parts[i].notes]
    wanted, new = _match(parts, programs)
    if style == "melody" and not wanted & known:  # another instrument takes the line over
        new = [_new_part(programs[0])]
        heard.parts += [replace(new[0], notes=heard.parts[i].notes) for i in known]
        known = set()
    else:
        heard.parts += [replace(part) for part in new]
    wanted |= set(range(len(parts), len(parts) + len(new)))
    parts += new
    audible = [i for i, part in enumerate(heard.parts) if part.notes or i in wanted]
    return parts, wanted, [i for i in audible if style == "any" or i in known or i >= len(primer.parts)]


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

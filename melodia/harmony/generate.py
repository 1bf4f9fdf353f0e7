"""Goes on with a chorale, or begins one: all four voices of each 16th drawn from the choir, one voice after another.

The rules of voice-leading are held to as in `melodia.harmony.harmonize`. A voice that stays on a pitch sings it anew on each beat
on which another one moves, as the syllables of a hymn do. What goes on from a primer begins on a beat. It ends on the chord of its
tonic, held for a beat: from two bars before on several candidates are drawn, and the one is likely to be taken that comes there by
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.harmony.harmonize import HarmonizeConfig, draw
from melodia.harmony.model import UNGIVEN, Choir
from melodia.harmony.parts import Given, on_grid
from melodia.harmony.prepare import NUM_VOICES, REST, STEP_TICKS, VOICES, Voices
from melodia.harmony.setting import PROGRAM, beat_ticks, line_of, on_beat
from melodia.harmony.tonic import NO_TONIC
from melodia.midi.conductor import HIGHEST_BPM, LOWEST_BPM, MAX_BAR_TICKS
from melodia.score import Meter, Part, Score, Tempo
from melodia.takes import Takes
from melodia.tune import one_at_a_time

TEMPO_BPM, VELOCITY = 84.0, 76  # from silence
LISTEN_STEPS = 1024  # of the primer's end
MOST_BARS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateConfig:
    """What to make. `tonic`: the pitch class that a piece from silence is at home in; `NO_TONIC`: any."""

    bars: int = 16
    continuation_only: bool = False
    tempo_bpm: float | None = None
    meter: tuple[int, int] | None = None  # from silence; 4/4 if it is None
    tonic: int = NO_TONIC

    def __post_init__(self) -> None:
        check_range("bars", self.bars, 1, MOST_BARS)
        if self.tempo_bpm is not None:
            check_range("tempo", self.tempo_bpm, LOWEST_BPM, HIGHEST_BPM)
        if self.meter is not None and not _usable(*self.meter):
            raise ConfigError(f"meter: {self.meter[0]}/{self.meter[1]} is out of range; write for example 4/4, 3/4 or 6/8")


def _usable(numerator: int, denominator: int) -> bool:
    known = numerator >= 1 and denominator in (1, 2, 4, 8, 16, 32)
    return known and STEP_TICKS <= Meter(0, numerator, denominator).bar_ticks <= MAX_BAR_TICKS


def four_voices(score: Score, where: str) -> list[Given] | None:
    """The parts of a score of four voices, the highest first; None if it is none."""
    parts = [part for part in score.parts if part.notes and not part.is_drum]
    if len(parts) != NUM_VOICES or not all(map(one_at_a_time, parts)):
        return None
    parts.sort(key=lambda part: -float(np.mean([note.pitch for note in part.notes])))
    return [Given(voice, part, score, where) for voice, part in enumerate(parts)]


def generate(
    lines: Sequence[Given] | None,
    choir: Choir,
    config: GenerateConfig,
    drawing: HarmonizeConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Takes:
    """Takes that go on from the four voices of a score, or begin from silence, reporting 16ths done and in all.

    Raises:
        ConfigError: a meter is given beside voices, or these are not of one length, or no pitch is left for one.
    """
    if not lines:
        heard, join = np.zeros((0, NUM_VOICES), np.uint8), 0
        voices = [Part(name, PROGRAM) for name in VOICES]
        tonic = config.tonic
        begun = Score(voices, [Tempo(0, TEMPO_BPM)], [Meter(0, *(config.meter or (4, 4)))])
    elif config.meter is not None:
        raise ConfigError("meter: a chorale goes on in the seed's; leave it out")
    else:
        grid = on_grid(lines, choir.config)
        voices, begun, tonic = [line.part for line in lines], lines[0].score, NO_TONIC
        end = (grid.origin + len(grid.voices)) * STEP_TICKS
        meter = begun.meter_at(end)
        join = end + (meter.tick - end) % beat_ticks(meter)
        last = grid.voices[-1:].repeat((join - end) // STEP_TICKS, axis=0)  # rings on to the beat
        heard = np.concatenate([grid.voices, last])[-LISTEN_STEPS:]
    if config.tempo_bpm is not None:
        begun = replace(begun, tempos=[Tempo(0, config.tempo_bpm)])
    ticks = [*range(join, end := end_of(begun, join, config.bars), STEP_TICKS), end]
    known = np.concatenate([heard, np.full((len(ticks) - 1, NUM_VOICES), REST, np.uint8)])
    made = [take[len(heard) :] for take in draw(known, UNGIVEN, tonic, choir, drawing, progress, begun=len(heard), closes=True)]
    scores = [sung_on(begun, voices, take, ticks) for take in made]
    if config.continuation_only:
        return Takes([score.clip(join, end) for score in scores], 0, [])
    return Takes(scores, join, [])


def end_of(score: Score, join: int, bars: int) -> int:
    """The tick where so many bars end that begin with the first bar line from a tick on."""
    meter = score.meter_at(join)
    return join + (meter.tick - join) % meter.bar_ticks + bars * meter.bar_ticks


def sung_on(begun: Score, voices: Sequence[Part], made: Voices, ticks: Sequence[int]) -> Score:
    """A score whose four voices go on with what they sing in steps that begin at ticks."""
    moves = np.concatenate([[True], (made[1:] != made[:-1]).any(axis=1)])
    strikes = {step for step in range(len(made)) if moves[step] and on_beat(begun, ticks[step])}
    parts = []
    for part in begun.parts:
        voice = next((i for i, other in enumerate(voices) if other is part), None)
        if voice is not None:
            velocity = round(float(np.median([note.velocity for note in part.notes]))) if part.notes else VELOCITY
            part = replace(part, notes=part.notes + line_of(made[:, voice], ticks, strikes, velocity))
        parts.append(part)
    return replace(begun, parts=parts)

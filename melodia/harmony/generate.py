"""Goes on with a chorale, or begins one: all four voices of each 16th drawn from the choir, one voice after another.

How they are drawn, and how they close: `melodia.harmony.draw`. A voice that stays on a pitch sings it anew on each beat on which
another one moves, as the syllables of a hymn do. What goes on from a primer begins on the bar line after it. The final chord is in
the key of the primer, and lasts half of a bar of four beats, and all of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.harmony.draw import DrawConfig, Outline, draw
from melodia.harmony.model import UNGIVEN, Choir
from melodia.harmony.parts import OCTAVE, Given, on_grid
from melodia.harmony.prepare import NUM_VOICES, REST, STEP_TICKS, VOICES, Voices
from melodia.harmony.setting import PROGRAM, beat_ticks, line_of, notices, on_beat
from melodia.harmony.tonic import NO_TONIC, tonic_of
from melodia.midi import part_name
from melodia.midi.conductor import HIGHEST_BPM, LOWEST_BPM, MAX_BAR_TICKS
from melodia.score import Meter, Part, Score, Tempo
from melodia.takes import Takes
from melodia.tune import one_at_a_time

TEMPO_BPM, VELOCITY = 84.0, 76  # from silence
LISTEN_STEPS = 960  # of the primer's end
CYCLE = 48  # steps after which the codes of positions come again
MOST_BARS = 256
HIGHEST_PITCH = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateConfig:
    """What to make. `tonic`: the pitch class to close in, and from silence to be at home in; `NO_TONIC`: any."""

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


def four_voices(score: Score) -> list[Given] | None:
    """The parts of a score of four voices, the highest first; None if it is none."""
    parts = [part for part in score.parts if part.notes and not part.is_drum]
    if len(parts) != NUM_VOICES or not all(map(one_at_a_time, parts)):
        return None
    return voices_of(score, sorted(parts, key=lambda part: -float(np.mean([note.pitch for note in part.notes]))))


def voices_of(score: Score, parts: Sequence[Part]) -> list[Given]:
    """Four parts of a score as voices, in their order."""
    return [Given(voice, part, score, part_name(part)) for voice, part in enumerate(parts)]


class Begun(NamedTuple):
    """What there is before the first step that is drawn.

    `voices`: the parts of `score` that are sung on. `heard`: (steps, 4). `octaves`: how much higher each voice is heard than it is
    written. `home`: the pitch class of the first bass note; `tonic`: that of the key.
    """

    score: Score
    voices: list[Part]
    heard: Voices
    octaves: list[int]
    join_ticks: int
    home: int = NO_TONIC
    tonic: int = NO_TONIC


def generate(
    lines: Sequence[Given] | None,
    choir: Choir,
    config: GenerateConfig,
    drawing: DrawConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Takes:
    """Takes that go on from the four voices of a score, or begin from silence, reporting 16ths done and in all.

    Raises:
        ConfigError: a meter is given beside voices, or these are not of one length, or no pitch is left for one.
    """
    messages: list[str] = []
    if not lines:
        begun = from_silence(config)
    elif config.meter is not None:
        raise ConfigError("meter: a chorale goes on in the seed's; leave it out")
    else:
        begun, messages = after(lines, choir)
    if config.tempo_bpm is not None:
        if lines:
            messages.append(
                f"tempo {config.tempo_bpm:g} as asked; the seed's was {begun.score.tempo_at(begun.join_ticks).tempo_bpm:.4g}"
            )
        begun = begun._replace(score=replace(begun.score, tempos=[Tempo(0, config.tempo_bpm)]))
    join_ticks = begun.join_ticks
    end_ticks = join_ticks + config.bars * begun.score.meter_at(join_ticks).bar_ticks
    ticks = [*range(join_ticks, end_ticks, STEP_TICKS), end_ticks]
    first = -(-max(len(begun.heard) - LISTEN_STEPS, 0) // CYCLE) * CYCLE
    heard = begun.heard[first:]
    outline = Outline(
        voices=np.concatenate([heard, np.full((len(ticks) - 1, NUM_VOICES), REST, np.uint8)]),
        given=UNGIVEN,
        tonic=begun.home if first else NO_TONIC if lines else config.tonic,
        begun=len(heard),
        closing=closing_ticks(begun.score.meter_at(end_ticks - 1), config.bars) // STEP_TICKS,
        closes_in=begun.tonic if config.tonic == NO_TONIC else config.tonic,
    )
    made = [take[len(heard) :] for take in draw(outline, choir, drawing, progress)]
    scores = [sung_on(begun, take, ticks) for take in made]
    if config.continuation_only:
        return Takes([score.clip(join_ticks, end_ticks) for score in scores], 0, messages)
    return Takes(scores, join_ticks, messages)


def from_silence(config: GenerateConfig) -> Begun:
    """Four parts without notes."""
    voices = [Part(name, PROGRAM) for name in VOICES]
    score = Score(voices, [Tempo(0, TEMPO_BPM)], [Meter(0, *(config.meter or (4, 4)))])
    return Begun(score, voices, np.zeros((0, NUM_VOICES), np.uint8), [0] * NUM_VOICES, 0)


def after(lines: Sequence[Given], choir: Choir) -> tuple[Begun, list[str]]:
    """What is begun by four voices, which are heard to ring on to the bar line, and what a user should know of it."""
    score, grid = lines[0].score, on_grid(lines, choir.config)
    join_ticks = score.closing_bar_line()
    steps = max(round(join_ticks / STEP_TICKS) - grid.origin, 1)
    last = grid.voices[-1:].repeat(max(steps - len(grid.voices), 0), axis=0)
    bass = int(grid.voices[0, -1])
    begun = Begun(
        score=score,
        voices=[line.part for line in lines],
        heard=np.concatenate([grid.voices[:steps], last]),
        octaves=[grid.octaves[voice] for voice in range(NUM_VOICES)],
        join_ticks=join_ticks,
        home=NO_TONIC if bass == REST else bass % OCTAVE,
        tonic=tonic_of(grid.voices, (True,) * NUM_VOICES),
    )
    return begun, notices(grid, lines)


def closing_ticks(meter: Meter, bars: int) -> int:
    """How long the final chord lasts, of a piece of so many bars."""
    if bars == 1 or meter.bar_ticks % (4 * beat_ticks(meter)) == 0:
        return max(meter.bar_ticks // 2, STEP_TICKS)
    return meter.bar_ticks


def sung_on(begun: Begun, made: Voices, ticks: Sequence[int]) -> Score:
    """A score whose four voices go on with what they sing in steps that begin at ticks."""
    moves = np.concatenate([[True], (made[1:] != made[:-1]).any(axis=1)])
    strikes = {step for step in range(len(made)) if moves[step] and on_beat(begun.score, ticks[step])}
    parts = []
    for part in begun.score.parts:
        voice = next((i for i, other in enumerate(begun.voices) if other is part), None)
        if voice is not None:
            velocity = round(float(np.median([note.velocity for note in part.notes]))) if part.notes else VELOCITY
            column = made[:, voice].astype(np.int64) - OCTAVE * begun.octaves[voice]
            column += OCTAVE * (column < 0) - OCTAVE * (column > HIGHEST_PITCH)
            first = max([begun.join_ticks, *(note.offset_ticks for note in part.notes)])  # what was given may ring on a little
            part = replace(part, notes=part.notes + line_of(column, [first, *ticks[1:]], strikes, velocity))
        parts.append(part)
    return replace(begun.score, parts=parts)

"""Scores <-> events, the representation of symbolic music: one event a note, bar line or part.

An event is a row of `NUM_COLUMNS` small integers, -1 where a column does not apply. A piece is

    a PART for each instrument, then for each bar a BAR followed by its notes, then END.

A note is a NOTE when it moves the music on to a later position of its bar, and a CHORD when it has
the onset of the event before it. The grid has 24 steps a quarter note, which holds 32nds, triplets
and the push and pull of a player; durations are counted on it too, up to 64 quarters. Notes of one
onset are sorted by part and pitch, so each score has exactly one spelling. Every event repeats the
meter and tempo of its bar and every note the program of its part, as context for who reads it.

One LSTM step a note is a fifth of what a token for each attribute costs. The idea of several
attributes an event is Hsiao et al., *Compound Word Transformer*, 2021 (arXiv 2101.02402); ours
differ in that bars carry meter and tempo, and in the chain of heads (see `model`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from melodia.errors import MidiError
from melodia.instruments import DRUMS
from melodia.score import PPQ, Bar, Meter, Note, Part, Score, Tempo, sustained_array, without_overlaps

KIND, METER, TEMPO, POSITION, PART, PROGRAM, PITCH, VELOCITY, BEATS, STEPS = range(NUM_COLUMNS := 10)
KIND_PART, KIND_BAR, KIND_NOTE, KIND_CHORD, KIND_END = range(NUM_KINDS := 5)

STEPS_PER_QUARTER = 24
STEP_TICKS = PPQ // STEPS_PER_QUARTER
MAX_POSITION = 12 * STEPS_PER_QUARTER  # steps of the longest bar
MAX_QUARTERS = 64  # of a duration
MAX_PARTS = 16
VELOCITY_BIN = 4
SLOWEST_BPM, TEMPOS_PER_OCTAVE, NUM_TEMPOS = 20.0, 12, 48
METERS = tuple((n, d) for d in (1, 2, 4, 8, 16, 32) for n in range(1, 3 * d + 1))
METER_INDEX = {meter: i for i, meter in enumerate(METERS)}
BAR_STEPS = np.array([n * 4 * STEPS_PER_QUARTER // d for n, d in METERS])

SIZES = {
    KIND: NUM_KINDS,
    METER: len(METERS),
    TEMPO: NUM_TEMPOS,
    POSITION: MAX_POSITION,
    PART: MAX_PARTS,
    PROGRAM: DRUMS + 1,
    PITCH: 256,  # 0-127 pitches, 128-255 drums
    VELOCITY: 128 // VELOCITY_BIN,
    BEATS: MAX_QUARTERS,
    STEPS: STEPS_PER_QUARTER,
}
NAMES = ("kind", "meter", "tempo", "position", "part", "program", "pitch", "velocity", "beats", "steps")

Events = NDArray[np.int16]  # (events, NUM_COLUMNS)


def tempo_index(tempo_bpm: float) -> int:
    """The bin of a tempo: twelve to the doubling, from 20 to 300 to the minute."""
    return int(np.clip(round(np.log2(tempo_bpm / SLOWEST_BPM) * TEMPOS_PER_OCTAVE), 0, NUM_TEMPOS - 1))


def tempo_bpm(index: int) -> float:
    """The middle of a bin."""
    return float(SLOWEST_BPM * 2 ** (index / TEMPOS_PER_OCTAVE))


def part_order(parts: Sequence[Part], among: Sequence[int] | None = None) -> list[int]:
    """The indices of at most `MAX_PARTS` parts as the codec numbers them: from high to low, drums last.

    Where there are more, the first of `among` are taken, or without it those with the most notes. A
    part without notes stands where its kind of instrument usually plays.
    """
    if among is None or len(among) <= MAX_PARTS:
        fullest = sorted(range(len(parts)) if among is None else among, key=lambda i: -len(parts[i].notes))[:MAX_PARTS]
    else:
        fullest = list(among)[:MAX_PARTS]

    def rank(i: int) -> tuple[bool, float, int]:
        part = parts[i]
        usual = 40.0 if 32 <= part.program < 40 else 62.0
        height = float(np.mean([n.pitch for n in part.notes])) if part.notes else usual
        return part.is_drum, -height, i

    return sorted(fullest, key=rank)


def encode(score: Score, order: Sequence[int] | None = None, num_bars: int | None = None) -> Events:
    """Makes events of a score. Pedalled notes get the length that they sound.

    Args:
        score: what to encode.
        order: indices of the parts to encode; by default `part_order` of those that have notes.
        num_bars: how many bars there are to be, for a score with empty bars at its end.

    Returns:
        int16 (events, NUM_COLUMNS).

    Raises:
        MidiError: more than `MAX_PARTS` parts are asked for.
    """
    if order is None:
        order = [i for i in part_order(score.parts) if score.parts[i].notes]
    if len(order) > MAX_PARTS:
        raise MidiError(f"{len(order)} parts are too many at once; at most {MAX_PARTS}")
    parts = [score.parts[i] for i in order]
    notes = _grid_notes(parts)
    last_step = int(notes[:, 0].max()) if len(notes) else 0
    bars = score.bars(max((last_step + 1) * STEP_TICKS, score.closing_bar_line()))
    if num_bars is not None:
        bars = _exactly(bars, num_bars, score)
    notes = notes[notes[:, 0] < (bars[-1].offset_ticks // STEP_TICKS if bars else 0)]
    return _assemble(score, parts, bars, notes)


def _grid_notes(parts: Sequence[Part]) -> NDArray[np.int64]:
    """(notes, 5): onset in steps, part, pitch, velocity, duration in steps."""
    rows = []
    for slot, part in enumerate(parts):
        if part.notes:
            notes = sustained_array(part)
            onset = (notes[:, 0] + STEP_TICKS // 2) // STEP_TICKS
            duration = (notes[:, 1] - notes[:, 0] + STEP_TICKS // 2) // STEP_TICKS
            duration = np.clip(duration, 1, MAX_QUARTERS * STEPS_PER_QUARTER - 1)
            pitch = notes[:, 2] + 128 * part.is_drum
            rows.append(np.stack([onset, np.full_like(onset, slot), pitch, notes[:, 3], duration], axis=1))
    if not rows:
        return np.zeros((0, 5), dtype=np.int64)
    notes = np.concatenate(rows)
    notes = notes[np.lexsort((-notes[:, 4], notes[:, 2], notes[:, 1], notes[:, 0]))]
    again = np.zeros(len(notes), dtype=bool)
    again[1:] = (notes[1:, :3] == notes[:-1, :3]).all(axis=1)
    return notes[~again]


def _exactly(bars: list[Bar], num_bars: int, score: Score) -> list[Bar]:
    while len(bars) < num_bars:
        tick = bars[-1].offset_ticks if bars else 0
        meter = score.meter_at(tick)
        bars.append(Bar(tick, tick + meter.bar_ticks, meter))
    return bars[:num_bars]


def _assemble(score: Score, parts: Sequence[Part], bars: list[Bar], notes: NDArray[np.int64]) -> Events:
    bar_steps = np.array([bar.onset_ticks // STEP_TICKS for bar in bars], dtype=np.int64)
    note_bar = np.searchsorted(bar_steps, notes[:, 0], side="right") - 1
    num_parts, num_bars, num_notes = len(parts), len(bars), len(notes)
    events = np.full((num_parts + num_bars + num_notes + 1, NUM_COLUMNS), -1, dtype=np.int16)
    programs = np.array([DRUMS if part.is_drum else part.program for part in parts] or [0])
    events[:num_parts, KIND] = KIND_PART
    events[:num_parts, PART] = np.arange(num_parts)
    events[:num_parts, PROGRAM] = programs[:num_parts]
    bar_rows = num_parts + np.arange(num_bars) + np.searchsorted(note_bar, np.arange(num_bars))
    events[bar_rows, KIND] = KIND_BAR
    rows = num_parts + note_bar + 1 + np.arange(num_notes)
    chord = np.zeros(num_notes, dtype=bool)
    chord[1:] = notes[1:, 0] == notes[:-1, 0]
    events[rows, KIND] = np.where(chord, KIND_CHORD, KIND_NOTE)
    events[rows, POSITION] = notes[:, 0] - bar_steps[note_bar] if num_notes else 0
    events[rows, PART] = notes[:, 1]
    events[rows, PROGRAM] = programs[notes[:, 1]]
    events[rows, PITCH] = notes[:, 2]
    events[rows, VELOCITY] = notes[:, 3] // VELOCITY_BIN
    events[rows, BEATS] = notes[:, 4] // STEPS_PER_QUARTER
    events[rows, STEPS] = notes[:, 4] % STEPS_PER_QUARTER
    spans = [(bar.offset_ticks - bar.onset_ticks, bar.meter) for bar in bars]
    index_of = {span: _meter_index(*span) for span in set(spans)}
    meters = np.array([index_of[span] for span in spans])
    in_force = np.searchsorted([t.tick for t in score.tempos], [bar.onset_ticks for bar in bars], side="right") - 1
    tempos = np.array([tempo_index(tempo.tempo_bpm) for tempo in score.tempos])[np.maximum(in_force, 0)]
    for target, of_bar in ((bar_rows, np.arange(num_bars)), (rows, note_bar)):
        if len(target):
            events[target, METER], events[target, TEMPO] = meters[of_bar], tempos[of_bar]
    events[-1, KIND] = KIND_END
    return events


def _meter_index(ticks: int, meter: Meter) -> int:
    """The meter of a bar as long as it sounds."""
    if ticks == meter.bar_ticks:
        return METER_INDEX[meter.numerator, meter.denominator]
    return METER_INDEX[ticks * 8 // PPQ, 32]


def decode(events: Events, parts: Sequence[Part] | None = None) -> Score:
    """Makes a score of events.

    Args:
        events: (events, NUM_COLUMNS); PART rows may be missing if `parts` is given.
        parts: names, programs and channels to use, in the codec's order.
    """
    if parts is None:
        programs = [int(e[PROGRAM]) for e in events if e[KIND] == KIND_PART]
        parts = [Part(program=p % DRUMS, is_drum=p == DRUMS) for p in programs]
    notes: list[list[Note]] = [[] for _ in parts]
    meters: list[Meter] = []
    tempos: list[Tempo] = []
    bar_tick = next_bar = 0
    for row in events.tolist():
        if row[KIND] == KIND_BAR:
            bar_tick = next_bar
            numerator, denominator = METERS[row[METER]]
            next_bar += numerator * 4 * PPQ // denominator
            if not meters or meters[-1][1:] != (numerator, denominator):
                meters.append(Meter(bar_tick, numerator, denominator))
            if not tempos or tempo_index(tempos[-1].tempo_bpm) != row[TEMPO]:
                tempos.append(Tempo(bar_tick, tempo_bpm(row[TEMPO])))
        elif row[KIND] in (KIND_NOTE, KIND_CHORD):
            onset = bar_tick + row[POSITION] * STEP_TICKS
            duration = (row[BEATS] * STEPS_PER_QUARTER + row[STEPS]) * STEP_TICKS
            velocity = row[VELOCITY] * VELOCITY_BIN + VELOCITY_BIN // 2
            notes[row[PART]].append(Note(onset, onset + max(duration, STEP_TICKS), row[PITCH] % 128, velocity))
    made = [replace(p, notes=without_overlaps(n), controls=[]) for p, n in zip(parts, notes, strict=True)]
    return Score(made, tempos or [Tempo(0, 120.0)], meters or [Meter(0, 4, 4)])


def num_notes(events: Events) -> int:
    """How many of the events are notes."""
    return int(((events[:, KIND] == KIND_NOTE) | (events[:, KIND] == KIND_CHORD)).sum())

"""Reads a score with a composer and keeps what its network did: gates, cells, and surprise at each note.

A step is an event. Its traces are those after the network has read it; its surprise is what the
network lost on it before: the negative log-likelihood in nats, as in training, which sums to the bits of
`evaluate.score_pieces`. Times are in quarter notes from the first bar line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.composition.codec import (
    KIND,
    KIND_BAR,
    MAX_PARTS,
    METER,
    METERS,
    NAMES,
    POSITION,
    STEPS_PER_QUARTER,
    Events,
    encode,
    part_order,
)
from melodia.composition.data import make_piece
from melodia.composition.likelier import SHARES, likeliest, note_boxes
from melodia.composition.model import Batch, Composer
from melodia.composition.recall import look_up
from melodia.composition.signals import EXPLAINED, event_times, name_signals
from melodia.errors import ConfigError
from melodia.inspection.reading import Floats, Reading
from melodia.lstm import State
from melodia.midi import part_name
from melodia.score import Score

MOST_EVENTS = 4000  # whose traces are kept
MOST_VALUES = 2**27  # numbers in them: half a gigabyte
LENGTH = 256  # events read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A reading, the nats a note of each attribute (bars and parts counted too), and what the user should know."""

    reading: Reading
    nats_by_attribute: dict[str, float]
    messages: list[str]

    @property
    def nats_a_note(self) -> float:
        """Of everything read so far, bars and parts too, divided by the notes: as `evaluate` counts."""
        return sum(self.nats_by_attribute.values())


def inspect(composer: Composer, score: Score, bars: tuple[int, int] | None = None, title: str = "", model: str = "") -> Inspection:
    """Reads a score from its beginning and keeps the traces of some bars.

    Args:
        composer: who reads.
        score: what is read.
        bars: first and last bar to keep, from 1; None keeps as much as fits.
        title: what the piece is called.
        model: what the composer is called.

    Raises:
        ConfigError: there are no such bars.
    """
    order = [i for i in part_order(score.parts) if score.parts[i].notes]
    playing = sum(bool(part.notes) for part in score.parts)
    events = encode(score, order)
    messages = [f"only the {MAX_PARTS} fullest of {playing} parts are read"] if playing > MAX_PARTS else []
    begin, end = _window(events, bars, _most_events(composer), messages)
    events = events[: end + 1]
    nats, expected = read_surprise(composer, events)
    names = _distinct([part_name(score.parts[i]) for i in order])
    times = event_times(events) / STEPS_PER_QUARTER
    signals = name_signals(events, names) | {"surprise": np.where(events[:, POSITION] >= 0, nats.sum(axis=1), np.nan)}
    notes = np.flatnonzero(events[:end, POSITION] >= 0)
    kept = notes[notes >= begin]
    reading = Reading(
        title=title,
        model=model,
        facts=_facts(composer, score, len(kept), events, (begin, end)),
        times=times[begin:end],
        end=float(max(times[end], times[begin] + 1 / STEPS_PER_QUARTER)),
        traces=read_traces(composer, events, begin, end),
        signals={name: values[begin:end] for name, values in signals.items()},
        explained=EXPLAINED | {f"{name} plays": "the note is this part's" for name in names},
        ticks=_ticks(events, times, begin, end),
        boxes=note_boxes(events, begin, nats, expected, names),
        groups=names,
        share_names=tuple(SHARES),
    )
    by_attribute = nats.sum(axis=0) / max(len(notes), 1)
    return Inspection(reading=reading, nats_by_attribute=dict(zip(NAMES, by_attribute.tolist(), strict=True)), messages=messages)


def _most_events(composer: Composer) -> int:
    config = composer.config
    kinds = 6 if config.cell == "lstm" else 4
    return max(min(MOST_EVENTS, MOST_VALUES // (kinds * config.hidden_size * config.num_layers)), 16)


def _window(events: Events, bars: tuple[int, int] | None, most: int, messages: list[str]) -> tuple[int, int]:
    """First event to keep, and the one after the last; the end mark is never read."""
    lines = np.append(np.flatnonzero(events[:, KIND] == KIND_BAR), len(events) - 1)
    count = len(lines) - 1
    if bars and not 1 <= bars[0] <= bars[1]:
        raise ConfigError(f"bars: {bars[0]}-{bars[1]} is no range; write for example 5-8, counted from 1")
    if bars and bars[0] > count:
        raise ConfigError(f"bars: {bars[0]} is past the end; there are {count} bars")
    first, last = (bars[0] - 1, min(bars[1], count)) if bars else (0, count)
    begin, end = int(lines[first]), int(lines[last])
    if end - begin <= most:
        return begin, end
    whole = int(np.searchsorted(lines, begin + most, side="right")) - 1
    end = int(lines[whole]) if whole > first else begin + most
    shown = f"bars {first + 1}-{whole}" if whole > first else f"part of bar {first + 1}"
    messages.append(f"{shown} of {count}: at most {most:,} events are kept; choose others with --bars")
    return begin, end


def _distinct(names: Sequence[str]) -> list[str]:
    """Equal names numbered."""
    return [f"{name} {names[:i].count(name) + 1}" if names.count(name) > 1 else name for i, name in enumerate(names)]


def _facts(composer: Composer, score: Score, notes: int, events: Events, window: tuple[int, int]) -> list[str]:
    config = composer.config
    lines = np.cumsum(events[:, KIND] == KIND_BAR)
    first, last = int(lines[window[0]]), int(lines[window[1] - 1])
    numerator, denominator = METERS[int(np.bincount(events[slice(*window), METER]).argmax())]  # the commonest
    tempo = score.tempos[0].tempo_bpm
    extras = [name for name, given in (("residual", config.residual), ("layer norm", config.layer_norm)) if given]
    return [
        f"bars {first}–{last}" if last > first else f"bar {first}",
        f"{numerator}/{denominator} at {tempo:.0f}",
        f"{notes:,} notes" if notes != 1 else "1 note",
        ", ".join([f"{config.num_layers} × {config.hidden_size} {config.cell.upper()} units", *extras]),
    ]


def _ticks(events: Events, times: Floats, begin: int, end: int) -> list[tuple[float, str]]:
    rows = np.flatnonzero(events[:, KIND] == KIND_BAR)
    return [(float(times[row]), str(i + 1)) for i, row in enumerate(rows) if begin <= row < end]


@torch.no_grad()
def read_surprise(composer: Composer, events: Events) -> tuple[Floats, dict[int, NDArray[np.float64]]]:
    """What the network lost on each event, and what it thought likeliest.

    Returns:
        nats (events, NUM_COLUMNS), 0 for the first, which is given; and for each column of `likelier`
        (events, 2): the likeliest value and its probability, NaN where the event is no note.
    """
    state: State | None = None
    nats, expected = [np.zeros((1, len(NAMES)))], []
    for batch in _windows(composer, events, range(0, len(events) - 1, LENGTH)):
        hidden, _ = composer(batch.inputs, batch.recalled, state)
        lost, targets, state = composer.surprise(batch, state)
        nats.append(lost.cpu().double().numpy())
        expected.append(likeliest(composer, batch, hidden[0, : len(targets)]))
    found = {column: np.concatenate([np.full((1, 2), np.nan), *(e[column] for e in expected)]) for column in expected[0]}
    return np.concatenate(nats), found


@torch.no_grad()
def read_traces(composer: Composer, events: Events, begin: int, end: int) -> list[dict[str, Floats]]:
    """Reads from the first event on and keeps the traces of [begin, end): of each layer (events, units) float32."""
    state: State | None = None
    kept: list[list[dict[str, Floats]]] = []
    starts = [*range(0, begin, LENGTH), *range(begin, end, LENGTH)]
    for start, batch in zip(starts, _windows(composer, events[: end + 1], starts), strict=True):
        x = composer.read(batch.inputs, batch.recalled)
        if start < begin:
            _, state = composer.lstm(x, state)
            continue
        traces = composer.lstm.trace(x, state)
        state = tuple(torch.stack([t[name][:, -1] for t in traces]) for name in ("hidden", "cell") if name in traces[0])
        kept.append([{name: values[0].float().cpu().numpy() for name, values in trace.items()} for trace in traces])
    return [
        {name: np.concatenate([window[depth][name] for window in kept]) for name in kept[0][depth]} for depth in range(len(kept[0]))
    ]


def _windows(composer: Composer, events: Events, starts: Sequence[int]) -> Iterator[Batch]:
    """A piece as windows from these events on, where the composer is."""
    device = next(composer.parameters()).device
    piece = make_piece(events)
    rows, programs = events.astype(np.int64), torch.from_numpy(piece.programs)[None].to(device)
    for start, stop in zip(starts, [*starts[1:], len(events) - 1], strict=True):
        recalled = look_up(events, piece.pointers[start:stop]).astype(np.int64)
        arrays = (rows[start:stop], recalled, rows[start + 1 : stop + 1])
        inputs, found, targets = [torch.from_numpy(array)[None].to(device) for array in arrays]
        yield Batch(inputs, found, targets, programs, fresh=torch.zeros(1, dtype=torch.bool, device=device))

"""What the network lost on a note, in five shares, and what it thought likelier, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from melodia.composition.codec import (
    BEATS,
    KIND,
    KIND_BAR,
    KIND_CHORD,
    KIND_END,
    PART,
    PITCH,
    POSITION,
    STEPS,
    STEPS_PER_QUARTER,
    VELOCITY,
    VELOCITY_BIN,
    Events,
)
from melodia.composition.model import Batch, Composer, is_note
from melodia.composition.signals import beat_steps, durations, event_times
from melodia.inspection.reading import Box, Floats

SHARES = {"time": (KIND, POSITION), "part": (PART,), "pitch": (PITCH,), "velocity": (VELOCITY,), "duration": (BEATS, STEPS)}
COLUMNS = tuple(column for columns in SHARES.values() for column in columns)
PITCH_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
DRUM_NAMES = {
    35: "kick", 36: "kick", 37: "side stick", 38: "snare", 39: "clap", 40: "snare", 41: "low tom", 42: "closed hi-hat",
    43: "low tom", 44: "pedal hi-hat", 45: "mid tom", 46: "open hi-hat", 47: "mid tom", 48: "high tom", 49: "crash",
    50: "high tom", 51: "ride", 52: "china", 53: "ride bell", 54: "tambourine", 55: "splash", 56: "cowbell", 57: "crash",
    59: "ride",
}  # fmt: skip


def likeliest(composer: Composer, batch: Batch, hidden: Tensor) -> dict[int, NDArray[np.float64]]:
    """The likeliest value of each attribute of each note, given what stands before it in the event.

    Args:
        composer: who reads.
        batch: of one item.
        hidden: (targets, hidden_size), after each input.

    Returns:
        for each column (targets, 2): value and probability; NaN for what is no note.
    """
    targets, inputs = batch.targets[0, : len(hidden)], batch.inputs[0, : len(hidden)]
    rows = is_note(targets)
    programs = batch.programs.expand(len(hidden), -1)
    found = {}
    for column in COLUMNS:
        of_column = rows & (targets[:, KIND] != KIND_CHORD) if column == POSITION else rows
        logits = composer.logits(column, hidden[of_column], targets[of_column], inputs[of_column], programs[of_column])
        result = np.full((len(hidden), 2), np.nan)
        if len(logits):
            best = logits.softmax(-1).max(-1)
            result[of_column.cpu().numpy()] = np.stack([best.indices.cpu().numpy(), best.values.cpu().numpy()], axis=1)
        found[column] = result
    return found


def note_boxes(
    events: Events, begin: int, nats: Floats, expected: dict[int, NDArray[np.float64]], part_names: Sequence[str]
) -> list[Box]:
    """The notes from a row on as they are drawn, their steps counted from that row.

    Args:
        events: (events, NUM_COLUMNS), a piece from its beginning, and after what is drawn one event more.
        begin: the row.
        nats: (events, NUM_COLUMNS) lost on each.
        expected: as `likeliest` gives them.
        part_names: of each part.
    """
    onsets, lengths, beats = event_times(events), durations(events), beat_steps(events)
    boxes = []
    for row in range(begin, len(events) - 1):
        event = events[row]
        if event[POSITION] < 0:
            continue
        shares = tuple(float(nats[row, list(columns)].sum()) for columns in SHARES.values())
        part, place = part_names[event[PART]], 1 + event[POSITION] / beats[row]
        boxes.append(
            Box(
                step=row - begin,
                onset=float(onsets[row] / STEPS_PER_QUARTER),
                offset=float((onsets[row] + lengths[row]) / STEPS_PER_QUARTER),
                height=float(event[PITCH] % 128),
                group=int(event[PART]),
                nats=sum(shares),
                label=f"{pitch_text(int(event[PITCH]))} · {part} · beat {place:.3g}",
                shares=shares,
                likelier=_likelier(row, event, nats, expected, (part_names, beats[row])),
            )
        )
    return boxes


def pitch_text(pitch: int) -> str:
    """60 -> C4; of drums, which count from 128, what is struck."""
    if pitch >= 128:
        return DRUM_NAMES.get(pitch - 128, f"drum {pitch - 128}")
    return f"{PITCH_NAMES[pitch % 12]}{pitch // 12 - 1}".replace("-", "−")


def _velocity(index: int) -> int:
    """The middle of a bin."""
    return int(index) * VELOCITY_BIN + VELOCITY_BIN // 2


def _likelier(
    row: int, event: NDArray[np.int16], nats: Floats, expected: dict[int, NDArray[np.float64]], context: tuple[Sequence[str], int]
) -> str:
    """What was likelier at the attribute that surprised most; nothing where the note itself was likeliest."""
    column = max(COLUMNS, key=lambda c: float(nats[row, c]))
    value, probability = expected[column][row]
    if not np.isfinite(value) or int(value) == event[column]:
        return ""
    part_names, beat = context
    index = int(value)
    if column == KIND:
        text = {KIND_BAR: "a bar line", KIND_CHORD: "a note at once", KIND_END: "the end"}.get(index, "a note later on")
    elif column == PART:
        text = part_names[index]
    elif column == POSITION:
        text = f"beat {1 + index / beat:.3g}"
    elif column == PITCH:
        text = pitch_text(index)
    elif column == VELOCITY:
        text = f"velocity {_velocity(index)} rather than {_velocity(event[VELOCITY])}"
    else:
        given = event[BEATS] + event[STEPS] / STEPS_PER_QUARTER
        quarters = index + event[STEPS] / STEPS_PER_QUARTER if column == BEATS else event[BEATS] + index / STEPS_PER_QUARTER
        text = f"{quarters:.3g} quarters long rather than {given:.3g}"
    return f"{text} ({probability:.0%})"

"""The baselines: interpolated n-grams over the same representation.

Each event is spelt as its attributes, in the order of the composer's heads, and each is predicted
from a context that grows one symbol at a time. Two spellings of the context:

    tokens   the n-1 attributes before, whatever they are: an ordinary n-gram of the token stream;
    events   what matters most of the event at hand (a pitch's part, say), then the same attribute of
             the n-1 events before: a stronger baseline, for it sees n-1 notes instead of one.

Levels are interpolated after Witten and Bell (1991; Chen and Goodman 1998):
p_k = (count + types * p_{k-1}) / (total + types), down to uniform over the classes of the attribute
at hand, which is known. Order 1 of `tokens` is the unigram of each attribute.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.composition.codec import (
    BAR_STEPS,
    BEATS,
    KIND,
    KIND_BAR,
    KIND_CHORD,
    KIND_END,
    KIND_NOTE,
    KIND_PART,
    MAX_POSITION,
    METER,
    NUM_COLUMNS,
    PART,
    PITCH,
    POSITION,
    PROGRAM,
    SIZES,
    STEPS,
    TEMPO,
    VELOCITY,
    Events,
    num_notes,
)
from melodia.composition.model import NEXT_KINDS
from melodia.instruments import DRUMS

SPELLING = {
    KIND_PART: (KIND, PROGRAM),
    KIND_BAR: (KIND, METER, TEMPO),
    KIND_NOTE: (KIND, POSITION, PART, PITCH, VELOCITY, BEATS, STEPS),
    KIND_CHORD: (KIND, PART, PITCH, VELOCITY, BEATS, STEPS),
    KIND_END: (KIND,),
}
OFFSETS = dict(zip(range(NUM_COLUMNS), np.cumsum([0] + [SIZES[c] for c in range(NUM_COLUMNS - 1)]).tolist(), strict=True))
NUM_TOKENS = sum(SIZES.values())
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Table(NamedTuple):
    """Counts after the contexts of one length: those of context k are in rows starts[k]:starts[k+1]."""

    contexts: NDArray[np.uint64]  # hashes, sorted
    starts: NDArray[np.int64]
    tokens: NDArray[np.int32]
    counts: NDArray[np.int64]
    totals: NDArray[np.int64]  # of each context
    pairs: NDArray[np.int64]  # context index * NUM_TOKENS + token, sorted


LEADS = {PART: (KIND,), PITCH: (PART,), VELOCITY: (PART,), BEATS: (PART,), STEPS: (BEATS, PART)}
MAX_LEADS = 2
ABSENT = NUM_TOKENS  # before the beginning
UNUSED = -1  # no further level


def spell(events: Events, order: int, by_event: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int16]]:
    """Tokens of a piece, the column of each, and its context, the most telling symbol first.

    The first event is given, as it is to the composer.
    """
    wide = events.astype(np.int64)
    columns = np.full((len(wide), 7), -1, dtype=np.int64)
    for kind, spelling in SPELLING.items():
        columns[wide[:, KIND] == kind, : len(spelling)] = spelling
    used = columns >= 0
    used[0] = False
    rows = np.broadcast_to(np.arange(len(wide))[:, None], columns.shape)[used]
    columns = columns[used]
    offsets = np.array([OFFSETS[c] for c in range(NUM_COLUMNS)])
    tokens = wide[rows, columns] + offsets[columns]
    if not by_event:
        contexts = np.full((len(tokens), order - 1), ABSENT, dtype=np.int16)
        for back in range(1, order):
            contexts[back:, back - 1] = tokens[:-back]
        return tokens, columns, contexts
    contexts = np.full((len(tokens), MAX_LEADS + order - 1), UNUSED, dtype=np.int16)
    for column in range(NUM_COLUMNS):
        here = columns == column
        leads = LEADS.get(column, ())
        for place, lead in enumerate(leads):
            contexts[here, place] = wide[rows[here], lead] + OFFSETS[lead]
        for back in range(1, order):
            earlier = rows[here] - back
            value = np.where(earlier >= 0, wide[np.maximum(earlier, 0), column], -1)
            contexts[here, len(leads) + back - 1] = np.where(value >= 0, value + OFFSETS[column], ABSENT)
    return tokens, columns, contexts


def _hashes(columns: NDArray[np.int64], contexts: NDArray[np.int16], length: int) -> NDArray[np.uint64]:
    """A hash of a column and the first `length` symbols of the context; 0 where it is not so long."""
    code = columns.astype(np.uint64) + np.uint64(1)
    with np.errstate(over="ignore"):
        for place in range(length):
            code = code * MULTIPLIER + contexts[:, place].astype(np.uint64) + np.uint64(1)
            code ^= code >> np.uint64(29)
    return np.where(contexts[:, length - 1] == UNUSED, np.uint64(0), code) if length else code


class NGram:
    """Counts of a corpus, and what they say of other pieces."""

    def __init__(self, pieces: Sequence[Events], order: int, by_event: bool = False) -> None:
        """Counts the tokens of pieces after each context, up to order - 1 tokens or events back."""
        self.order, self.by_event = order, by_event
        spelt = [spell(np.asarray(p), order, by_event) for p in pieces]
        tokens = np.concatenate([t for t, _, _ in spelt])
        columns = np.concatenate([c for _, c, _ in spelt])
        contexts = np.concatenate([c for _, _, c in spelt])
        self.tables = [_count(_hashes(columns, contexts, length), tokens) for length in range(contexts.shape[1] + 1)]

    def log_probs(self, events: Events, levels: int | None = None) -> NDArray[np.float64]:
        """The log-probability of each token of a piece, with all levels of context or the first few."""
        tokens, columns, contexts = spell(events, self.order, self.by_event)
        probs = 1.0 / np.array([SIZES[c] for c in range(NUM_COLUMNS)])[columns]
        for length, table in enumerate(self.tables[:levels]):
            codes = _hashes(columns, contexts, length)
            at = np.minimum(np.searchsorted(table.contexts, codes), len(table.contexts) - 1)
            known = (table.contexts[at] == codes) & (codes != 0)
            pairs = at * NUM_TOKENS + tokens
            row = np.minimum(np.searchsorted(table.pairs, pairs), len(table.pairs) - 1)
            count = np.where(known & (table.pairs[row] == pairs), table.counts[row], 0)
            types = table.starts[at + 1] - table.starts[at]
            probs = np.where(known, (count + types * probs) / (table.totals[at] + types), probs)
        return np.log(probs)

    def bits_a_note(self, pieces: Sequence[Events], levels: int | None = None) -> float:
        """Bits a note of pieces."""
        nats = -sum(float(self.log_probs(np.asarray(p), levels).sum()) for p in pieces)
        return nats / math.log(2) / sum(num_notes(p) for p in pieces)

    def distribution(self, rows: list[list[int]], column: int) -> NDArray[np.float64]:
        """(classes,): the probabilities of an attribute of the last row, as far as that is filled."""
        recent = [list(row) for row in rows[-self.order - 1 :]]
        recent[-1][column] = max(recent[-1][column], 0)  # so that it is spelt
        _, columns, contexts = spell(np.array(recent), self.order, self.by_event)
        at_hand = np.flatnonzero(columns == column)[-1:]
        first, size = OFFSETS[column], SIZES[column]
        probs = np.full(size, 1.0 / size)
        for length, table in enumerate(self.tables):
            code = _hashes(columns[at_hand], contexts[at_hand], length)[0]
            at = int(np.searchsorted(table.contexts, code))
            if code and at < len(table.contexts) and table.contexts[at] == code:
                found = slice(int(table.starts[at]), int(table.starts[at + 1]))
                counts = np.zeros(size)
                counts[table.tokens[found] - first] = table.counts[found]
                types = found.stop - found.start
                probs = (counts + types * probs) / (table.totals[at] + types)
        return probs

    def continue_piece(self, primer: Events, num_bars: int, random: np.random.Generator) -> Events:
        """Draws bars after a primer (without END), under the same rules of order as the composer."""
        rows = [[int(v) for v in row] for row in primer.tolist()]
        programs = [row[PROGRAM] for row in rows if row[KIND] == KIND_PART]
        bars, first = 0, len(rows)
        while True:
            before = rows[-1]
            row = [-1] * NUM_COLUMNS
            rows.append(row)
            kinds = [KIND_BAR] if bars == 0 else [k for k in NEXT_KINDS[before[KIND]] if k != KIND_END]
            if before[POSITION] + 1 >= (BAR_STEPS[before[METER]] if before[METER] >= 0 else MAX_POSITION):
                kinds = [k for k in kinds if k != KIND_NOTE]
            if before[PITCH] in (127, 255):  # nothing is above it
                kinds = [k for k in kinds if k != KIND_CHORD]
            row[KIND] = self._draw(rows, KIND, np.isin(np.arange(SIZES[KIND]), kinds), random)
            if row[KIND] == KIND_BAR and bars == num_bars:
                header = [r for r in rows[:first] if r[KIND] == KIND_PART]
                return np.array(header + rows[first:-1], dtype=np.int16)
            row[METER], row[TEMPO] = before[METER], before[TEMPO]
            if row[KIND] == KIND_BAR:
                bars += 1
                continue
            row[POSITION] = before[POSITION]
            for column in SPELLING[row[KIND]][1:]:
                row[column] = self._draw(rows, column, _allowed(column, row, before, programs), random)
                if column == PART:
                    row[PROGRAM] = programs[row[PART]]

    def _draw(self, rows: list[list[int]], column: int, allowed: NDArray[np.bool_], random: np.random.Generator) -> int:
        probs = np.where(allowed, self.distribution(rows, column), 0)
        if probs.sum() == 0:
            probs = allowed.astype(float)
        return int(random.choice(len(probs), p=probs / probs.sum()))


def _count(codes: NDArray[np.uint64], tokens: NDArray[np.int64]) -> Table:
    used = codes != 0
    contexts, inverse = np.unique(codes[used], return_inverse=True)
    pairs, counts = np.unique(inverse.astype(np.int64) * NUM_TOKENS + tokens[used], return_counts=True)
    starts = np.searchsorted(pairs // NUM_TOKENS, np.arange(len(contexts) + 1))
    return Table(contexts, starts, (pairs % NUM_TOKENS).astype(np.int32), counts, np.add.reduceat(counts, starts[:-1]), pairs)


def _allowed(column: int, row: list[int], before: list[int], programs: list[int]) -> NDArray[np.bool_]:
    classes = np.arange(SIZES[column])
    allowed: NDArray[np.bool_] = np.ones(SIZES[column], dtype=bool)
    if column == POSITION:
        allowed = (classes > before[POSITION]) & (classes < BAR_STEPS[before[METER]])
    if column == PART:
        allowed = (classes < len(programs)) & (classes >= (before[PART] if row[KIND] == KIND_CHORD else 0))
    if column == PITCH:
        allowed = (classes >= 128) == (row[PROGRAM] == DRUMS)
        if row[KIND] == KIND_CHORD and row[PART] == before[PART]:
            allowed &= classes > before[PITCH]
    if column == STEPS and row[BEATS] == 0:
        allowed = classes > 0
    return allowed

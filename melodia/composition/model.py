"""The composer: a stacked LSTM over events, with a chain of small conditional heads.

Each step reads one event, and the events that it recalls, as sums of linear maps of embeddings. The
hidden state then gives the next event attribute by attribute, each head seeing the attributes
already chosen, so that the product of the heads is an exact probability of the event:

    kind; of a part its program; of a bar its meter, its tempo; of a note its position (if not a
    chord), part, pitch, velocity, and duration as whole beats and steps.

What the codec's order rules out (a position before the last, a part out of order, the pitch of a
drum for a flute) is masked, in training as in sampling, so no probability is lost on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from melodia.composition import codec
from melodia.composition.codec import (
    BEATS,
    KIND,
    KIND_BAR,
    KIND_CHORD,
    KIND_END,
    KIND_NOTE,
    KIND_PART,
    MAX_PARTS,
    METER,
    NUM_COLUMNS,
    NUM_KINDS,
    PART,
    PITCH,
    POSITION,
    PROGRAM,
    SIZES,
    STEPS,
    TEMPO,
    VELOCITY,
)
from melodia.composition.recall import NUM_SOURCES
from melodia.composition.styles import STYLES
from melodia.config import check_range
from melodia.errors import ConfigError
from melodia.instruments import DRUMS
from melodia.lstm import LSTMConfig, StackedLSTM, State, restarted

# what each head sees besides the hidden state
CONDITIONS = {
    KIND: (),
    PROGRAM: (),
    METER: (),
    TEMPO: (METER,),
    POSITION: (),
    PART: (KIND, POSITION),
    PITCH: (KIND, POSITION, PART, PROGRAM),
    VELOCITY: (POSITION, PART, PROGRAM, PITCH),
    BEATS: (POSITION, PART, PROGRAM, PITCH, VELOCITY),
    STEPS: (POSITION, PART, PROGRAM, PITCH, VELOCITY, BEATS),
}
RECALLED = (KIND, POSITION, PART, PITCH, VELOCITY, BEATS, STEPS)  # what is read of a recalled event
NEXT_KINDS = {
    KIND_PART: (KIND_PART, KIND_BAR),
    KIND_BAR: (KIND_BAR, KIND_NOTE, KIND_END),
    KIND_NOTE: (KIND_BAR, KIND_NOTE, KIND_CHORD, KIND_END),
    KIND_CHORD: (KIND_BAR, KIND_NOTE, KIND_CHORD, KIND_END),
    KIND_END: (KIND_PART,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposerConfig:
    """Sizes of the network; `dropout` is the rate on inputs and between and after the layers. `style`: what it plays.

    `program`: who plays a melody from silence if nobody is named.
    """

    embedding_size: int = 64
    hidden_size: int = 512
    num_layers: int = 2
    head_size: int = 192
    dropout: float = 0.2
    cell: str = "lstm"
    residual: bool = False
    layer_norm: bool = False
    style: str = "any"
    program: int = 0

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ConfigError(f"style: '{self.style}' is not known; it must be {', '.join(STYLES)}")
        check_range("program", self.program, 0, DRUMS)
        check_range("embedding_size", self.embedding_size, 1)
        check_range("head_size", self.head_size, 1)
        self.stack()  # checks the rest

    def stack(self) -> LSTMConfig:
        """The recurrent layers."""
        return LSTMConfig(
            input_size=self.hidden_size,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            cell=self.cell,
            residual=self.residual,
            layer_norm=self.layer_norm,
        )


class Batch(NamedTuple):
    """Windows of pieces, one stream an item; -1 fills what does not apply and what is past a piece's end."""

    inputs: Tensor  # (batch, length, NUM_COLUMNS) int64
    recalled: Tensor  # (batch, length, NUM_SOURCES, NUM_COLUMNS) int64
    targets: Tensor  # (batch, length, NUM_COLUMNS) int64: the event after each input
    programs: Tensor  # (batch, MAX_PARTS) int64: the piece's parts, -1 where there is none
    fresh: Tensor  # (batch,) bool: the window begins a piece


class Head(nn.Module):
    """Logits of one attribute, from the hidden state and what is chosen already."""

    def __init__(self, input_size: int, hidden_size: int, num_classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(input_size, hidden_size)
        self.output = nn.Linear(hidden_size, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(events, input_size) -> (events, num_classes)."""
        logits: Tensor = self.output(F.silu(self.hidden(x)))
        return logits


class Composer(nn.Module):
    """See the module."""

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__()
        self.config = config
        size, hidden = config.embedding_size, config.hidden_size
        sizes = torch.tensor([SIZES[c] + 1 for c in range(NUM_COLUMNS)])  # row 0 of each: does not apply
        self.embedding = nn.Embedding(int(sizes.sum()), size)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.register_buffer("offsets", torch.cumsum(sizes, 0) - sizes + 1, persistent=False)
        self.read_event = nn.Linear(NUM_COLUMNS * size, hidden)
        self.read_recalled = nn.Linear(NUM_SOURCES * len(RECALLED) * size, hidden, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.lstm = StackedLSTM(config.stack())
        self.heads = nn.ModuleDict()
        for column, conditions in CONDITIONS.items():
            num_classes = size if column == PART else SIZES[column]  # a part is pointed at
            self.heads[codec.NAMES[column]] = Head(hidden + len(conditions) * size, config.head_size, num_classes)
        self.register_buffer("next_kinds", _next_kinds(), persistent=False)
        self.register_buffer("bar_steps", torch.from_numpy(codec.BAR_STEPS), persistent=False)

    def forward(self, inputs: Tensor, recalled: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Reads events.

        Args:
            inputs: (batch, length, NUM_COLUMNS) int64.
            recalled: (batch, length, NUM_SOURCES, NUM_COLUMNS) int64.
            state: of the stack; None starts a piece.

        Returns:
            (batch, length, hidden_size), from which the heads give each next event, and the state.
        """
        y, state = self.lstm(self.dropout(self.read(inputs, recalled)), state)
        return self.dropout(y), state

    def read(self, inputs: Tensor, recalled: Tensor) -> Tensor:
        """What the recurrent layers see: (batch, length, hidden_size). Arguments as of `forward`."""
        return F.silu(self.read_event(self.embed(inputs)) + self.read_recalled(self.embed(recalled, RECALLED).flatten(2)))

    def embed(self, events: Tensor, columns: Sequence[int] = tuple(range(NUM_COLUMNS))) -> Tensor:
        """(..., NUM_COLUMNS) -> (..., columns * embedding_size)."""
        offsets: Tensor = self.offsets  # type: ignore[assignment]
        rows = (events + offsets)[..., list(columns)]
        weight = self.embedding.weight
        if torch.is_autocast_enabled(weight.device.type):  # once, rather than each looked-up row
            weight = weight.to(torch.get_autocast_dtype(weight.device.type))
        return F.embedding(rows, weight).flatten(-2)

    def logits(self, column: int, hidden: Tensor, event: Tensor, before: Tensor, programs: Tensor) -> Tensor:
        """Masked logits of one attribute of the next events.

        Args:
            column: which attribute.
            hidden: (events, hidden_size).
            event: (events, NUM_COLUMNS), the next events as far as they are chosen.
            before: (events, NUM_COLUMNS), the events before them.
            programs: (events, MAX_PARTS), the programs of the piece's parts, -1 where there is none.

        Returns:
            (events, classes) float32, -inf where the codec's order forbids.
        """
        scores, allowed = self.scores(column, hidden, event, programs), self.allowed(column, event, before, programs)
        return scores if allowed is None else scores.masked_fill(~allowed, -torch.inf)

    def scores(self, column: int, hidden: Tensor, event: Tensor, programs: Tensor) -> Tensor:
        """The same without the codec's order."""
        conditions = CONDITIONS[column]
        x = torch.cat([hidden, self.embed(event, conditions).to(hidden.dtype)], dim=-1) if conditions else hidden
        logits: Tensor = self.heads[codec.NAMES[column]](x)
        return (self._point_at_parts(logits, programs) if column == PART else logits).float()

    def _point_at_parts(self, queries: Tensor, programs: Tensor) -> Tensor:
        """(events, embedding_size) -> (events, MAX_PARTS): how well each part, by number and program, fits."""
        offsets: Tensor = self.offsets  # type: ignore[assignment]
        slots = torch.arange(MAX_PARTS, device=queries.device)
        weight = self.embedding.weight.to(queries.dtype)
        by_slot = queries @ F.embedding(offsets[PART] + slots, weight).T
        by_program = queries @ F.embedding(offsets[PROGRAM] + torch.arange(-1, DRUMS + 1, device=queries.device), weight).T
        return by_slot + by_program.gather(1, programs + 1)

    def allowed(self, column: int, event: Tensor, before: Tensor, programs: Tensor) -> Tensor | None:
        """(events, classes) bool: what the codec's order permits; None if anything."""
        classes = torch.arange(SIZES[column], device=event.device)[None]
        chord = (event[:, KIND] == KIND_CHORD)[:, None]
        if column == KIND:
            table: Tensor = self.next_kinds  # type: ignore[assignment]
            following: Tensor = table[before[:, KIND]]
            return following
        if column == POSITION:
            bar_steps: Tensor = self.bar_steps  # type: ignore[assignment]
            return (classes > before[:, POSITION, None]) & (classes < bar_steps[before[:, METER], None])
        if column == PART:
            return (programs >= 0) & (~chord | (classes >= before[:, PART, None]))
        if column == PITCH:
            drums = (event[:, PROGRAM] == DRUMS)[:, None]
            ascending = ~(chord & (event[:, PART] == before[:, PART])[:, None]) | (classes > before[:, PITCH, None])
            return ((classes >= 128) == drums) & ascending
        return None

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, Tensor, State]:
        """Nats of the targets, summed, and their notes counted: see `surprise`."""
        nats, events, state = self.surprise(batch, state)
        return nats.sum(), is_note(events).sum(), state

    def surprise(self, batch: Batch, state: State | None) -> tuple[Tensor, Tensor, State]:
        """Negative log-likelihood of each attribute of each target.

        Returns:
            nats (targets, NUM_COLUMNS), 0 where an attribute does not apply; the targets themselves
            (targets, NUM_COLUMNS), item after item without the padding; and the state.
        """
        if state is not None:
            state = restarted(state, batch.fresh)
        hidden, state = self(batch.inputs, batch.recalled, state)
        valid = batch.targets[..., KIND] >= 0
        programs = batch.programs[:, None].expand(-1, batch.inputs.shape[1], -1)[valid]
        hidden, before, event = hidden[valid], batch.inputs[valid], batch.targets[valid]
        kind, notes = event[:, KIND], is_note(event)
        where = {PROGRAM: kind == KIND_PART, METER: kind == KIND_BAR, TEMPO: kind == KIND_BAR, POSITION: kind == KIND_NOTE}
        nats = []
        for column in range(NUM_COLUMNS):
            rows = slice(None) if column == KIND else where.get(column, notes)
            target = event[rows]
            logits = self.logits(column, hidden[rows], target, before[rows], programs[rows])
            lost = F.cross_entropy(logits, target[:, column], reduction="none")
            nats.append(lost if column == KIND else lost.new_zeros(len(event)).masked_scatter(where.get(column, notes), lost))
        return torch.stack(nats, dim=1), event, state


def is_note(events: Tensor) -> Tensor:
    """(..., NUM_COLUMNS) -> (...): which events are notes."""
    return (events[..., KIND] == KIND_NOTE) | (events[..., KIND] == KIND_CHORD)


def _next_kinds() -> Tensor:
    table = torch.zeros(NUM_KINDS, NUM_KINDS, dtype=torch.bool)
    for kind, following in NEXT_KINDS.items():
        table[kind, list(following)] = True
    return table

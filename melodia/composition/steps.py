"""A composer one event at a time on the CPU: what `melodia.composition.model` computes, arranged for few streams.

Embeddings only ever meet linear maps, so each row of a map's product is kept in a table: reading an event is a sum of rows, and so
is what a head sees of the attributes that are chosen already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.composition.codec import MAX_PARTS, NAMES, NUM_COLUMNS, PART, PROGRAM
from melodia.composition.model import CONDITIONS, RECALLED, Composer
from melodia.composition.recall import NUM_SOURCES
from melodia.stepping import Arrays, Floats, Product, Steps, add_rows, arrays_of, can_step, floats_of, silu

Rows = NDArray[np.int64]
Pointers = NDArray[Any]  # what parts are pointed at by


def steps_of(composer: Composer, precision: str = "float32") -> ComposerSteps | TorchSteps:
    """A composer one event at a time: where it is on the CPU, as fast as its weights can be read."""
    on_cpu = composer.read_event.weight.device.type == "cpu"
    return ComposerSteps(composer, precision) if on_cpu and can_step(composer.lstm) else TorchSteps(composer)


class ComposerSteps:
    """See the module. `state` is that of `melodia.stepping.Steps`."""

    def __init__(self, composer: Composer, precision: str = "float32") -> None:
        self.lstm = Steps(composer.lstm, precision)
        self.embedding = floats_of(composer.embedding.weight)
        self.offsets: Rows = composer.get_buffer("offsets").cpu().numpy()
        self.bias = floats_of(composer.read_event.bias)
        tables = [self._table(floats_of(composer.read_event.weight), range(NUM_COLUMNS))]
        recalled = np.split(floats_of(composer.read_recalled.weight), NUM_SOURCES, axis=1)
        tables += [self._table(weights, RECALLED) for weights in recalled]
        self.read_table = np.concatenate(tables)
        starts = np.arange(1, NUM_SOURCES + 1)[:, None] * len(self.embedding)
        self.recalled_offsets = self.offsets[list(RECALLED)] + starts  # (NUM_SOURCES, columns)
        self.heads = {}
        for column, conditions in CONDITIONS.items():
            head: Any = composer.heads[NAMES[column]]
            weights, size = floats_of(head.hidden.weight), self.lstm.size
            hidden = Product(weights[:, :size], floats_of(head.hidden.bias), precision)
            output = Product(floats_of(head.output.weight), floats_of(head.output.bias), precision)
            self.heads[column] = (hidden, self._table(weights[:, size:], conditions), output)

    def _table(self, weights: Floats, columns: Sequence[int]) -> Floats:
        """(rows, outputs): each row of the embedding, as a linear map of several columns side by side sees it."""
        table = np.zeros((len(self.embedding), len(weights)), np.float32)
        size = self.embedding.shape[1]
        ends = [*self.offsets[1:] - 1, len(self.embedding)]
        for i, column in enumerate(columns):
            of_column = slice(self.offsets[column] - 1, ends[column])
            seen = torch.from_numpy(weights[:, i * size : (i + 1) * size])
            table[of_column] = (torch.from_numpy(self.embedding[of_column]) @ seen.T).numpy()
        return table

    def __call__(self, events: Rows, recalled: Rows, state: Arrays) -> Floats:
        """(streams, NUM_COLUMNS), (streams, NUM_SOURCES, NUM_COLUMNS) -> (streams, hidden_size); the state is changed."""
        x = np.tile(self.bias, (len(events), 1))
        before = (recalled[:, :, list(RECALLED)] + self.recalled_offsets).reshape(len(events), -1)
        add_rows(self.read_table, np.concatenate((events + self.offsets, before), axis=1), x)
        return self.lstm(silu(x), state)

    def logits(self, column: int, hidden: Floats, event: Rows, parts: Pointers) -> Floats:
        """Logits of an attribute of the next events, without the codec's masks.

        Args:
            column: which attribute.
            hidden: (streams, hidden_size).
            event: (streams, NUM_COLUMNS), the next events as far as they are chosen.
            parts: (MAX_PARTS, embedding_size), see `parts`.
        """
        product, table, output = self.heads[column]
        x, conditions = product(hidden), list(CONDITIONS[column])
        if conditions:
            add_rows(table, event[:, conditions] + self.offsets[conditions], x)
        found = output(silu(x))
        return found @ parts.T if column == PART else found

    def parts(self, programs: Sequence[int]) -> Pointers:
        """(MAX_PARTS, embedding_size): what a part is pointed at by; `programs` (MAX_PARTS,), -1 where there is none."""
        by_slot = self.embedding[self.offsets[PART] + np.arange(MAX_PARTS)]
        return np.asarray(by_slot + self.embedding[self.offsets[PROGRAM] + np.asarray(programs)], np.float32)


class TorchSteps:
    """The same by torch's modules, of any cell and on any device."""

    def __init__(self, composer: Composer) -> None:
        self.composer, self.device = composer, composer.read_event.weight.device

    @torch.inference_mode()
    def __call__(self, events: Rows, recalled: Rows, state: Arrays) -> Floats:
        """As that of `ComposerSteps`."""
        before = tuple(self._on(part) for part in state)
        y, after = self.composer(self._on(events)[:, None], self._on(recalled)[:, None], before)
        for part, new in zip(state, arrays_of(after), strict=True):
            part[...] = new
        return floats_of(y[:, 0])

    @torch.inference_mode()
    def logits(self, column: int, hidden: Floats, event: Rows, parts: Pointers) -> Floats:
        """As those of `ComposerSteps`."""
        programs = self._on(np.tile(parts, (len(event), 1)))
        return floats_of(self.composer.scores(column, self._on(hidden), self._on(event), programs))

    def parts(self, programs: Sequence[int]) -> Pointers:
        """(MAX_PARTS,): the programs themselves."""
        return np.asarray(programs)

    def _on(self, rows: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(rows)).to(self.device)

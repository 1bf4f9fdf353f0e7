"""The language model: which letter comes next, by stacked LSTMs.

Letters are those of `melodia.text`, 0 is the end of a sentence and what stands before its first letter. `begin` and
`advance` are what `melodia.recognition.search` asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from melodia.config import check_range
from melodia.language.trigrams import Trigrams
from melodia.lstm import LSTMConfig, StackedLSTM, State
from melodia.text import ALPHABET

NUM_LETTERS = len(ALPHABET) + 1  # and the end
END = 0
UNREAD = -100  # a target that does not count


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageConfig:
    """Sizes of the stack."""

    input_size: int = 64
    hidden_size: int = 512
    num_layers: int = 2
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_range("input_size", self.input_size, 1, 4096)
        check_range("hidden_size", self.hidden_size, 1, 16_384)
        check_range("num_layers", self.num_layers, 1, 64)
        check_range("dropout", self.dropout, 0, 0.9)


class Batch(NamedTuple):
    """Letters to learn from, (batch, length), and those that come next; `UNREAD` where there are none."""

    letters: Tensor
    targets: Tensor


class LanguageModel(nn.Module):
    """See the module."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.config = config
        self.trigrams: Trigrams | None = None  # for a second look at whole texts
        self.embed = nn.Embedding(NUM_LETTERS, config.input_size)
        self.stack = StackedLSTM(
            LSTMConfig(
                input_size=config.input_size, hidden_size=config.hidden_size, num_layers=config.num_layers, dropout=config.dropout
            )
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden_size, NUM_LETTERS)

    def forward(self, letters: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(batch, length) -> (batch, length, letters) logits, and the state after them."""
        y, state = self.stack(self.embed(letters), state)
        return self.head(self.dropout(y)), state

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `melodia.training.Task`: nats and letters."""
        logits = self(batch.letters)[0].float()
        nats = cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=UNREAD, reduction="sum")
        return nats, (batch.targets != UNREAD).sum(), ()

    @torch.no_grad()
    def begin(self) -> tuple[State, NDArray[np.float32]]:
        """The state before a sentence, and (letters,) logarithms of the probabilities of its first letter."""
        states, rows = self._said([END], None)
        return states[0], rows[0]

    @torch.no_grad()
    def advance(self, states: Sequence[State], letters: Sequence[int]) -> tuple[list[State], NDArray[np.float32]]:
        """The states after a letter more, and what may come after it: (texts, letters)."""
        state = tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))
        return self._said(letters, state)

    def _said(self, letters: Sequence[int], state: State | None) -> tuple[list[State], NDArray[np.float32]]:
        logits, after = self(torch.tensor(letters, device=self.head.weight.device)[:, None], state)
        rows: NDArray[np.float32] = logits[:, -1].float().log_softmax(dim=-1).cpu().numpy()
        return [tuple(s[:, i : i + 1] for s in after) for i in range(len(letters))], rows

"""The speller: phonemes with stress from the letters of a word, by stacked bidirectional LSTMs.

Each letter gives `FRAMES` frames of signs and blanks, which connectionist temporal classification makes phonemes of (Graves et
al. 2006; Rao et al. 2015, "Grapheme-to-phoneme conversion using long short-term memory recurrent neural networks").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss

from melodia.config import check_range
from melodia.lstm import LSTMConfig, StackedLSTM
from melodia.spelling.codes import BLANK, FRAMES, LETTERS, SIGNS, letters_of
from melodia.spelling.decode import phonemes_in

NUM_LETTERS = len(LETTERS) + 1  # and what pads
NUM_SIGNS = len(SIGNS) + 1  # and the blank
AT_ONCE = 256  # words that are read side by side


@dataclass(frozen=True, slots=True, kw_only=True)
class SpellingConfig:
    """Sizes of the stack; `hidden_size` is that of each way."""

    input_size: int = 64
    hidden_size: int = 128
    num_layers: int = 3
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_range("input_size", self.input_size, 1, 4096)
        check_range("hidden_size", self.hidden_size, 1, 4096)
        check_range("num_layers", self.num_layers, 1, 64)
        check_range("dropout", self.dropout, 0, 0.9)


class Batch(NamedTuple):
    """Words to learn from, see `melodia.spelling.codes`."""

    letters: Tensor  # (batch, letters)
    num_letters: Tensor  # (batch,)
    signs: Tensor  # (batch, signs)
    num_signs: Tensor  # (batch,)


class SpellingModel(nn.Module):
    """See the module."""

    def __init__(self, config: SpellingConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(NUM_LETTERS, config.input_size)
        self.stack = StackedLSTM(
            LSTMConfig(
                input_size=config.input_size,
                hidden_size=config.hidden_size,
                num_layers=config.num_layers,
                dropout=config.dropout,
                bidirectional=True,
            )
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.stack.config.output_size, FRAMES * NUM_SIGNS)

    def forward(self, letters: Tensor, num_letters: Tensor) -> Tensor:
        """(batch, letters), and how many of each are a word -> (batch, FRAMES * letters, signs) logits."""
        y, _ = self.stack(self.embed(letters), lengths=num_letters)
        logits: Tensor = self.head(self.dropout(y)).unflatten(2, (FRAMES, NUM_SIGNS)).flatten(1, 2)
        return logits

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `melodia.training.Task`: nats and signs."""
        log_probs = self(batch.letters, batch.num_letters).float().log_softmax(dim=-1).transpose(0, 1)
        lengths = FRAMES * batch.num_letters
        nats = ctc_loss(log_probs, batch.signs, lengths, batch.num_signs, blank=BLANK, reduction="sum", zero_infinity=True)
        return nats, batch.num_signs.sum(), ()


@torch.no_grad()
def spell(model: SpellingModel, words: Sequence[str]) -> list[str]:
    """Words of small letters and apostrophes -> their phonemes, with one primary stress where there is a vowel.

    Raises:
        ValueError: a word is empty, or has other characters.
    """
    if not all(words):
        raise ValueError("an empty word has no phonemes")
    device = model.head.weight.device
    order = sorted(range(len(words)), key=lambda i: len(words[i]))
    found = [""] * len(words)
    for first in range(0, len(order), AT_ONCE):
        chosen = order[first : first + AT_ONCE]
        codes = [torch.tensor(letters_of(words[i])) for i in chosen]
        lengths = [len(code) for code in codes]
        letters = nn.utils.rnn.pad_sequence(codes, batch_first=True).to(device)
        rows = model(letters, torch.tensor(lengths, device=device)).float().log_softmax(dim=-1).cpu().numpy()
        for i, row, length in zip(chosen, rows, lengths, strict=True):
            found[i] = phonemes_in(row[: FRAMES * length])
    return found

"""The recogniser: letters and blanks, a frame of 30 ms each, from a log-mel spectrogram.

Two convolutions look at the neighbourhood and take every third frame; stacked LSTMs, bidirectional unless `live`, read time.
The lower stack hears phonemes, trained with the same kind of loss where the phonemes of a text are known, and hands them to the
upper one with the sound, which spells (Nozaki and Komatsu 2021, "Relaxing the conditional independence assumption of CTC-based ASR
by conditioning on intermediate predictions", with LSTMs in place of self-attention; Sanabria and Metze 2018, "Hierarchical
multitask learning with CTC").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss, pad

from melodia.config import check_range, from_json
from melodia.errors import ConfigError
from melodia.features import FLOOR_DB, MelConfig
from melodia.lstm import LSTMConfig, StackedLSTM
from melodia.pronunciation.phonemes import SOUNDS
from melodia.recognition.ctc import BLANK, LogProbs
from melodia.recognition.search import SearchConfig
from melodia.text import ALPHABET

NUM_LETTERS = len(ALPHABET) + 1  # and the blank
NUM_SOUNDS = len(SOUNDS) + 1  # and the blank
STRIDE = 3  # frames of the spectrogram a frame of letters
SOUNDS_WEIGHT = 0.5  # weight of the loss of phonemes
SPREAD_DB = 20.0  # brings decibels of speech to about 1
MIDDLE_DB, PRIOR_FRAMES = -55.0, 50.0  # a live model begins as if it had heard half a second of this mean


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizerConfig:
    """Widths and depths of the parts. `search` holds what was best on valid.

    `word_margins`: seconds by which a word begins before its first letter is said, and ends after its last one.
    """

    features: MelConfig = field(default_factory=MelConfig)
    channels: int = 32
    hidden_size: int = 256  # each way
    num_layers: tuple[int, int] = (2, 3)  # of the lower and the upper stack
    dropout: float = 0.1
    live: bool = False
    search: SearchConfig = field(default_factory=SearchConfig)
    word_margins: tuple[float, float] = (0.05, 0.05)

    def __post_init__(self) -> None:
        if isinstance(self.features, dict):  # from JSON
            object.__setattr__(self, "features", from_json(MelConfig, self.features, "features"))
        if isinstance(self.search, dict):
            object.__setattr__(self, "search", from_json(SearchConfig, self.search, "search"))
        object.__setattr__(self, "num_layers", tuple(self.num_layers))
        object.__setattr__(self, "word_margins", tuple(self.word_margins))
        check_range("channels", self.channels, 1, 1024)
        check_range("hidden_size", self.hidden_size, 1, 4096)
        for name, count in (("num_layers", self.num_layers), ("word_margins", self.word_margins)):
            if len(count) != 2:
                raise ConfigError(f"{name}: {list(count)} is not usable; there are two")
        check_range("num_layers", min(self.num_layers), 1, 64)
        check_range("word_margins", min(self.word_margins), -0.5, 0.5)
        check_range("word_margins", max(self.word_margins), -0.5, 0.5)
        check_range("dropout", self.dropout, 0, 0.9)

    @property
    def frame_rate(self) -> float:
        """Frames of letters a second."""
        return self.features.frame_rate / STRIDE


class Batch(NamedTuple):
    """Utterances to learn from."""

    decibels: Tensor  # (batch, frames, n_mels)
    lengths: Tensor  # (batch,) frames of each
    letters: Tensor  # (batch, letters), see `melodia.text`
    num_letters: Tensor  # (batch,)
    sounds: Tensor  # (batch, phonemes), see `melodia.pronunciation.phonemes.SOUNDS`
    num_sounds: Tensor  # (batch,) 0 where they are not known


class Said(NamedTuple):
    """Logits of letters, (batch, frames, letters), and of phonemes, (batch, frames, sounds), and how many frames are valid."""

    logits: Tensor
    sounds: Tensor
    lengths: Tensor


class Heard(NamedTuple):
    """Logarithms of the probabilities of letters, (frames, letters), and of phonemes, (frames, sounds)."""

    letters: LogProbs
    sounds: LogProbs


class Recognizer(nn.Module):
    """See the module."""

    def __init__(self, config: RecognizerConfig) -> None:
        super().__init__()
        self.config = config
        channels, size = config.channels, config.hidden_size
        self.look = nn.Conv2d(1, channels, (5, 5), stride=(STRIDE, 2), padding=2)
        self.look_again = nn.Conv2d(channels, channels, (3, 3), stride=(1, 2), padding=1)
        width = channels * (((config.features.n_mels + 1) // 2 + 1) // 2)
        self.read = nn.Sequential(nn.Linear(width, size), nn.LayerNorm(size), nn.GELU(), nn.Dropout(config.dropout))
        self.lower = StackedLSTM(self._stack(size, config.num_layers[0]))
        between = self.lower.config.output_size
        self.upper = StackedLSTM(self._stack(between, config.num_layers[1]))
        self.dropout = nn.Dropout(config.dropout)
        self.hear = nn.Linear(between, NUM_SOUNDS)
        self.told = nn.Linear(NUM_SOUNDS, between)
        self.say = nn.Linear(self.upper.config.output_size, NUM_LETTERS)

    def _stack(self, width: int, num_layers: int) -> LSTMConfig:
        config = self.config
        return LSTMConfig(
            input_size=width,
            hidden_size=config.hidden_size,
            num_layers=num_layers,
            dropout=config.dropout,
            bidirectional=not config.live,
            layer_norm=True,
        )

    def forward(self, decibels: Tensor, lengths: Tensor) -> Said:
        """(batch, frames, n_mels) in decibels, and how many frames of each are valid -> see `Said`."""
        x = normalised(decibels, lengths, self.config.live)[:, None]
        lengths = (lengths + STRIDE - 1) // STRIDE
        x = torch.relu(self.look(x))
        x = x * (torch.arange(x.shape[2], device=x.device) < lengths[:, None])[:, None, :, None]
        x = torch.relu(self.look_again(x))
        x = self.read(x.permute(0, 2, 1, 3).flatten(2))
        x = self.dropout(self.lower(x, lengths=lengths)[0])
        sounds = self.hear(x)
        x = self.upper(x + self.told(torch.softmax(sounds, dim=-1)), lengths=lengths)[0]
        return Said(self.say(self.dropout(x)), sounds, lengths)

    def nats(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Nats of the letters alone, and how many letters they are: of the utterances that fit their frames."""
        said = self(batch.decibels, batch.lengths)
        letters = _nats(said.logits, said.lengths, batch.letters, batch.num_letters)
        return letters.sum(), batch.num_letters[letters > 0].sum()

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `melodia.training.Task`: nats of letters, and of phonemes by their weight, and how many letters there are."""
        said = self(batch.decibels, batch.lengths)
        letters = _nats(said.logits, said.lengths, batch.letters, batch.num_letters)
        known = batch.num_sounds > 0
        sounds = (
            _nats(said.sounds[known], said.lengths[known], batch.sounds[known], batch.num_sounds[known])
            if known.any()
            else letters[:0]
        )
        return letters.sum() + SOUNDS_WEIGHT * sounds.sum(), batch.num_letters.sum(), ()


def _nats(logits: Tensor, lengths: Tensor, signs: Tensor, num_signs: Tensor) -> Tensor:
    """(batch,) the negative logarithm of each text's probability; 0 where a text does not fit its frames."""
    log_probs = logits.float().log_softmax(dim=-1).transpose(0, 1)
    return ctc_loss(log_probs, signs, lengths, num_signs, blank=BLANK, reduction="none", zero_infinity=True)


def normalised(decibels: Tensor, lengths: Tensor, live: bool) -> Tensor:
    """Each bin without its mean over the utterance, or, live, over what has been heard of it; 0 past the end."""
    frames = torch.arange(decibels.shape[1], device=decibels.device)
    valid = (frames < lengths[:, None])[:, :, None]
    x = torch.where(valid, decibels, torch.zeros((), device=decibels.device))
    if live:
        mean = (x.cumsum(dim=1) + MIDDLE_DB * PRIOR_FRAMES) / (frames[None, :, None] + 1 + PRIOR_FRAMES)
    else:
        mean = x.sum(dim=1, keepdim=True) / lengths[:, None, None].clamp(min=1)
    return torch.where(valid, (x - mean) / SPREAD_DB, torch.zeros((), device=decibels.device))


@torch.no_grad()
def heard_in(model: Recognizer, decibels: Tensor) -> Heard:
    """One utterance, (frames, n_mels) in decibels -> what is heard in each frame."""
    device = next(model.parameters()).device
    if not len(decibels):
        return Heard(np.zeros((0, NUM_LETTERS), np.float32), np.zeros((0, NUM_SOUNDS), np.float32))
    said = model(decibels[None].to(device), torch.tensor([len(decibels)], device=device))
    return Heard(*(logits[0].float().log_softmax(dim=-1).cpu().numpy() for logits in (said.logits, said.sounds)))


def padded(items: list[Tensor]) -> Tensor:
    """Utterances, (frames, n_mels) each, as one batch, silent past their ends."""
    longest = max(map(len, items))
    return torch.stack([pad(item, (0, 0, 0, longest - len(item)), value=FLOOR_DB) for item in items])

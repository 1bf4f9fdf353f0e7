"""The detector: whether a recording is speech or music, from a log-mel spectrogram.

Frames are read in threes, some twenty a second, by stacked LSTMs, forwards and back. Each step gives a logit, positive
for speech; that of a recording is their mean. Only what a sound is next to its own loudest moment counts, so its level
does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from melodia.config import check_range, from_json
from melodia.features import MelConfig
from melodia.lstm import LSTMConfig, StackedLSTM

DEPTH_DB, SPREAD_DB = 80.0, 20.0  # how far below the loudest anything counts, and what decibels are measured in
FEATURES = MelConfig(hop_length=256, win_length=1024, n_fft=1024, n_mels=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorConfig:
    """Widths of the parts; `stacked`: frames a step; `temperature`: what logits are divided by for honest probabilities."""

    features: MelConfig = field(default_factory=lambda: FEATURES)
    stacked: int = 3
    input_size: int = 48
    hidden_size: int = 48
    num_layers: int = 2
    dropout: float = 0.1
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.features, dict):  # from JSON
            object.__setattr__(self, "features", from_json(MelConfig, self.features, "features"))
        check_range("stacked", self.stacked, 1, 64)
        check_range("input_size", self.input_size, 1, 4096)
        check_range("hidden_size", self.hidden_size, 1, 4096)
        check_range("num_layers", self.num_layers, 1, 16)
        check_range("dropout", self.dropout, 0, 0.9)
        check_range("temperature", self.temperature, 0.01, 1000)


class Batch(NamedTuple):
    """Windows to learn from: decibels (batch, frames, n_mels), and speech (batch,), 1 for speech and 0 for music."""

    decibels: Tensor
    speech: Tensor


class Detector(nn.Module):
    """See the module."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        self.read = nn.Sequential(
            nn.Linear(config.stacked * config.features.n_mels, config.input_size), nn.LayerNorm(config.input_size), nn.GELU()
        )
        self.dropout = nn.Dropout(config.dropout)
        sizes = LSTMConfig(
            input_size=config.input_size,
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            dropout=config.dropout,
            bidirectional=True,
        )
        self.time = StackedLSTM(sizes)
        self.head = nn.Linear(sizes.output_size, 1)

    def forward(self, decibels: Tensor) -> Tensor:
        """(batch, frames, n_mels) -> logits (batch, frames / stacked, at least one), positive for speech."""
        x = decibels - decibels.amax(dim=(1, 2), keepdim=True)
        x = (x.clamp(min=-DEPTH_DB) + DEPTH_DB / 2) / SPREAD_DB
        lacking = max(self.config.stacked - x.shape[1], 0)
        x = torch.nn.functional.pad(x, (0, 0, 0, lacking), value=-DEPTH_DB / 2 / SPREAD_DB)
        steps = x.shape[1] // self.config.stacked
        x = x[:, : steps * self.config.stacked].reshape(len(x), steps, -1)
        said: Tensor = self.head(self.dropout(self.time(self.dropout(self.read(x)))[0]))
        return said[..., 0]

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `melodia.training.Task`: nats, and windows."""
        logits = self(batch.decibels).float().mean(dim=1)
        nats = binary_cross_entropy_with_logits(logits, batch.speech, reduction="sum")
        return nats, torch.tensor(len(batch.speech)), ()

    @torch.no_grad()
    def hear(self, decibels: Tensor) -> float:
        """(frames, n_mels) -> the mean logit, not yet divided by the temperature."""
        device = next(self.parameters()).device
        return float(self(decibels[None].to(device)).mean())


def sureness_of(logit: float, temperature: float) -> float:
    """The probability, .5 to 1, of the kind that a logit stands for."""
    return 1 / (1 + math.exp(-abs(logit) / temperature))

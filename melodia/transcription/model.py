"""The transcriber: what each of 88 keys does at each frame, from a spectrogram.

One small network for all keys, so that what is learnt of one pitch holds for all. A key sees the spectrogram
where its overtones lie (harmonic stacking: Bittner et al. 2017, "Deep salience"); LSTMs read each key's time, one
LSTM reads across the keys of a frame, low to high and back, then LSTMs read time again. Whatever models time is
recurrent. A `live` model reads time forwards alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from melodia.config import check_range, from_json
from melodia.errors import ConfigError
from melodia.features import FeatureConfig
from melodia.lstm import LSTMConfig, StackedLSTM
from melodia.transcription.decode import DecodeConfig
from melodia.transcription.notes import LOWEST_PITCH, NUM_KEYS

HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7, 8)  # of a key's fundamental
HEADS = ("onset", "offset", "sustain", "place", "velocity")
MIDDLE_DB, SPREAD_DB = -55.0, 20.0  # what decibels are measured from and in
WEIGHTS = {"onset": 3.0, "offset": 1.0, "sustain": 1.0, "place": 3.0, "velocity": 10.0, "pedal": 3.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriberConfig:
    """Widths of the parts. `hidden_sizes`: of the first reading of time, across the keys, of the second, each way.

    `decode` holds the thresholds that were best on valid.
    """

    features: FeatureConfig = field(default_factory=FeatureConfig)
    input_size: int = 64
    hidden_sizes: tuple[int, int, int] = (48, 48, 64)
    dropout: float = 0.0
    decode: DecodeConfig = field(default_factory=DecodeConfig)

    def __post_init__(self) -> None:
        if isinstance(self.features, dict):  # from JSON
            object.__setattr__(self, "features", from_json(FeatureConfig, self.features, "features"))
        if isinstance(self.decode, dict):
            object.__setattr__(self, "decode", from_json(DecodeConfig, self.decode, "decode"))
        object.__setattr__(self, "hidden_sizes", tuple(self.hidden_sizes))
        check_range("input_size", self.input_size, 1, 4096)
        if len(self.hidden_sizes) != 3:
            raise ConfigError(f"hidden_sizes: {list(self.hidden_sizes)} is not usable; there are three")
        check_range("hidden_sizes", min(self.hidden_sizes), 1, 4096)
        check_range("dropout", self.dropout, 0, 0.9)


class Batch(NamedTuple):
    """Windows to learn from: decibels (batch, frames, windows, bins) and `roll.Rolls` with a batch axis."""

    decibels: Tensor
    onset: Tensor
    offset: Tensor
    sustain: Tensor
    place: Tensor
    velocity: Tensor
    pedal: Tensor


class Said(NamedTuple):
    """What the network says, as logits: (batch, frames, 88); `place` in frames; `pedal` (batch, frames, 1)."""

    onset: Tensor
    offset: Tensor
    sustain: Tensor
    place: Tensor
    velocity: Tensor
    pedal: Tensor


class Transcriber(nn.Module):
    """See the module."""

    def __init__(self, config: TranscriberConfig) -> None:
        super().__init__()
        self.config = config
        both_ways = not config.features.live
        first, across, second = config.hidden_sizes
        index = harmonic_index(config.features)
        self.index: Tensor
        self.register_buffer("index", torch.from_numpy(index), persistent=False)
        width = index.shape[1] * len(config.features.n_ffts)
        self.read = nn.Sequential(
            nn.Linear(width + len(config.features.n_ffts) + 1, config.input_size), nn.LayerNorm(config.input_size), nn.GELU()
        )
        self.early = StackedLSTM(LSTMConfig(input_size=config.input_size, hidden_size=first, num_layers=1, bidirectional=both_ways))
        self.keys = StackedLSTM(
            LSTMConfig(input_size=self.early.config.output_size, hidden_size=across, num_layers=1, bidirectional=True)
        )
        width = self.early.config.output_size + self.keys.config.output_size
        self.late = StackedLSTM(LSTMConfig(input_size=width, hidden_size=second, num_layers=1, bidirectional=both_ways))
        self.dropout = nn.Dropout(config.dropout)
        self.heads = nn.Linear(self.late.config.output_size, len(HEADS))
        self.pedal = nn.Linear(2 * self.late.config.output_size, 1)
        nn.init.constant_(self.heads.bias[:2], -4.0)  # onsets and offsets are rare

    def forward(self, decibels: Tensor) -> Said:
        """(batch, frames, windows, bins) -> see `Said`."""
        x = self.read(self._seen(decibels))
        batch, keys, frames, _ = x.shape
        early = self.early(x.reshape(batch * keys, frames, -1))[0].reshape(batch, keys, frames, -1)
        by_frame = self.dropout(early).transpose(1, 2).reshape(batch * frames, keys, -1)
        across = self.keys(by_frame)[0].reshape(batch, frames, keys, -1).transpose(1, 2)
        both = torch.cat([early, across], dim=-1)
        late = self.late(self.dropout(both).reshape(batch * keys, frames, -1))[0].reshape(batch, keys, frames, -1)
        said = self.heads(self.dropout(late)).permute(3, 0, 2, 1)
        pooled = torch.cat([late.mean(dim=1), late.amax(dim=1)], dim=-1)
        onset, offset, sustain, place, velocity = said.unbind()
        return Said(onset, offset, sustain, place, velocity, self.pedal(pooled))

    def _seen(self, decibels: Tensor) -> Tensor:
        """What each key sees: (batch, 88, frames, ...): its overtones, its place on the keyboard, how loud all is."""
        x = (decibels - MIDDLE_DB) / SPREAD_DB
        quiet = torch.full((*x.shape[:-1], 1), -2.0, device=x.device, dtype=x.dtype)  # where there are no bins
        seen = torch.cat([x, quiet], dim=-1)[..., self.index]  # (batch, frames, windows, 88, bins a key)
        seen = seen.permute(0, 3, 1, 2, 4).flatten(3)
        level = x.mean(dim=-1)[:, None].expand(-1, NUM_KEYS, -1, -1)
        height = torch.linspace(-1, 1, NUM_KEYS, device=x.device, dtype=x.dtype)[None, :, None, None]
        return torch.cat([seen, level, height.expand(len(x), -1, x.shape[1], -1)], dim=-1)

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `melodia.training.Task`: nats, weighted, and frames."""
        said = Said(*(s.float() for s in self(batch.decibels)))
        lost = {
            name: binary_cross_entropy_with_logits(getattr(said, name), getattr(batch, name), reduction="sum")
            for name in ("onset", "offset", "sustain")
        }
        struck = batch.onset
        lost["place"] = (struck * smooth_l1_loss(said.place, batch.place, reduction="none", beta=0.2)).sum()
        lost["velocity"] = (struck * (torch.sigmoid(said.velocity) - batch.velocity) ** 2).sum()
        known = batch.pedal >= 0
        lost["pedal"] = binary_cross_entropy_with_logits(said.pedal[known], batch.pedal[known], reduction="sum")
        total = torch.stack([WEIGHTS[name] * value for name, value in lost.items()]).sum()
        return total, torch.tensor(batch.decibels.shape[0] * batch.decibels.shape[1]), ()


def harmonic_index(config: FeatureConfig) -> np.ndarray:
    """(88, bins a key): the bins around each overtone of each key; one past the last bin where there is none."""
    around = np.arange(config.bins_per_semitone) - config.bins_per_semitone // 2
    keys = (np.arange(NUM_KEYS) + LOWEST_PITCH - config.lowest_pitch) * config.bins_per_semitone
    shifts = np.rint(12 * np.log2(HARMONICS) * config.bins_per_semitone).astype(int)
    bins = keys[:, None, None] + shifts[None, :, None] + around
    bins = np.where((bins >= 0) & (bins < config.num_bins), bins, config.num_bins)
    return bins.reshape(NUM_KEYS, -1)

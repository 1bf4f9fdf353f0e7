"""The voice: signs -> how each is read -> frames of sound, by three stacks of LSTMs.

The reader hears the signs of a sentence in both directions. The teller goes through them once more, forwards, and draws for each
how it is read (`melodia.synthesis.layout`: duration, pitch, level, colour) from a mixture of Gaussians, knowing how those before
it were read (Bishop 1994, mixture density networks; Graves 2013, arXiv 1308.0850): there the temperature is. The painter then
fills in the frames, in both directions, and tells bands, hiss, voicing and the pitch's way between the signs; trained by the
likelihood of Laplace's distribution, with a scale for each band. Durations are explicit, so no word is skipped or said twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from melodia.config import check_range, from_json
from melodia.errors import ConfigError
from melodia.features import MelConfig
from melodia.lstm import LSTMConfig, StackedLSTM, State
from melodia.synthesis.analysis import FEATURES, NUM_HISS
from melodia.synthesis.layout import NUM_PLACES, PITCH, READ
from melodia.synthesis.signs import NUM_SIGNS, STRESSES

SMALLEST_SPREAD, LARGEST_SPREAD = -3.0, 3.0  # logarithms, of a reading in its standard deviations
BLURRED = 0.1  # standard deviations of noise on the readings that are given in training
HALF_LOG_TWO_PI, LOG_TWO = 0.9189385, 0.6931472
OCTAVE = 12.0  # semitones: scale of the pitch that the painter tells


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceConfig:
    """Widths and depths of the parts."""

    features: MelConfig = field(default=FEATURES)
    embedding_size: int = 96
    reader_size: int = 160  # each way
    teller_size: int = 256
    painter_size: int = 256  # each way
    num_layers: tuple[int, int, int] = (2, 2, 3)  # of reader, teller, painter
    num_components: int = 8  # of the mixture
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if isinstance(self.features, dict):  # from JSON
            object.__setattr__(self, "features", from_json(MelConfig, self.features, "features"))
        object.__setattr__(self, "num_layers", tuple(self.num_layers))
        for name in ("embedding_size", "reader_size", "teller_size", "painter_size"):
            check_range(name, getattr(self, name), 1, 4096)
        check_range("num_layers", min(self.num_layers), 1, 64)
        if len(self.num_layers) != 3:
            raise ConfigError(f"num_layers: {list(self.num_layers)} is not usable; there are three")
        if self.features != FEATURES:
            raise ConfigError("features: the vocoder knows no others than those of this melodia")
        check_range("num_components", self.num_components, 1, 256)
        check_range("dropout", self.dropout, 0, 0.9)


class Batch(NamedTuple):
    """Utterances to learn from; 0 past the ends.

    signs, stresses (batch, signs); readings (batch, signs, READ); num_signs (batch,); sign_of (batch, frames); places
    (batch, frames, NUM_PLACES); contour, pitch (batch, frames) MIDI numbers, 0 for none; bands (batch, frames, n_mels),
    hiss (batch, frames, NUM_HISS) dB; num_frames (batch,).
    """

    signs: Tensor
    stresses: Tensor
    readings: Tensor
    num_signs: Tensor
    sign_of: Tensor
    places: Tensor
    contour: Tensor
    pitch: Tensor
    bands: Tensor
    hiss: Tensor
    num_frames: Tensor


class Painted(NamedTuple):
    """Frames as the painter tells them, each (batch, frames, ...): bands and hiss in their standard deviations, the pitch's way
    from the contour in octaves, and the logit of its being there."""

    bands: Tensor
    hiss: Tensor
    bend: Tensor
    voiced: Tensor


class Voice(nn.Module):
    """See the module."""

    readings_mean: Tensor
    readings_spread: Tensor
    bands_mean: Tensor
    hiss_mean: Tensor

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_sign = nn.Embedding(NUM_SIGNS, config.embedding_size, padding_idx=0)
        self.embed_stress = nn.Embedding(len(STRESSES), config.embedding_size)
        layers, read = config.num_layers, 2 * config.reader_size
        self.reader = StackedLSTM(_sizes(config, config.embedding_size, config.reader_size, layers[0], True))
        self.teller = StackedLSTM(_sizes(config, read + READ, config.teller_size, layers[1], False))
        self.tell = nn.Linear(config.teller_size, config.num_components * (1 + 2 * READ))
        self.painter = StackedLSTM(_sizes(config, read + READ + NUM_PLACES + 1, config.painter_size, layers[2], True))
        self.sizes = (config.features.n_mels, NUM_HISS, 1, 1)
        self.paint = nn.Linear(2 * config.painter_size, sum(self.sizes))
        self.scales = nn.Parameter(torch.zeros(sum(self.sizes[:3])))  # logarithms, of Laplace's distribution
        self.dropout = nn.Dropout(config.dropout)
        for name, count in (("readings", READ), ("bands", config.features.n_mels), ("hiss", NUM_HISS)):
            self.register_buffer(f"{name}_mean", torch.zeros(count))
            self.register_buffer(f"{name}_spread", torch.ones(count))

    def hear(self, signs: Tensor, stresses: Tensor, num_signs: Tensor | None = None) -> Tensor:
        """(batch, signs) -> (batch, signs, features), both ways."""
        embedded = self.dropout(self.embed_sign(signs) + self.embed_stress(stresses))
        heard: Tensor = self.dropout(self.reader(embedded, lengths=num_signs)[0])
        return heard

    def mixture(self, heard: Tensor, before: Tensor, state: State | None = None) -> tuple[Tensor, Tensor, Tensor, State]:
        """What the teller expects: (..., components) logits, (..., components, READ) means and logarithms of spreads; its state.

        Args:
            heard: (batch, signs, features).
            before: (batch, signs, READ): the reading of the sign before each, in standard deviations; 0 for the first.
            state: of the teller.
        """
        y, state = self.teller(torch.cat([heard, before], dim=-1), state)
        told = self.tell(self.dropout(y)).float()
        count = self.config.num_components
        logits, means, spreads = told.split([count, count * READ, count * READ], dim=-1)
        shape = (*told.shape[:-1], count, READ)
        return logits, means.reshape(shape), spreads.reshape(shape).clamp(min=SMALLEST_SPREAD, max=LARGEST_SPREAD), state

    def picture(
        self, heard: Tensor, readings: Tensor, sign_of: Tensor, places: Tensor, contour: Tensor, num_frames: Tensor
    ) -> Painted:
        """Frames of signs that were heard and are read so (standard deviations). See `Batch`."""
        known = torch.cat([heard, readings], dim=-1)
        known = known.gather(1, sign_of[..., None].expand(-1, -1, known.shape[-1]))
        line = (contour - self.readings_mean[PITCH]) / self.readings_spread[PITCH]
        x = torch.cat([known, places, line[..., None]], dim=-1)
        y, _ = self.painter(x, lengths=num_frames)
        bands, hiss, bend, voiced = self.paint(self.dropout(y)).float().split(self.sizes, dim=-1)
        return Painted(bands, hiss, bend[..., 0], voiced[..., 0])

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `melodia.training.Task`: nats, and frames."""
        frames = torch.arange(batch.places.shape[1], device=batch.places.device) < batch.num_frames[:, None]
        heard = self.hear(batch.signs, batch.stresses, batch.num_signs)
        readings = self.standard("readings", batch.readings)
        nats = self.told_nats(heard, readings, batch.num_signs)
        blurred = readings + BLURRED * torch.randn_like(readings) if self.training else readings
        painted = self.picture(heard, blurred, batch.sign_of, batch.places, batch.contour, batch.num_frames)
        voiced = batch.pitch > 0
        known = [self.standard("bands", batch.bands), self.standard("hiss", batch.hiss)]
        known.append(((batch.pitch - batch.contour) / OCTAVE)[..., None])
        told = [painted.bands, painted.hiss, painted.bend[..., None]]
        masks = [frames[..., None], (frames & voiced)[..., None], (frames & voiced)[..., None]]
        for true, guess, scale, mask in zip(known, told, torch.split(self.scales, list(self.sizes[:3])), masks, strict=True):
            away = (true - guess).abs() * torch.exp(-scale) + scale + LOG_TWO
            nats = nats + torch.where(mask, away, 0.0).sum()
        doubt = binary_cross_entropy_with_logits(painted.voiced, voiced.float(), reduction="none")
        return nats + torch.where(frames, doubt, 0.0).sum(), batch.num_frames.sum(), ()

    def told_nats(self, heard: Tensor, readings: Tensor, num_signs: Tensor) -> Tensor:
        """The surprise at how the signs are read, summed."""
        before = torch.cat([torch.zeros_like(readings[:, :1]), readings[:, :-1]], dim=1)
        if self.training:
            before = before + BLURRED * torch.randn_like(before)
        logits, means, spreads, _ = self.mixture(heard, before)
        away = (readings[:, :, None] - means) * torch.exp(-spreads)
        each = -0.5 * away**2 - spreads - HALF_LOG_TWO_PI
        nats = -torch.logsumexp(logits.log_softmax(dim=-1) + each.sum(dim=-1), dim=-1)
        signs = torch.arange(readings.shape[1], device=readings.device) < num_signs[:, None]
        return torch.where(signs, nats, 0.0).sum()

    def standard(self, name: str, values: Tensor) -> Tensor:
        """Readings, bands or hiss in standard deviations."""
        found: Tensor = (values - getattr(self, f"{name}_mean")) / getattr(self, f"{name}_spread")
        return found

    def plain(self, name: str, values: Tensor) -> Tensor:
        """The same back."""
        found: Tensor = values * getattr(self, f"{name}_spread") + getattr(self, f"{name}_mean")
        return found


def _sizes(config: VoiceConfig, input_size: int, hidden_size: int, num_layers: int, both: bool) -> LSTMConfig:
    return LSTMConfig(
        input_size=input_size, hidden_size=hidden_size, num_layers=num_layers, dropout=config.dropout, bidirectional=both
    )

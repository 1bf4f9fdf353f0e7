"""The stack that reads the voices that are given, from the end of a piece to its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from melodia.harmony.reading import Codes, Facts, ahead, ahead_sizes
from melodia.variational import Stack

if TYPE_CHECKING:
    from melodia.harmony.model import ChoirConfig


class Ahead(nn.Module):
    """See the module."""

    def __init__(self, config: ChoirConfig) -> None:
        super().__init__()
        self.num_pitches = config.num_pitches
        self.codes = Codes(ahead_sizes(config.num_pitches), config.code_size)
        self.stack = Stack(self.codes.output_size, config.ahead_size, config.num_ahead_layers, config.dropout)

    def forward(self, known: Facts, lengths: Tensor) -> Tensor:
        """Facts of whole pieces, (batch,) steps -> (batch, steps, ahead_size): of each step what is given from there on."""
        index = torch.arange(known.tokens.shape[1], device=lengths.device)
        mirror = torch.where(index < lengths[:, None], lengths[:, None] - 1 - index, index)[..., None]  # from its own end
        codes = ahead(known, lengths, self.num_pitches)
        y, _ = self.stack(self.codes(codes.gather(1, mirror.expand_as(codes))))
        seen: Tensor = y.gather(1, mirror.expand_as(y))
        return seen

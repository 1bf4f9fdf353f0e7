"""Scores of what a voice may sing next: a sum of what is scored by pitch, by interval, and by what a voice can point at.

See `melodia.harmony.model`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from melodia.harmony.echoes import KINDS
from melodia.harmony.prepare import NUM_VOICES
from melodia.harmony.reading import WIDE, Facts, heard

STAYS = 3.0  # logit of the note that is held, before anything is learnt


class Head(nn.Module):
    """Scores of pitches and the rest. See the module."""

    semitones: Tensor

    def __init__(self, size: int, num_pitches: int) -> None:
        super().__init__()
        self.num_pitches = num_pitches
        self.pitch = nn.Linear(size, num_pitches + 1)
        self.ranges = nn.Parameter(torch.zeros(NUM_VOICES, num_pitches + 1))  # of each voice, whatever is sung
        self.own = nn.Linear(size, 2 * WIDE + 2)
        self.others = nn.Linear(size, NUM_VOICES * (2 * WIDE + 2))
        self.home = nn.Linear(size, 13)
        self.points = nn.Linear(size, 1 + KINDS)
        for layer in (self.pitch, self.own, self.others, self.home, self.points):
            nn.init.normal_(layer.weight, std=0.05)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.points.bias[0] = STAYS
        self.register_buffer("semitones", torch.arange(num_pitches), persistent=False)

    def forward(self, y: Tensor, known: Facts) -> Tensor:
        """(batch, steps, 4, size) -> (batch, steps, 4, tokens) logits."""
        with torch.autocast(y.device.type, enabled=False):
            y = y.float()
            scores = self.own(y).gather(-1, self._from(known.previous))
            others = self.others(y).unflatten(-1, (NUM_VOICES, -1))
            itself = torch.eye(NUM_VOICES, dtype=torch.bool, device=y.device)[..., None]
            others = others.gather(-1, self._from(heard(known, self.num_pitches))).masked_fill(itself, 0)
            away = (self.semitones - known.home[..., None]).remainder(12)
            away = away.masked_fill((known.home >= self.num_pitches)[..., None], 12)
            scores = scores + others.sum(dim=-2) + self.home(y).gather(-1, away)
            logits = self.pitch(y) + self.ranges + nn.functional.pad(scores, (0, 1))
            at = torch.cat([known.previous[..., None], known.echoes], dim=-1)
            there = torch.cat([known.previous[..., None] <= self.num_pitches, known.likeness > 0], dim=-1)
            at = at.clamp(max=self.num_pitches)
            scored: Tensor = logits.scatter_add(-1, at, self.points(y) * there)
            return scored

    def _from(self, start: Tensor) -> Tensor:
        """Intervals from what was sung to each pitch, as codes: (...) -> (..., pitches)."""
        codes = (self.semitones - start[..., None]).clamp(-WIDE, WIDE) + WIDE
        return codes.masked_fill((start >= self.num_pitches)[..., None], 2 * WIDE + 1)

"""What each pitch reads: of the frames before, and of the pitches below it in its own frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, pad

from melodia.polyphony.prepare import FIRST_PITCH, KEYS

OCTAVE = 12
PERIODS = (4, 8, 16)  # frames
MANY = 4.0  # notes
LONG = 8.0  # logarithm of frames


class Reader(nn.Module):
    """Readings for the keys from `first` to before `last`. It has no weights."""

    from_class: Tensor
    static: Tensor
    classes: Tensor

    def __init__(self, first: int, last: int, window: int) -> None:
        super().__init__()
        self.first, self.last, self.window = first, last, window
        keys = torch.arange(KEYS)
        pitches = keys[first:last] + FIRST_PITCH
        classes = one_hot((keys + FIRST_PITCH) % OCTAVE, OCTAVE).float()
        relative = (pitches[:, None] + torch.arange(OCTAVE)) % OCTAVE  # (pitches, 12): the classes from a pitch's own upwards
        static = torch.cat([classes[first:last], keys[first:last, None] / KEYS], dim=1)
        for name, table in (("classes", classes), ("from_class", relative), ("static", static)):
            self.register_buffer(name, table, persistent=False)
        self.past_size = 2 * window + 1 + 1 + OCTAVE + 2 + OCTAVE + 1 + 2 * len(PERIODS) + 1
        self.below_size = 2 * OCTAVE + 1

    def past(self, frames: Tensor, before: Tensor, positions: Tensor) -> Tensor:
        """What is known before the next frame.

        Args:
            frames: (batch, length, 88), 0 or 1.
            before: the same one frame earlier.
            positions: (batch, length), of the next frame in its piece.

        Returns:
            (batch, length, pitches, past_size): notes around the pitch, whether it sounded a frame earlier, notes of each pitch
            class from its own upwards, notes below and above it, its class, its height, where in the piece this is.
        """
        mine = slice(self.first, self.last)
        around = pad(frames, (self.window, self.window)).unfold(-1, 2 * self.window + 1, 1)[..., mine, :]
        up_to = frames.cumsum(dim=-1)
        below = (up_to - frames)[..., mine] / MANY
        above = (up_to[..., -1:] - up_to)[..., mine] / MANY
        chroma = (frames @ self.classes)[..., self.from_class] / MANY
        shape = (*frames.shape[:2], self.last - self.first, -1)
        when = self._when(positions)[:, :, None].expand(shape)
        held = before[..., mine, None]
        return torch.cat([around, held, chroma, torch.stack([below, above], -1), self.static.expand(shape), when], dim=-1)

    def _when(self, positions: Tensor) -> Tensor:
        """(batch, length) -> (batch, length, 7): phases of bars that they may be, and how long the piece has gone on."""
        turns = torch.stack([positions % period / period for period in PERIODS], dim=-1) * (2 * torch.pi)
        return torch.cat([turns.sin(), turns.cos(), positions[..., None].float().log() / LONG], dim=-1)

    def below(self, frames: Tensor) -> Tensor:
        """What of a frame is known when a pitch is decided.

        Args:
            frames: (frames, 88), 0 or 1.

        Returns:
            (frames, pitches, below_size): the twelve pitches below, notes of each pitch class below from the pitch's own upwards,
            and how many there are.
        """
        near = pad(frames, (OCTAVE, 0)).unfold(-1, OCTAVE, 1)[:, self.first : self.last]
        counts = (frames[..., None] * self.classes).cumsum(dim=1)  # of each class, up to each key
        counts = pad(counts, (0, 0, 1, 0))[:, self.first : self.last]  # below each key
        index = self.from_class.expand(len(frames), -1, -1)
        chroma = counts.gather(2, index) / MANY
        return torch.cat([near, chroma, counts.sum(dim=2, keepdim=True) / MANY], dim=-1)

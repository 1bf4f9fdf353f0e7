"""What each pitch reads: of the frames before, and of the pitches below it in its own frame.

Music repeats itself, and a stack forgets notes that are bars away. So it is also told what came next where the last frames were
most like the present ones: `Reader.echoes`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, one_hot, pad

from melodia.polyphony.prepare import FIRST_PITCH, KEYS

OCTAVE = 12
PERIODS = (4, 8, 16)  # frames
MANY = 4.0  # notes
LONG = 8.0  # logarithm of frames
ECHOES = 3
NEAREST, FARTHEST = 4, 256  # frames back, of an echo
ALIKE = 12  # frames that are compared
HISTORY = FARTHEST + ALIKE  # frames before the next one that are read
NEARER = 1e-6  # of likeness a frame: of echoes that are alike the nearest is taken


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
        self.past_size = 2 * window + 1 + 1 + OCTAVE + 2 + OCTAVE + 1 + 2 * len(PERIODS) + 1 + 2 * ECHOES
        self.below_size = 2 * OCTAVE + 1

    def past(self, whole: Tensor, positions: Tensor) -> Tensor:
        """What is known before each frame, from the one at `HISTORY` on.

        Args:
            whole: (batch, HISTORY + length, 88), 0 or 1.
            positions: (batch, length), of the frames in their piece.

        Returns:
            (batch, length, pitches, past_size): notes around the pitch, whether it sounded a frame earlier, notes of each pitch
            class from its own upwards, notes below and above it, its class, its height, where in the piece this is, echoes.
        """
        frames, before = whole[:, HISTORY - 1 : -1], whole[:, HISTORY - 2 : -2]
        mine = slice(self.first, self.last)
        around = pad(frames, (self.window, self.window)).unfold(-1, 2 * self.window + 1, 1)[..., mine, :]
        up_to = frames.cumsum(dim=-1)
        below = (up_to - frames)[..., mine] / MANY
        above = (up_to[..., -1:] - up_to)[..., mine] / MANY
        chroma = (frames @ self.classes)[..., self.from_class] / MANY
        shape = (*frames.shape[:2], self.last - self.first, -1)
        when = self._when(positions)[:, :, None].expand(shape)
        held = before[..., mine, None]
        sides = torch.stack([below, above], dim=-1)
        notes, likeness = self.echoes(whole)
        echoes = [notes[..., mine].transpose(2, 3), likeness[:, :, None].expand(shape)]
        return torch.cat([around, held, chroma, sides, self.static.expand(shape), when, *echoes], dim=-1)

    def echoes(self, whole: Tensor) -> tuple[Tensor, Tensor]:
        """What followed the stretches of the past that are most like the present one.

        Returns:
            (batch, length, echoes, 88), the frames that came next there, and (batch, length, echoes), how alike the stretches
            are, 0 to 1: the mean of their frames' notes in common, as a share of those in either.
        """
        length = whole.shape[1] - HISTORY
        recent = torch.arange(FARTHEST, HISTORY + length - 1, device=whole.device)  # frames that are compared with earlier ones
        common = whole[:, recent] @ whole.transpose(1, 2)
        counts = whole.sum(dim=2)
        shares = common / (counts[:, recent, None] + counts[:, None] - common).clamp(min=1)
        lags = torch.arange(NEAREST, FARTHEST + 1, device=whole.device)
        shares = shares.gather(2, (recent[:, None] - lags).expand(len(whole), -1, -1))  # (batch, length + ALIKE - 1, lags)
        likeness = avg_pool1d(shares.transpose(1, 2), ALIKE, 1).transpose(1, 2)
        _, chosen = (likeness - NEARER * lags).topk(ECHOES, dim=2)  # (batch, length, echoes)
        places = HISTORY + torch.arange(length, device=whole.device)[:, None] - lags[chosen]
        notes = whole.gather(1, places.flatten(1)[..., None].expand(-1, -1, KEYS))
        return notes.reshape(-1, length, ECHOES, KEYS), likeness.gather(2, chosen)

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

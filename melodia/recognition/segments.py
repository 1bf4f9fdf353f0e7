"""A long recording in pieces that end in pauses, as it comes: what one reading of the network is given.

A frame's level is that of its loudest bins. Pauses are frames far below the speech around them; recordings are cut in the
middle of one, and if none comes in `longest` seconds, in the quietest place of the later half. `trimmed` takes the rest of
long pauses from the ends of a piece, so that the network hears as much silence as in training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from melodia.config import check_range
from melodia.errors import ConfigError

LOUDEST = 12  # bins whose mean is a frame's level
SMOOTH = 5  # frames
SPEECH = 0.9  # quantile of a piece's levels that is taken for its speech


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentConfig:
    """In seconds; `depth_db`: how far below speech a pause lies. A pause of `pause` ends a piece of `shortest` or more."""

    shortest: float = 2.0
    longest: float = 16.0
    pause: float = 0.45
    depth_db: float = 22.0

    def __post_init__(self) -> None:
        check_range("shortest", self.shortest, 0.1, 600)
        check_range("longest", self.longest, 1, 600)
        check_range("pause", self.pause, 0.05, 60)
        check_range("depth_db", self.depth_db, 1, 100)
        if self.longest < 2 * self.shortest:
            raise ConfigError(f"longest: {self.longest:g} is out of range; it must be at least twice shortest, {self.shortest:g}")


class Piece(NamedTuple):
    """Frames, (frames, n_mels) in decibels, and which of the recording's is the first."""

    first: int
    decibels: Tensor


def pieces(parts: Iterable[Tensor], frame_rate: float, config: SegmentConfig) -> Iterator[Piece]:
    """A log-mel spectrogram that comes in parts, (frames, n_mels) in decibels -> pieces, whole, in order, without gaps."""
    longest, shortest, pause = (round(s * frame_rate) for s in (config.longest, config.shortest, config.pause))
    held, first = torch.zeros(0, 0), 0
    for part in parts:
        held = torch.cat([held, part]) if len(held) else part
        while len(held) >= longest + pause:  # always looked for in as many frames, so that parts do not matter
            window = held[: longest + pause]
            end = _pause_in(window, shortest, pause, config.depth_db) or quietest(window, longest // 2, longest)
            yield Piece(first, held[:end])
            held, first = held[end:], first + end
    while len(held) and (last := _pause_in(held, shortest, pause, config.depth_db)):
        yield Piece(first, held[:last])
        held, first = held[last:], first + last
    if len(held):
        yield Piece(first, held)


def levels(decibels: Tensor) -> Tensor:
    """(frames, n_mels) -> (frames,): how loud each frame is, in decibels, a little smoothed."""
    loud = decibels.topk(min(LOUDEST, decibels.shape[1]), dim=1).values.mean(dim=1)
    return torch.nn.functional.avg_pool1d(loud[None, None], SMOOTH, 1, SMOOTH // 2, count_include_pad=False)[0, 0]


def trimmed(piece: Piece, margin: int, depth_db: float) -> Piece:
    """A piece with at most so many frames of a pause before its speech and after it."""
    loud = torch.nonzero(~quiet_in(piece.decibels, depth_db))[:, 0]
    if not len(loud):
        return piece
    first, last = max(int(loud[0]) - margin, 0), int(loud[-1]) + 1 + margin
    return Piece(piece.first + first, piece.decibels[first:last])


def quiet_in(decibels: Tensor, depth_db: float) -> Tensor:
    """(frames, n_mels) -> (frames,): whether each lies that far below the speech."""
    level = levels(decibels)
    return level < torch.quantile(level, SPEECH) - depth_db


def _pause_in(decibels: Tensor, shortest: int, pause: int, depth_db: float) -> int | None:
    """The middle of the first long pause that is there after so many frames."""
    if len(decibels) < shortest + pause:
        return None
    quiet = quiet_in(decibels, depth_db)
    whole = -torch.nn.functional.max_pool1d(-quiet[None, None].float(), pause, 1)[0, 0] > 0  # spans of quiet frames alone
    first = max(shortest - pause // 2, 0)
    starts = torch.nonzero(whole[first:])[:, 0]
    if not len(starts):
        return None
    begins = int(starts[0]) + first
    loud = torch.nonzero(~quiet[begins:])[:, 0]
    return (begins + (begins + int(loud[0]) if len(loud) else len(quiet))) // 2


def quietest(decibels: Tensor, first: int, last: int) -> int:
    """The frame with the least sound around it."""
    level = levels(decibels[first:last])
    return first + int(level.argmin())

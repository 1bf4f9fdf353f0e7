"""What the network says -> notes: one decoder for training, evaluation and the command line.

It reads frame by frame and keeps one open note a key, so it takes a stream in pieces of any size and gives the same
notes. A note begins at a peak of `onset`, moved by `place` between the frames. It ends where `sustain` falls below its
threshold (between two frames, by interpolation), at a peak of `offset`, or at the key's next onset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.transcription.notes import LOWEST_PITCH, NUM_KEYS, Notes, make_notes

SHORTEST = 0.03  # seconds of a note
SOFTEST = 1  # velocity


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeConfig:
    """Thresholds, 0 to 1. `onset` weighs missed notes against false ones; an `offset` of 1 leaves it to `sustain`."""

    onset: float = 0.4
    sustain: float = 0.4
    offset: float = 0.5
    pedal: float = 0.5

    def __post_init__(self) -> None:
        for name in ("onset", "sustain", "offset", "pedal"):
            check_range(name, getattr(self, name), 0.001, 1.0)


class Frames(NamedTuple):
    """What the network says as probabilities, (frames, 88); `place` in frames; `velocity` 0 to 1; `pedal` (frames, 1)."""

    onset: NDArray[np.float32]
    offset: NDArray[np.float32]
    sustain: NDArray[np.float32]
    place: NDArray[np.float32]
    velocity: NDArray[np.float32]
    pedal: NDArray[np.float32]


class Decoder:
    """See the module. Feed it frames in order, then `finish`."""

    def __init__(self, config: DecodeConfig, frame_rate: float) -> None:
        self.config, self.frame_rate = config, frame_rate
        self._frame = -1  # the next one to decide on, of which its neighbours are `_held`
        self._held = Frames(*(np.zeros((2, width), np.float32) for width in (NUM_KEYS,) * 5 + (1,)))
        self._onset = np.full(NUM_KEYS, np.nan)  # of the open note, in frames; NaN: none
        self._velocity = np.zeros(NUM_KEYS)
        self._pedal_since: float | None = None
        self.pedal: list[tuple[float, float]] = []  # spans in seconds, those that are over

    def feed(self, frames: Frames) -> Notes:
        """Takes the next frames; returns the notes that have ended."""
        read = Frames(*(np.concatenate([h, f]) for h, f in zip(self._held, frames, strict=True)))
        ended: list[tuple[float, float, int, float]] = []
        for i in range(1, len(read.onset) - 1):
            if self._frame >= 0:
                self._decide(read, i, ended)
            self._frame += 1
        self._held = Frames(*(r[-2:] for r in read))
        return make_notes(ended)

    def finish(self) -> Notes:
        """The last notes; what is still open ends here."""
        silence = Frames(*(np.zeros((1, f.shape[1]), np.float32) for f in self._held))
        notes = self.feed(silence)
        ended: list[tuple[float, float, int, float]] = []
        for key in np.flatnonzero(~np.isnan(self._onset)):
            self._end(int(key), float(self._frame), ended)
        if self._pedal_since is not None:
            self.pedal.append((self._pedal_since / self.frame_rate, self._frame / self.frame_rate))
            self._pedal_since = None
        return make_notes(np.concatenate([notes, make_notes(ended)]))

    def _decide(self, read: Frames, i: int, ended: list[tuple[float, float, int, float]]) -> None:
        """What happens at one frame."""
        config, t = self.config, self._frame
        onset, offset, sustain = read.onset, read.offset, read.sustain
        struck = (onset[i] >= config.onset) & (onset[i] > onset[i - 1]) & (onset[i] >= onset[i + 1])
        is_open = ~np.isnan(self._onset)
        later = is_open & (t > self._onset + 0.5)
        fell = later & (sustain[i] < config.sustain)
        damped = later & (offset[i] >= config.offset) & (offset[i] > offset[i - 1]) & (offset[i] >= offset[i + 1])
        damped &= t > self._onset + 1.5
        for key in np.flatnonzero((fell | damped) & ~struck):
            before, now = float(sustain[i - 1, key]), float(sustain[i, key])
            back = (config.sustain - now) / (before - now) if fell[key] and before > config.sustain else 0.0
            self._end(int(key), t - back, ended)
        for key in np.flatnonzero(struck):
            begin = t + float(np.clip(read.place[i, key], -1, 1))
            if is_open[key]:
                if begin - self._onset[key] < 1:  # the same stroke, seen twice
                    continue
                self._end(int(key), begin, ended)
            self._onset[key], self._velocity[key] = max(begin, 0.0), read.velocity[i, key]
        self._follow_pedal(float(read.pedal[i, 0]), t)

    def _end(self, key: int, at: float, ended: list[tuple[float, float, int, float]]) -> None:
        onset = self._onset[key] / self.frame_rate
        velocity = float(np.clip(round(self._velocity[key] * 127), SOFTEST, 127))
        ended.append((onset, max(at / self.frame_rate, onset + SHORTEST), key + LOWEST_PITCH, velocity))
        self._onset[key] = np.nan

    def _follow_pedal(self, pedal: float, t: int) -> None:
        if self._pedal_since is None and pedal >= self.config.pedal:
            self._pedal_since = float(t)
        elif self._pedal_since is not None and pedal < self.config.pedal:
            self.pedal.append((self._pedal_since / self.frame_rate, t / self.frame_rate))
            self._pedal_since = None


def decode(frames: Frames, config: DecodeConfig, frame_rate: float) -> Notes:
    """All notes of a whole recording."""
    decoder = Decoder(config, frame_rate)
    return make_notes(np.concatenate([decoder.feed(frames), decoder.finish()]))

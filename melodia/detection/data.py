"""Prepared recordings as batches for the trainer: windows at random places, changed by chance, half of them speech.

Sources of a kind (flutes, a singer, a radio ...) are drawn as often as one another, however much there is of each. All
windows of a batch are of one length. A recording that is shorter begins again. The draw depends on the random seed
and the window's turn alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.detection.augment import Decibels, changed, mixed
from melodia.detection.labelled import KINDS
from melodia.detection.level import SILENCE_DB, level_db
from melodia.detection.model import Batch
from melodia.errors import ConfigError, CorpusError
from melodia.features import MelConfig, unpacked
from melodia.training.task import Loaded, Position, share_of_batch

UNDER = 0.15  # of windows with a sound of the other kind under them
TRIES = 5  # to find a place that is not silent


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """`batch_size` windows of `shortest` to `length` frames; `augment`: change them by chance."""

    batch_size: int = 24
    length: int = 500
    shortest: int = 125
    augment: bool = True
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1, 4096)
        check_range("length", self.length, 8, 100_000)
        check_range("shortest", self.shortest, 1, 100_000)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)
        if self.shortest > self.length:
            raise ConfigError(f"length: {self.length} is out of range; it must be at least the shortest window, {self.shortest}")


class Recording(NamedTuple):
    """A prepared recording."""

    frames: NDArray[np.uint8]  # (frames, n_mels), see `features.packed`
    kind: str  # of `KINDS`
    source: str


class Draw:
    """Recordings to draw windows from."""

    def __init__(self, recordings: Sequence[Recording], features: MelConfig) -> None:
        """Sorts recordings by kind and source.

        Raises:
            CorpusError: there are none of a kind.
        """
        self.features = features
        self.of: dict[str, list[list[Recording]]] = {}
        for kind in KINDS:
            sources = sorted({r.source for r in recordings if r.kind == kind})
            if not sources:
                raise CorpusError(f"no {kind} among {len(recordings)} recordings; both {' and '.join(KINDS)} are needed")
            self.of[kind] = [[r for r in recordings if (r.kind, r.source) == (kind, source)] for source in sources]

    def plain(self, kind: str, length: int, random: np.random.Generator) -> Decibels:
        """A window of a kind, as it is: (length, n_mels) decibels."""
        sources = self.of[kind]
        of_source = sources[random.integers(len(sources))]
        frames = of_source[random.integers(len(of_source))].frames
        for _ in range(TRIES):
            first = int(random.integers(0, max(len(frames) - length, 0) + 1))
            found = unpacked(np.asarray(frames[first : first + length]))
            if level_db(torch.from_numpy(found), self.features) > SILENCE_DB:
                break
        if len(found) < length:  # begins anywhere, and begins again
            found = found[(np.arange(length) + random.integers(len(found))) % len(found)]
        return found

    def window(self, kind: str, length: int, augment: bool, random: np.random.Generator) -> Decibels:
        """A window of a kind, changed if wanted."""
        found = self.plain(kind, length, random)
        if not augment:
            return found
        if random.random() < UNDER:
            other = KINDS[1 - KINDS.index(kind)]
            found = mixed(found, self.plain(other, length, random), random.uniform(12, 35))
        return changed(found, self.features, random)


def windows(
    draw: Draw, config: DataConfig, part: int = 0, num_parts: int = 1, position: Position | None = None
) -> Iterator[Loaded]:
    """Batches without end, from a position on; a part has every `num_parts`-th window of each.

    Raises:
        ConfigError: the batch cannot be shared out evenly.
    """
    share_of_batch(config.batch_size, num_parts)
    frames = sum(len(r.frames) for sources in draw.of.values() for of_source in sources for r in of_source)
    turn = position[0][0] if position else 0
    while True:
        length = int(np.random.default_rng([config.random_seed, turn]).integers(config.shortest, config.length + 1))
        numbers = range(turn + part, turn + config.batch_size, num_parts)
        kinds = [KINDS[number % 2] for number in numbers]
        randoms = [np.random.default_rng([config.random_seed, number, 1]) for number in numbers]
        chosen = [draw.window(kind, length, config.augment, random) for kind, random in zip(kinds, randoms, strict=True)]
        turn += config.batch_size
        epoch = turn * (config.shortest + config.length) / 2 / frames
        yield Loaded(collated(chosen, kinds), [[turn]], epoch, carried=False)


def collated(chosen: Sequence[Decibels], kinds: Sequence[str]) -> Batch:
    """Windows as a batch."""
    speech = torch.tensor([float(KINDS.index(kind)) for kind in kinds])
    return Batch(torch.from_numpy(np.stack(chosen)), speech)

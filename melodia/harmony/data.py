"""Prepared pieces of four voices as batches for the trainer: whole pieces, of like length together, transposed.

By how much a piece is transposed is drawn anew in each epoch, so that each voice stays in its range: that of train.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melodia.config import check_range
from melodia.corpus import Corpus
from melodia.harmony.echoes import echoes
from melodia.harmony.model import UNGIVEN, Batch, collated
from melodia.harmony.prepare import NUM_VOICES, REST, Voices
from melodia.training.lots import in_batches
from melodia.training.task import Loaded, Position, share_of_batch

SOPRANO_ALONE = 0.5  # of the pieces of which some voices are given
MISHEARD, FARTHEST = 0.15, 5  # of their notes that are others in what a harmonizer hears, and by how many semitones
JITTER = 0.2  # of lengths, so that batches differ from epoch to epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A batch is about `batch_size` x `length` steps of whole pieces; they move by `-down` to `up` semitones.

    `given`: whether some of the voices are known from the outset, drawn anew for each piece.
    """

    batch_size: int = 8
    length: int = 256
    down: int = 5
    up: int = 6
    random_seed: int = 0
    given: bool = False

    def __post_init__(self) -> None:
        check_range("batch_size", self.batch_size, 1, 65_536)
        check_range("length", self.length, 2, 100_000)
        check_range("down", self.down, 0, 24)
        check_range("up", self.up, 0, 24)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


def pieces_of(corpus: Corpus, split: str) -> list[Voices]:
    """The pieces of a split.

    Raises:
        CorpusError: there are none.
    """
    return [np.asarray(piece) for piece in corpus.pieces(split)]


def ranges_of(pieces: Sequence[Voices]) -> NDArray[np.int64]:
    """(4, 2): the lowest and the highest pitch of each voice; 0 and 127 of one that never sings."""
    found = np.tile(np.array([0, 127]), (NUM_VOICES, 1))
    for voice in range(NUM_VOICES):
        sung = [column[column != REST] for column in (piece[:, voice] for piece in pieces)]
        pitches = np.concatenate(sung) if sung else np.zeros(0, np.uint8)
        if len(pitches):
            found[voice] = pitches.min(), pitches.max()
    return found


def transposed(pitches: NDArray[np.uint8], shift: int) -> NDArray[np.uint8]:
    """Pitches moved up by semitones; rests stay."""
    return np.where(pitches == REST, REST, pitches.astype(np.int64) + shift).astype(np.uint8)


def mishear(voices: Voices, given: Sequence[bool], ranges: NDArray[np.int64], random: np.random.Generator) -> tuple[Voices, Voices]:
    """A piece in which some notes of voices that are not given are others, and what is meant: at their onsets the true ones.

    A model that harmonises hears its own notes, not Bach's; so it learns to find back. A note is held as long as it was.
    """
    heard = voices.copy()
    for voice in (v for v in range(NUM_VOICES) if not given[v]):
        column = voices[:, voice]
        onsets = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
        steps = random.integers(1, FARTHEST + 1, len(onsets)) * random.choice([-1, 1], len(onsets))
        steps *= random.random(len(onsets)) < MISHEARD
        note = np.cumsum(np.isin(np.arange(len(column)), onsets)) - 1
        other = np.clip(column.astype(np.int64) + steps[note], *ranges[voice])
        heard[:, voice] = np.where((column == REST) | (steps[note] == 0), column, other)
    meant = heard.copy()
    begins = np.concatenate([np.ones((1, NUM_VOICES), bool), voices[1:] != voices[:-1]])
    meant[begins] = voices[begins]
    return heard, meant


class Pieces:
    """The pieces of train, and how far each may be moved."""

    def __init__(self, pieces: Sequence[Voices], config: DataConfig) -> None:
        self.pieces, self.config = pieces, config
        self.echoes = [echoes(piece) for piece in pieces]  # they move with the piece
        self.lengths = np.array([len(piece) for piece in pieces])
        self.ranges = ranges = ranges_of(pieces)
        self.room: list[tuple[int, int]] = []  # semitones down and up
        for piece in pieces:
            own = ranges_of([piece])
            sings = (piece != REST).any(axis=0)
            down = (own - ranges)[sings, 0].min(initial=config.down)
            up = (ranges - own)[sings, 1].min(initial=config.up)
            self.room.append((-int(down), int(up)))

    def shifts(self, epoch: int) -> list[int]:
        """By how much each piece is moved."""
        random = np.random.default_rng([self.config.random_seed, epoch])
        return [int(random.integers(down, up + 1)) for down, up in self.room]

    def given(self, epoch: int) -> list[list[bool]]:
        """Which voices of each piece are known from the outset: the soprano alone, or any but all."""
        if not self.config.given:
            return [list(UNGIVEN)] * len(self.pieces)
        random = np.random.default_rng([self.config.random_seed, epoch, 2])
        soprano = random.random(len(self.pieces)) < SOPRANO_ALONE
        codes = np.where(soprano, 1, random.integers(0, 2**NUM_VOICES - 1, len(self.pieces)))
        return [[bool(code >> voice & 1) for voice in range(NUM_VOICES)] for code in codes.tolist()]

    def moved(self, piece: int, shift: int) -> tuple[Voices, Voices, Voices]:
        """A piece, and its echoes."""
        said, likeness = self.echoes[piece]
        return transposed(self.pieces[piece], shift), transposed(said, shift), likeness

    def batches(self, part: int, num_parts: int, position: Position | None) -> Iterator[Loaded]:
        """Batches without end, from a position on: epoch and batch; a part has every `num_parts`-th piece of each.

        Raises:
            ConfigError: the batch cannot be cut into so many parts.
        """
        share_of_batch(self.config.batch_size, num_parts)
        epoch, number = position[0] if position else (0, 0)
        while True:
            shifts, given, lots = self.shifts(epoch), self.given(epoch), self._lots(epoch)
            while number < len(lots):
                mine = lots[number][part::num_parts]
                mine = mine if len(mine) else lots[number][:1]  # fewer than parts: one is read twice
                batch = self._batch(mine.tolist(), epoch, shifts, given)
                number += 1
                yield Loaded(batch, [[epoch, number]], epoch + number / len(lots), carried=False)
            epoch, number = epoch + 1, 0

    def _batch(self, mine: list[int], epoch: int, shifts: list[int], given: list[list[bool]]) -> Batch:
        pieces, known = [self.moved(i, shifts[i]) for i in mine], [given[i] for i in mine]
        if not self.config.given:
            return collated(pieces)
        misheard = []
        for i, (voices, _, _) in zip(mine, pieces, strict=True):
            random = np.random.default_rng([self.config.random_seed, epoch, 3, i])
            misheard.append(mishear(voices, given[i], self.ranges, random))
        heard = [(voices, *piece[1:]) for (voices, _), piece in zip(misheard, pieces, strict=True)]
        return collated(heard, known, [meant for _, meant in misheard])

    def _lots(self, epoch: int) -> list[NDArray[np.int64]]:
        seed = [self.config.random_seed, epoch, 1]
        around = 1 + JITTER * np.random.default_rng([*seed, 1]).uniform(-1, 1, len(self.pieces))
        lengths = np.maximum(self.lengths * around, 1).astype(np.int64)
        return in_batches(np.arange(len(self.pieces)), lengths, self.config.batch_size * self.config.length, seed)

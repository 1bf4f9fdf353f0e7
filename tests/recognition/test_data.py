"""Batches of speech: all of it, the same each time."""

import numpy as np
import torch

from melodia.features import MelConfig, packed
from melodia.recognition.data import DataConfig, Utterance, batches, in_batches, turns_of

MEL = MelConfig(n_mels=20)


def utterances(count=40, seed=0):
    random = np.random.default_rng(seed)
    made = []
    for i in range(count):
        length = int(random.integers(50, 400))
        frames = packed((random.normal(size=(length, 20)) * 10 - 50).astype(np.float32))
        letters = random.integers(1, 29, size=5 + i % 7).astype(np.uint8)
        made.append(Utterance(frames, letters, letters[: 0 if i % 5 == 0 else 4]))
    return made


SOME = utterances()
LENGTHS = np.array([len(u.frames) for u in SOME])


def some_batches(count, position=None, part=0, num_parts=1, **settings):
    config = DataConfig(**{"batch_seconds": 10, "easy_batches": 0, **settings})
    stream = batches(SOME, LENGTHS, np.arange(len(SOME)), MEL, config, part, num_parts, position)
    return [next(stream) for _ in range(count)]


def test_an_epoch_has_each_utterance_once_and_batches_are_not_too_long():
    lots = in_batches(np.arange(len(SOME)), LENGTHS, 1000, [0, 0])
    assert sorted(np.concatenate(lots)) == list(range(len(SOME)))
    assert all(len(lot) * LENGTHS[lot].max() <= 1000 for lot in lots)
    assert max(LENGTHS[lot].max() - LENGTHS[lot].min() for lot in lots) < 150  # of like length
    other = in_batches(np.arange(len(SOME)), LENGTHS, 1000, [0, 1])
    assert [lot.tolist() for lot in lots] != [lot.tolist() for lot in other]


def test_the_same_again_and_from_any_position():
    whole = some_batches(30)
    assert whole[-1].epoch > 1
    rest = some_batches(20, position=whole[9].position)
    for a, b in zip(whole[10:], rest, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a.batch, b.batch, strict=True)) and a.position == b.position


def test_parts_make_up_the_whole():
    whole, first, second = some_batches(3, augment=False), *(some_batches(3, None, part, 2, augment=False) for part in (0, 1))
    for a, b, c in zip(whole, first, second, strict=True):
        assert told(a.batch) == sorted(told(b.batch) + told(c.batch))


def told(batch):
    """The letters of each utterance of a batch, in order."""
    return sorted(row[:count].tolist() for row, count in zip(batch.letters, batch.num_letters, strict=True))


def test_the_first_are_short_and_unchanged():
    some = some_batches(12, easy_batches=10, easy_seconds=1.0)
    for loaded in some[:10]:
        assert loaded.epoch == 0 and loaded.batch.decibels.shape[1] <= 100
        assert loaded.batch.lengths.sum() <= 1000 / 3
        assert set(loaded.batch.lengths.tolist()) <= set(LENGTHS.tolist())
    assert some[10].position == [[0, 1]] and some[10].batch.decibels.shape[1] > 100
    again = some_batches(4, some[7].position, easy_batches=10, easy_seconds=1.0)
    assert torch.equal(again[0].batch.decibels, some[8].batch.decibels)
    assert torch.equal(again[3].batch.decibels, some[11].batch.decibels)


def test_small_sources_are_read_more_often():
    sources = ["big"] * 36 + ["small"] * 4
    turns = turns_of(sources, LENGTHS, DataConfig(smallest_share=0.3), 100.0)
    times = np.bincount(turns, minlength=40)
    assert set(times[:36]) == {1} and len(set(times[36:])) == 1 and 2 <= times[39] <= 6
    assert not len(turns_of(sources, LENGTHS, DataConfig(longest_seconds=0.5), 100.0))

import numpy as np
import pytest
import torch

from melodia.detection.data import DataConfig, Draw, windows
from melodia.detection.model import FEATURES
from melodia.errors import ConfigError, CorpusError
from tests.detection.conftest import recordings

CONFIG = DataConfig(batch_size=4, length=200, shortest=50, random_seed=3)


@pytest.fixture(scope="module")
def draw():
    return Draw(recordings(), FEATURES)


def take(draw, count, part=0, num_parts=1, position=None):
    batches = windows(draw, CONFIG, part, num_parts, position)
    return [next(batches) for _ in range(count)]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_half_of_a_batch_is_speech_and_lengths_differ(draw):
    batches = [loaded.batch for loaded in take(draw, 6)]
    assert all(batch.speech.tolist() == [0, 1, 0, 1] for batch in batches)
    lengths = {batch.decibels.shape[1] for batch in batches}
    assert len(lengths) > 3 and min(lengths) >= 50 and max(lengths) <= 200


def test_a_run_goes_on_where_it_was(draw):
    whole = take(draw, 7)
    later = take(draw, 3, position=whole[3].position)
    assert all(same(a.batch, b.batch) for a, b in zip(whole[4:], later, strict=True))
    assert not whole[0].carried and whole[-1].epoch > 0


def test_parts_make_up_the_batch(draw):
    whole, halves = take(draw, 3), [take(draw, 3, part, 2) for part in (0, 1)]
    for i in range(3):
        for tensor, first, second in zip(whole[i].batch, halves[0][i].batch, halves[1][i].batch, strict=True):
            assert torch.equal(tensor[0::2], first) and torch.equal(tensor[1::2], second)
    with pytest.raises(ConfigError, match="batch_size: 4 cannot be cut into 3"):
        take(draw, 1, 0, 3)


def test_a_short_recording_begins_again(draw):
    short = [r._replace(frames=r.frames[20:50]) for r in recordings()]
    found = Draw(short, FEATURES).plain("speech", 100, np.random.default_rng(0))
    assert found.shape == (100, 64)
    np.testing.assert_array_equal(found[:70], found[30:])


def test_silent_places_are_passed_over():
    half = [r._replace(frames=np.concatenate([r.frames * 0, r.frames])) for r in recordings()]
    draw, random = Draw(half, FEATURES), np.random.default_rng(0)
    silent = sum(draw.plain("music", 60, random).max() <= -100 for _ in range(100))
    assert silent < 10  # a half of all places


def test_both_kinds_are_needed():
    with pytest.raises(CorpusError, match="no speech among 4 recordings"):
        Draw([r for r in recordings() if r.kind == "music"], FEATURES)
    with pytest.raises(ConfigError, match="length: 60 is out of range"):
        DataConfig(length=60)

import numpy as np
import pytest
import torch

from melodia.errors import ConfigError
from melodia.features import packed, unpacked
from melodia.transcription.data import DataConfig, Recording, windows

CONFIG = DataConfig(batch_size=4, length=20, random_seed=3)


def recordings():
    random = np.random.default_rng(0)
    made = []
    for length in (100, 45, 12):
        frames = random.integers(60, 160, (length, 2, 30)).astype(np.uint8)
        notes = np.array([[i * 0.3, i * 0.3 + 0.2, 40 + i, 90] for i in range(int(length / 10))], np.float32)
        made.append(Recording(frames, notes, np.full((1, 2), -1, np.float32)))
    return made


def take(count, part=0, num_parts=1, position=None, config=CONFIG):
    batches = windows(recordings(), 31.25, config, part, num_parts, position)
    return [next(batches) for _ in range(count)]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_decibels_come_back_to_a_quarter():
    decibels = np.linspace(-100, 20, 500, dtype=np.float32)
    assert np.abs(unpacked(packed(decibels)) - decibels).max() <= 0.25


def test_a_run_goes_on_where_it_was():
    whole = take(9)
    later = take(4, position=whole[4].position)
    assert all(same(a.batch, b.batch) for a, b in zip(whole[5:], later, strict=True))
    assert not same(whole[0].batch, whole[1].batch)
    assert whole[-1].epoch == pytest.approx(9 * 4 / (5 + 2 + 1)) and not whole[0].carried


def test_parts_make_up_the_batch():
    whole, halves = take(3), [take(3, part, 2) for part in (0, 1)]
    for i in range(3):
        for tensor, first, second in zip(whole[i].batch, halves[0][i].batch, halves[1][i].batch, strict=True):
            assert torch.equal(tensor[0::2], first) and torch.equal(tensor[1::2], second)
    with pytest.raises(ConfigError, match="batch_size: 4 cannot be cut into 3"):
        take(1, 0, 3)


def test_a_short_recording_is_silent_past_its_end():
    batches = windows(recordings()[2:], 31.25, DataConfig(batch_size=1, length=20, augment=False))
    batch = next(batches).batch
    assert (batch.decibels[0, 12:] == -100).all() and (batch.decibels[0, :12] > -100).all()
    assert (batch.pedal == -1).all()


def test_augmentation_changes_the_sound_alone():
    plain = next(windows(recordings(), 31.25, DataConfig(batch_size=4, length=20, augment=False, random_seed=3))).batch
    heard = take(1)[0].batch
    assert torch.equal(plain.onset, heard.onset) and torch.equal(plain.sustain, heard.sustain)
    assert not torch.equal(plain.decibels, heard.decibels)
    assert heard.decibels.isfinite().all() and heard.decibels.min() >= -100

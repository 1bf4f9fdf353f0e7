"""Changed speech: still an utterance, and changed as it is said to be."""

import numpy as np
import pytest

from melodia.features import FLOOR_DB, MelConfig
from melodia.recognition.augment import Change, blanked

MEL = MelConfig(n_mels=20)


class Drawn:
    """A random generator that draws the middle of every range, and what it is told to."""

    def __init__(self, chance=0.5, **ranges):
        self.chance, self.ranges, self.real = chance, ranges, np.random.default_rng(0)

    def random(self):
        return self.chance

    def uniform(self, low, high):
        return self.ranges.get(f"{low:g} to {high:g}", (low + high) / 2)

    def __getattr__(self, name):
        return getattr(self.real, name)


@pytest.fixture
def decibels():
    return (np.random.default_rng(1).normal(size=(200, 20)) * 10 - 50).astype(np.float32)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_changed_is_still_an_utterance(decibels, seed):
    changed = Change(MEL)(decibels.copy(), 30, np.random.default_rng(seed))
    assert changed.dtype == np.float32 and changed.shape[1] == 20 and np.isfinite(changed).all()
    assert 6 * 30 <= len(changed) < 320 and changed.min() >= FLOOR_DB
    assert changed.shape != decibels.shape or not np.array_equal(changed, decibels)
    assert np.array_equal(changed, Change(MEL)(decibels.copy(), 30, np.random.default_rng(seed)))


def test_a_single_frame_survives():
    for seed in range(20):
        assert len(Change(MEL)(np.full((1, 20), -40, np.float32), 0, np.random.default_rng(seed))) >= 1


def test_another_tempo_keeps_room_for_the_letters(decibels):
    faster = Change(MEL).respoken(decibels, 10, Drawn(0.0, **{"0.85 to 1.2": 1.2, "0.85 to 1.18": 1.0}))
    assert len(faster) == round(200 / 1.2) and np.allclose(faster[0], decibels[0], atol=0.1)
    assert len(Change(MEL).respoken(decibels, 33, Drawn(0.0, **{"0.85 to 1.2": 1.2, "0.85 to 1.18": 1.0}))) == 6 * 33
    assert np.array_equal(Change(MEL).respoken(decibels, 10, Drawn(0.9)), decibels)


def test_a_longer_vocal_tract_is_lower():
    change, peak = Change(MEL), np.full((5, 20), -80.0, np.float32)
    peak[:, 12] = 0
    moved = change.respoken(peak, 0, Drawn(0.0, **{"0.85 to 1.2": 1.0, "0.85 to 1.18": change.hertz[12] / change.hertz[11]}))
    assert (moved.argmax(axis=1) == 11).all()


def test_a_room_dies_away_by_60_decibels_in_its_time():
    struck = np.full((200, 20), 1e-12, np.float32)
    struck[10] = 1.0
    heard = Change(MEL).echoed(struck, Drawn(**{"-1.89712 to -0.223144": 0.0, "0 to 0.4": 0.0, "-14 to 2": 0.0}))  # a second
    level = 10 * np.log10(heard)
    assert level[10, 3] == pytest.approx(0, abs=0.01) and level[9, 3] < -110
    assert level[20, 3] - level[120, 3] == pytest.approx(60, abs=0.5)


def test_noise_is_added_at_its_level(decibels):
    power = 10 ** (decibels / 10)
    for below in (8, 30):
        added = Change(MEL).noisy(power, Drawn(0.9, **{"8 to 40": below})) - power
        assert (added >= 0).all()
        share = added.sum(axis=1).mean() / np.percentile(power.sum(axis=1), 90)
        assert 10 * np.log10(share) == pytest.approx(-below, abs=1)


def test_a_telephone_keeps_its_band():
    flat = np.full((10, 20), -40.0, np.float32)
    plain, narrow = (Change(MEL).coloured(flat, Drawn(chance, **{"0 to 5": 0.0, "-20 to 10": 0.0})) for chance in (0.9, 0.0))
    middle = int(np.abs(Change(MEL).hertz - 1000).argmin())
    assert np.allclose(plain, -40) and narrow[0, middle] == -40 and narrow[0, -1] < -55


def test_bands_and_spans_are_blanked_anywhere(decibels):
    counts = np.zeros(decibels.shape)
    for seed in range(300):
        out = blanked(decibels.copy(), np.random.default_rng(seed))
        changed = out != decibels
        assert np.allclose(out[changed], np.broadcast_to(decibels.mean(axis=0), out.shape)[changed], atol=6)
        counts += changed
    assert counts[:, 0].max() > 0 and counts[:, -1].max() > 0 and counts[0].max() > 0 and counts[-1].max() > 0
    assert blanked(np.zeros((4, 3), np.float32), np.random.default_rng(0)).shape == (4, 3)

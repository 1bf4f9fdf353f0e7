import numpy as np
import pytest
import torch

from melodia.detection.augment import changed, line, mixed, paused, reverberated, shifted
from melodia.detection.model import FEATURES
from melodia.features import log_mel
from tests.detection.conftest import talk, tune


@pytest.fixture
def decibels():
    return log_mel(torch.from_numpy(talk(3.0)), FEATURES).numpy()


def test_whatever_is_changed_stays_a_spectrogram(decibels):
    for i in range(40):
        out = changed(decibels, FEATURES, np.random.default_rng(i))
        assert out.shape == decibels.shape and out.dtype == np.float32
        assert np.isfinite(out).all() and out.min() >= -100 and not np.array_equal(out, decibels)
        np.testing.assert_array_equal(out, changed(decibels, FEATURES, np.random.default_rng(i)))


def test_powers_are_added(decibels):
    both = mixed(decibels, decibels, 0.0)
    np.testing.assert_allclose(both, decibels + 3.01, atol=0.01)
    other = log_mel(torch.from_numpy(tune(3.0)), FEATURES).numpy()
    under = mixed(decibels, other, 30.0)
    assert (under >= decibels - 1e-3).all() and np.percentile(under.max(1), 90) - np.percentile(decibels.max(1), 90) < 1


def test_a_room_dies_away_by_60_decibels_in_its_time():
    struck = np.full((200, 64), -100.0, np.float32)
    struck[10] = 0.0

    class Fixed:
        def uniform(self, low, high):
            return 1.0 if high == 2.0 else 0.0  # a second; as loud as the direct sound

    out = reverberated(struck, FEATURES, Fixed())
    assert out[10, 0] == pytest.approx(0, abs=0.01)
    assert out[20, 0] - out[20 + round(FEATURES.frame_rate), 0] == pytest.approx(60, abs=1.5)


def test_shifts_move_what_they_say():
    peak = np.full((5, 64), -80.0, np.float32)
    peak[:, 20] = 0
    assert (shifted(peak, 1.0).argmax(axis=1) == 21).all() and (shifted(peak, -1.0).argmax(axis=1) == 19).all()
    np.testing.assert_array_equal(shifted(peak, 0.0), peak)


def test_pauses_and_lines_only_take_away(decibels):
    for i in range(20):
        random = np.random.default_rng(i)
        assert (paused(decibels, FEATURES, random) <= decibels).all() and (paused(decibels, FEATURES, random) < decibels).any()
        assert (line(FEATURES, random) <= 0).all()

import pytest
import torch

from melodia.detection.checkpoint import load_detector
from melodia.detection.model import Detector, DetectorConfig
from melodia.errors import CheckpointError, ConfigError
from melodia.features import log_mel
from tests.detection.conftest import talk, tune


def test_it_learns_one_batch(small):
    assert small.losses[-1] < 0.05 < small.losses[0]


def test_a_logit_a_step_positive_for_speech(small):
    for sound, sign in ((tune, -1), (talk, 1)):
        decibels = log_mel(torch.from_numpy(sound(5.0, 9)), small.config.features)
        logits = small(decibels[None])
        assert logits.shape == (1, len(decibels) // 3)
        assert small.hear(decibels) * sign > 0


def test_the_level_makes_no_difference(small):
    decibels = log_mel(torch.from_numpy(talk()), small.config.features).clamp(min=-60)
    assert small.hear(decibels - 20) == pytest.approx(small.hear(decibels), abs=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_the_shortest_sounds_have_a_logit(small, frames):
    assert small(torch.full((2, frames, 64), -30.0)).shape == (2, 1)


def test_a_checkpoint_comes_back(small, small_checkpoint):
    decibels = log_mel(torch.from_numpy(talk()), small.config.features)
    assert load_detector(small_checkpoint).hear(decibels) == pytest.approx(small.hear(decibels), abs=0.02)
    with pytest.raises(CheckpointError, match="a model for composition, not for detection"):
        load_detector("band")


def test_bad_settings_are_named():
    with pytest.raises(ConfigError, match="hidden_size: 0"):
        DetectorConfig(hidden_size=0)
    with pytest.raises(ConfigError, match="temperature: 0"):
        Detector(DetectorConfig(temperature=0.0))

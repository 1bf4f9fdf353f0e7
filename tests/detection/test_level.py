import numpy as np
import pytest
import torch

from melodia.detection.level import level_db
from melodia.detection.model import FEATURES
from melodia.features import MelConfig, log_mel


@pytest.mark.parametrize("config", [FEATURES, MelConfig()])
def test_levels_are_those_of_the_waveform(config):
    random, time = np.random.default_rng(0), np.arange(48_000) / 16_000
    for waveform in (
        0.1 * random.normal(size=48_000),
        0.05 * np.sin(2 * np.pi * 1000 * time),
        0.3 * np.sin(2 * np.pi * 300 * time),
    ):
        wanted = 10 * np.log10(np.mean(waveform**2))
        decibels = log_mel(torch.from_numpy(waveform.astype(np.float32)), config)
        assert level_db(decibels, config) == pytest.approx(wanted, abs=1.5)


def test_silence_is_far_down():
    assert level_db(log_mel(torch.zeros(16_000), FEATURES), FEATURES) < -150
    assert level_db(torch.zeros(0, 64), FEATURES) == -np.inf

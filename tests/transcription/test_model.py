import numpy as np
import pytest
import torch

from melodia.config import from_json, to_json
from melodia.errors import ConfigError
from melodia.features import FeatureConfig
from melodia.lstm import StackedLSTM
from melodia.transcription.model import Transcriber, TranscriberConfig, harmonic_index

SMALL = TranscriberConfig(input_size=8, hidden_sizes=(8, 4, 8))


def test_one_batch_is_learnt(small):
    assert small.losses[-1] < small.losses[0] / 5


def test_a_key_sees_its_overtones():
    index = harmonic_index(FeatureConfig())
    assert index.shape == (88, 27)
    middle = (60 - 20) * 3
    assert {middle, middle + 36, middle - 36, middle + 57} <= set(index[39])  # itself, octaves, the twelfth
    assert index[87].max() == 300  # above the spectrogram there is nothing


def test_all_keys_share_their_weights():
    model = Transcriber(SMALL)
    assert sum(p.numel() for p in model.parameters()) < 10_000
    assert 100_000 < sum(p.numel() for p in Transcriber(TranscriberConfig()).parameters()) < 3_000_000
    times = [m for m in model.modules() if isinstance(m, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.MultiheadAttention)]
    assert not times and sum(isinstance(m, StackedLSTM) for m in model.modules()) == 3


@pytest.mark.parametrize("live", [True, False])
def test_a_live_model_hears_nothing_later(live):
    torch.manual_seed(0)
    model = Transcriber(TranscriberConfig(features=FeatureConfig(live=live), input_size=8, hidden_sizes=(8, 4, 8))).eval()
    decibels = torch.randn(1, 30, 2, 300) * 20 - 50
    changed = decibels.clone()
    changed[:, 20:] = 0
    with torch.no_grad():
        before, after = model(decibels), model(changed)
    assert torch.equal(before.onset[:, :20], after.onset[:, :20]) == live
    assert before.onset.shape == (1, 30, 88) and before.pedal.shape == (1, 30, 1)


def test_the_config_travels_as_json():
    import json

    content = json.loads(json.dumps(to_json(SMALL)))
    assert from_json(TranscriberConfig, content, "here") == SMALL
    content["features"]["colour"] = 1
    with pytest.raises(ConfigError, match="features: unknown setting 'colour'"):
        from_json(TranscriberConfig, content, "here")
    with pytest.raises(ConfigError, match="hidden_sizes"):
        TranscriberConfig(hidden_sizes=(0, 4, 4))


def test_unknown_pedals_are_not_learnt(small):
    from melodia.transcription.model import Batch

    rolls = [torch.zeros(1, 10, 88) for _ in range(5)]
    decibels = torch.full((1, 10, 2, 300), -60.0)
    unknown, known = (small.loss(Batch(decibels, *rolls, torch.full((1, 10, 1), value)))[0] for value in (-1.0, 1.0))
    assert known > unknown and np.isfinite(float(unknown.detach()))

import copy

import pytest
import torch

from melodia.composition.train import blend, make_config
from melodia.corpus import Corpus
from melodia.errors import ConfigError
from melodia.training import Cluster, RunResult
from tests.composition.test_prepare import prepared, tune


class Bowl:
    """A loss that is least where the one weight is 7."""

    def __init__(self):
        self.model = torch.nn.Linear(1, 1, bias=False)

    def validate(self, model, rank, size):
        return float((model.weight.detach() - 7) ** 2) + 1, 1.0


@pytest.mark.parametrize("new, share, loss", [(7.0, 1.0, 1.0), (10.0, 0.7, 1.0), (50.0, 0.5, 18.0**2 + 1)])
def test_the_best_mixture_of_old_and_new_weights_is_taken(new, share, loss):
    weights = {"weight": torch.tensor([[new]])}
    result = RunResult(
        weights=copy.deepcopy(weights), iteration=1, best_iteration=1, best_loss=(new - 7) ** 2 + 1, seconds=0, stopped=False
    )
    found = blend(Bowl(), result, {"weight": torch.tensor([[0.0]])}, Cluster(torch.device("cpu")))
    assert found == share and result.best_loss == pytest.approx(loss, rel=1e-4)
    assert float(result.weights["weight"]) == pytest.approx(share * new)


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    for i in range(6):
        tune(i).write(tmp_path / "music" / f"{i}.mid")
    return prepared(tmp_path / "music", tmp_path / "out")


def test_settings_by_name(corpus):
    fresh, tuned = make_config(corpus), make_config(corpus, "band")
    assert (fresh.training.iterations, tuned.training.iterations) == (7000, 100)
    assert tuned.training.learning_rate < fresh.training.learning_rate
    assert tuned.augmentation.semitones == 6 and tuned.augmentation.other_instrument == 0 < fresh.augmentation.other_instrument
    config = make_config(corpus, cell="gru", length=99, minutes=3, random_seed=5)
    assert (config.model.cell, config.data.length, config.training.minutes) == ("gru", 99, 3)
    assert config.data.random_seed == config.training.random_seed == 5
    assert make_config(corpus, gpu=True).training.precision == "bfloat16"
    for settings, message in (
        ({"colour": 1}, "unknown setting 'colour'"),
        ({"dropout": 2}, "dropout: 2"),
        ({"start": "band", "cell": "gru"}, "leave it out"),
    ):
        with pytest.raises(ConfigError, match=message):
            make_config(corpus, **settings)

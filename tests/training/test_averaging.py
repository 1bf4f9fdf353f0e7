import pytest
import torch
from torch import nn

from melodia.training.averaging import Average
from tests.training.test_trainer import seen, trainer


def test_the_mean_forgets_slowly_and_at_first_faster():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average = Average(model, 0.5)
    for iteration, (weight, mean) in enumerate(((11.0, 10.0), (4.0, 5.0), (9.0, 23 / 3)), start=1):
        nn.init.constant_(model.weight, weight)
        average.update(model, iteration)  # decay 1/11, 2/12, 3/13
        assert average.weights["weight"].item() == pytest.approx(mean if iteration < 3 else 9 - 4 * 3 / 13)
    average.update(model, 1000)
    assert average.weights["weight"].item() == pytest.approx(9 - 2 * 3 / 13)
    with average.lent(model):
        assert model.weight.item() == pytest.approx(9 - 2 * 3 / 13)
    assert model.weight.item() == 9


def test_the_mean_is_measured_and_kept(tmp_path):
    run = trainer(tmp_path, average=0.9)
    plain = trainer(tmp_path / "plain")
    curve, other = seen(run), seen(plain)
    assert [row[1] for row in curve] == [row[1] for row in other]  # training is the same
    assert [row[2] for row in curve] != [row[2] for row in other]
    best = min(row[2] for row in curve if row[2] is not None)
    with torch.no_grad():
        run.average = None
        assert run.measure() == pytest.approx(best, abs=1e-5)


def test_a_resumed_run_has_the_mean_it_had(tmp_path):
    whole = seen(trainer(tmp_path / "whole", average=0.9))
    first = seen(trainer(tmp_path / "cut", average=0.9), 37)
    second = trainer(tmp_path / "cut", average=0.9)
    second.resume()
    assert first + seen(second) == whole
    late = trainer(tmp_path / "late")  # one that had none
    seen(late, 37)
    third = trainer(tmp_path / "late", average=0.9)
    third.resume()
    assert torch.equal(next(iter(third.average.weights.values())), next(iter(third.model.state_dict().values())))

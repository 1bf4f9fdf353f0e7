import itertools
import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from melodia.errors import CheckpointError, ConfigError, MelodiaError
from melodia.lstm import LSTMConfig, StackedLSTM
from melodia.training import Trainer, TrainingConfig


class Ones(NamedTuple):
    x: Tensor
    y: Tensor


class Echo(nn.Module):
    """Learns the sign of the number two steps before."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.lstm = StackedLSTM(LSTMConfig(input_size=1, hidden_size=16, num_layers=2, dropout=0.1))
        self.head = nn.Linear(16, 2)

    def loss(self, batch, state):
        y, state = self.lstm(batch.x, state)
        return (
            nn.functional.cross_entropy(self.head(y).flatten(0, 1), batch.y.flatten(), reduction="sum"),
            torch.tensor(batch.y.numel()),
            state,
        )


def batches(epoch):
    source = torch.Generator().manual_seed(epoch)
    for _ in range(10):
        x = torch.randn(8, 12, 1, generator=source)
        yield Ones(x, (torch.roll(x, 2, dims=1)[..., 0] > 0).long())


def validate(model):
    with torch.no_grad():
        return float(sum(model.loss(b, None)[0] for b in itertools.islice(batches(10_000), 3)) / 288)


def trainer(folder, **settings):
    config = TrainingConfig(
        **{"iterations": 60, "learning_rate": 0.02, "warmup": 5, "validate_every": 15, "save_minutes": 0, **settings}
    )
    return Trainer(Echo(), batches, validate, config, folder)


def test_it_learns_and_keeps_the_best(tmp_path):
    run = trainer(tmp_path, iterations=150)
    seen = [p.valid_loss for p in run.run() if p.valid_loss is not None]
    assert seen[-1] < 0.8 * seen[0]
    assert validate(run.model.eval()) == pytest.approx(min(seen), abs=1e-5)


def test_the_same_seed_gives_the_same_curve(tmp_path):
    curves = [[p.train_loss for p in trainer(tmp_path / str(i)).run()] for i in range(2)]
    assert curves[0] == curves[1]
    other = [p.train_loss for p in trainer(tmp_path / "other", random_seed=1).run()]
    assert other != curves[0]


def test_a_resumed_run_goes_on_as_if_it_had_never_stopped(tmp_path):
    whole = [(p.iteration, p.train_loss, p.valid_loss) for p in trainer(tmp_path / "whole").run()]
    first = [(p.iteration, p.train_loss, p.valid_loss) for p in itertools.islice(trainer(tmp_path / "cut").run(), 37)]
    second = trainer(tmp_path / "cut")
    second.resume()
    rest = [(p.iteration, p.train_loss, p.valid_loss) for p in second.run()]
    assert first + rest == whole


def test_it_stops_early(tmp_path):
    run = trainer(tmp_path, iterations=1000, learning_rate=1e-8, validate_every=5, patience=2)
    assert sum(1 for _ in run.run()) < 1000


def test_a_loss_that_is_no_number_is_one_line_and_leaves_the_state(tmp_path):
    run = trainer(tmp_path)
    steps = run.run()
    next(steps)
    with torch.no_grad():
        run.model.head.bias.fill_(math.nan)
    with pytest.raises(MelodiaError, match=r"iteration 1: the loss is nan.*resume"):
        next(steps)
    trainer(tmp_path).resume()


def test_resume_refusals(tmp_path):
    with pytest.raises(CheckpointError, match="nothing to resume"):
        trainer(tmp_path).resume()
    (tmp_path / "resume.pt").write_bytes(b"not a state")
    with pytest.raises(CheckpointError, match="not a state"):
        trainer(tmp_path).resume()


def test_a_state_goes_on_with_the_same_data_alone(tmp_path):
    list(trainer(tmp_path, iterations=15).run())
    other = trainer(tmp_path)
    other.data = "another corpus"
    with pytest.raises(CheckpointError, match="another corpus, batch size"):
        other.resume()


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(MelodiaError, match="cannot be saved: .*No space left"):
        list(trainer(tmp_path).run())


def test_the_learning_rate_warms_up_and_falls(tmp_path):
    run = trainer(tmp_path)
    assert run.learning_rate(0) == pytest.approx(0.004)
    assert run.learning_rate(5) == pytest.approx(0.02)
    assert run.learning_rate(60) == pytest.approx(0.00002)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="precision: 'half' is not known"):
        TrainingConfig(precision="half")
    with pytest.raises(ConfigError, match="iterations: 0 is out of range"):
        TrainingConfig(iterations=0)

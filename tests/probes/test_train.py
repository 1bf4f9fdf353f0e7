from dataclasses import replace

import pytest
import torch

from melodia.errors import ConfigError
from melodia.probes.tasks import TASKS
from melodia.probes.train import ProbeConfig, new_network, train_probe

CPU = torch.device("cpu")


def probe(config, task="recall", length=10, cell="lstm", report=None):
    network = new_network(TASKS[task], length, cell, 24, config)
    return train_probe(network, TASKS[task], length, config, CPU, report)


def test_a_short_lstm_run_beats_the_baseline_clearly():
    seen = []
    result = probe(ProbeConfig(iterations=400), report=lambda i, loss: seen.append(i))
    assert result.loss < 0.05 * result.baseline == 0.05 * TASKS["recall"].baseline(10)
    assert result.accuracy > 0.95
    assert result.solved_at == result.curve[-1][0] == seen[-1] < 400  # solved is done
    assert seen == list(range(1, len(seen) + 1))
    assert result.curve[0][1] > 0.8 * result.baseline and [i for i, _ in result.curve[:3]] == [0, 50, 100]


def test_what_is_not_solved_uses_up_its_iterations_and_is_measured_at_the_end():
    result = probe(ProbeConfig(iterations=13), length=40, cell="rnn")
    assert result.solved_at is None and result.curve[-1] == (13, result.loss)
    assert result.learning_rate == 0.001 and 0 <= result.accuracy < 0.5


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_same_random_seed_gives_the_same_numbers(cell):
    config = ProbeConfig(iterations=20)
    first, again = (replace(probe(config, "adding", cell=cell), seconds=0) for _ in range(2))
    assert first == again
    assert probe(ProbeConfig(iterations=20, random_seed=1), "adding", cell=cell).curve != first.curve


def test_clipping_and_learning_rate_change_the_outcome():
    plain = probe(ProbeConfig(iterations=20, clip_norm=0), "copy").loss
    assert probe(ProbeConfig(iterations=20, clip_norm=0.01), "copy").loss != plain
    assert probe(ProbeConfig(iterations=20, clip_norm=1e-12), "copy").loss > plain  # less than Adam's epsilon: nothing is learned
    assert probe(ProbeConfig(iterations=20, learning_rate=1e-4), "copy").loss > plain


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tasks": ("addition",)}, "tasks: 'addition' is not known; it must be adding, copy, recall"),
        ({"cells": ("lstm", "elman")}, "cells: 'elman' is not known; it must be lstm, gru, rnn"),
        ({"cells": ()}, "cells: name at least one"),
        ({"lengths": (50, 50)}, "lengths: 50, 50 names one twice"),
        ({"lengths": (50, 0)}, "lengths: 0 is out of range; it must be from 2 to 10000"),
        ({"lengths": (10_001,)}, "lengths: 10001 is out of range"),
        ({"iterations": 0}, "iterations: 0 is out of range"),
        ({"clip_norm": -1}, "clip_norm: -1 is out of range"),
        ({"clip_norm": float("nan")}, "clip_norm: nan is out of range"),
        ({"forget_bias": "open"}, "forget_bias: 'open' is not known"),
        ({"learning_rate": 0}, "learning_rate: 0 is out of range"),
        ({"random_seed": -1}, "random_seed: -1 is out of range"),
    ],
)
def test_refusals(settings, message):
    with pytest.raises(ConfigError, match=message):
        ProbeConfig(**settings)

import math

import pytest
import torch

from melodia.probes.gradients import EXPLODING_HIDDEN, gradient_norm, norm_through_time, spectral_radius, train_exploding
from melodia.probes.network import hidden_sizes, make_network
from melodia.probes.tasks import TASKS


def test_the_norms_are_those_of_a_recurrence_by_hand():
    task = TASKS["adding"]
    network = make_network("rnn", 5, task, 0).double()
    x, targets = task.draw(4, 2, torch.Generator().manual_seed(7))
    layer, norms = network.recurrent.layers, torch.zeros(4, dtype=torch.double)
    for one, target in zip(x.double(), targets, strict=True):
        hidden, states = torch.zeros(5).double(), []
        for frame in one:
            hidden = torch.tanh(layer.weight_ih_l0 @ frame + layer.weight_hh_l0 @ hidden + layer.bias_ih_l0 + layer.bias_hh_l0)
            states.append(hidden)
        back = 2 * (network.readout(hidden) - target) * network.readout.weight[0]
        for k in range(4):
            norms[k] += back.norm() / 2
            back = layer.weight_hh_l0.T @ (back * (1 - states[3 - k] ** 2))
    assert norm_through_time(network, task, 4, random_seed=7, batch_size=2) == pytest.approx(norms.tolist())


def test_an_untrained_rnn_loses_a_gradient_that_an_lstm_holds():
    task = TASKS["recall"]
    sizes, kept = hidden_sizes(["lstm", "rnn"], 8000, task), {}
    for cell, size in sizes.items():
        norms = norm_through_time(make_network(cell, size, task, 0), task, 100)  # the LSTM with forget bias 1
        assert len(norms) == 101
        kept[cell] = norms[100] / norms[0]
    assert 0 < kept["rnn"] < 1e-3 * kept["lstm"]
    opened = make_network("lstm", sizes["lstm"], task, 0)
    opened.open_gates("chrono", 100, torch.Generator().manual_seed(0))
    norms = norm_through_time(opened, task, 100)
    assert norms[100] / norms[0] > 0.01


def test_a_clipped_gradient_is_bounded_and_an_unclipped_one_explodes():
    wild, tame = train_exploding(0.0, iterations=40), train_exploding(1.0, iterations=40)
    assert wild.norms == wild.applied_norms
    assert max(wild.norms) > 1e6 and max(wild.losses) > 1e6 and len(wild.losses) < 40
    assert max(tame.norms) > 5 and max(tame.applied_norms) <= 1 + 1e-5
    assert len(tame.losses) == 40 and max(tame.losses) < 10 and tame.losses[-1] < 0.5
    assert wild.losses[0] == tame.losses[0]


def test_the_measures():
    network = make_network("rnn", EXPLODING_HIDDEN, TASKS["adding"], 0)
    assert 0.4 < spectral_radius(network) < 0.8  # uniform within 1 / sqrt(n): 1 / sqrt(3)
    for weights in network.parameters():
        weights.grad = torch.ones_like(weights)
    assert gradient_norm(network) == pytest.approx(math.sqrt(sum(p.numel() for p in network.parameters())))

import math

import pytest
import torch

from melodia.errors import ConfigError
from melodia.lstm import CELLS
from melodia.probes.network import hidden_sizes, make_network, parameter_count
from melodia.probes.tasks import TASKS


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("parameters", [4000, 16_000, 60_000])
def test_the_cells_have_the_same_number_of_parameters(task, parameters):
    sizes = hidden_sizes(list(CELLS), parameters, task)
    counts = [sum(p.numel() for p in make_network(c, h, task, 0).parameters()) for c, h in sizes.items()]
    assert counts == [parameter_count(c, h, task) for c, h in sizes.items()]
    assert max(counts) <= 1.02 * min(counts)
    assert all(abs(count / parameters - 1) < 0.12 for count in counts)
    assert sizes["rnn"] > sizes["gru"] > sizes["lstm"]


def test_a_count_by_hand():
    # four gates of 3 x (2 + 3) weights and two biases, and a readout of 3 weights and a bias
    assert parameter_count("lstm", 3, TASKS["adding"]) == 4 * (3 * 5 + 2 * 3) + 4


def test_too_few_parameters_are_refused():
    with pytest.raises(ConfigError, match=r"parameters: 20 is too few for lstm, gru, rnn .* within 2%"):
        hidden_sizes(list(CELLS), 20, TASKS["copy"])


@pytest.mark.parametrize("cell", CELLS)
def test_reading_frame_by_frame_gives_what_reading_at_once_gives(cell):
    network = make_network(cell, 12, TASKS["recall"], 1)
    x, _ = TASKS["recall"].draw(9, 3, torch.Generator().manual_seed(0))
    last = network.readout(network.states(x)[-1][0][-1])
    torch.testing.assert_close(last, network(x, 1)[:, 0])


def test_the_random_seed_alone_decides_the_weights():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (make_network("lstm", 8, TASKS["copy"], seed) for seed in (3, 3, 4))
    assert torch.rand(1) == expected  # the global generator went on as if nothing had been
    assert torch.equal(first.recurrent_weights, again.recurrent_weights)
    assert not torch.equal(first.recurrent_weights, other.recurrent_weights)


def test_forget_biases():
    network, generator = make_network("lstm", 50, TASKS["copy"], 0), torch.Generator().manual_seed(0)
    biases = network.recurrent.layers.bias_ih_l0
    network.open_gates(2.5, 100, generator)
    assert biases[50:100].tolist() == [2.5] * 50 and biases[:50].abs().max() == 0
    network.open_gates("chrono", 100, generator)
    assert biases[50:100].min() >= 0 and math.log(70) < biases[50:100].max() <= math.log(99)
    assert torch.equal(biases[:50], -biases[50:100]) and biases[100:].abs().max() == 0
    gru = make_network("gru", 50, TASKS["copy"], 0)
    gru.open_gates("chrono", 100, generator)
    assert gru.recurrent.layers.bias_ih_l0[50:100].max() > math.log(70)
    x = torch.zeros(1, 1, 10)
    kept = gru.recurrent(x, (torch.ones(1, 1, 50),))[1][0]  # torch's update gate keeps where it is 1
    assert kept.mean() > 0.8

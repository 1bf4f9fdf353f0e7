import math

import pytest
import torch

from melodia.probes.tasks import BLANK, CUE, SYMBOLS, TASKS, draw_adding, draw_copy, draw_recall


def generator(random_seed=0):
    return torch.Generator().manual_seed(random_seed)


@pytest.mark.parametrize("length", [2, 5, 50])
def test_adding_asks_for_the_sum_of_two_marked_numbers_one_in_each_half(length):
    x, targets = draw_adding(length, 200, generator())
    assert x.shape == (200, length, 2) and targets.shape == (200, 1)
    for sequence, target in zip(x, targets, strict=True):
        places = [t for t in range(length) if sequence[t, 1] == 1]
        assert len(places) == 2 and places[0] < length // 2 <= places[1]
        assert target.item() == pytest.approx(sum(sequence[t, 0].item() for t in places))
    assert set(x[:, :, 1].unique().tolist()) <= {0.0, 1.0}
    assert x[:, :, 0].min() >= 0 and x[:, :, 0].max() < 1


def test_copy_shows_ten_symbols_first_and_wants_them_last():
    x, targets = draw_copy(30, 20, generator())
    shown = x.argmax(-1)
    assert x.shape == (20, 50, 10) and bool((x.sum(-1) == 1).all())
    assert bool((shown[:, :10] < SYMBOLS).all())
    assert bool((shown[:, 10:39] == BLANK).all()) and bool((shown[:, 39] == CUE).all())  # T - 1 blanks, the sign
    assert bool((shown[:, 40:] == BLANK).all())
    assert torch.equal(targets[:, -10:], shown[:, :10])
    assert bool((targets[:, :-10] == BLANK).all())
    assert len(shown[:, :10].unique()) == SYMBOLS


def test_recall_asks_at_the_cue_for_the_symbol_of_exactly_so_many_frames_ago():
    x, targets = draw_recall(30, 100, generator())
    shown = x.argmax(-1)
    assert x.shape == (100, 31, 17) and bool((x.sum(-1) == 1).all())
    assert torch.equal(shown[:, -1 - 30], targets[:, 0])
    assert bool((shown[:, 1:-1] >= SYMBOLS).all()) and bool((shown[:, 1:-1] < 16).all())  # never a symbol to recall
    assert bool((shown[:, -1] == 16).all())


@pytest.mark.parametrize("name", TASKS)
def test_the_same_random_seed_draws_the_same(name):
    first, again, other = (TASKS[name].draw(20, 4, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_the_baselines_are_what_the_best_answers_without_a_memory_score():
    _, targets = draw_adding(40, 20_000, generator())
    assert TASKS["adding"].baseline(40) == pytest.approx(0.1667, abs=1e-4)
    assert TASKS["adding"].loss(torch.ones(20_000, 1, 1), targets).item() == pytest.approx(1 / 6, rel=0.03)

    _, targets = draw_copy(80, 5, generator())
    knows_when = torch.full((5, 100, SYMBOLS + 1), -1e9)
    knows_when[:, :90, BLANK] = 0.0
    knows_when[:, 90:, :SYMBOLS] = 0.0
    assert TASKS["copy"].baseline(80) == pytest.approx(10 * math.log(8) / 100)
    assert TASKS["copy"].loss(knows_when, targets).item() == pytest.approx(0.20794, abs=1e-4)

    _, targets = draw_recall(80, 5, generator())
    assert TASKS["recall"].baseline(80) == pytest.approx(2.0794, abs=1e-4)
    assert TASKS["recall"].loss(torch.zeros(5, 1, SYMBOLS), targets).item() == pytest.approx(2.0794, abs=1e-4)


def test_accuracy_looks_at_the_asked_frames_alone():
    _, targets = draw_copy(10, 1, generator())
    outputs = torch.nn.functional.one_hot(targets, SYMBOLS + 1).float()
    assert TASKS["copy"].accuracy(outputs, targets) == 1.0
    outputs[:, -5:] = torch.nn.functional.one_hot(torch.tensor(BLANK), SYMBOLS + 1).float()
    outputs[:, :-10] = 0.0
    assert TASKS["copy"].accuracy(outputs, targets) == 0.5
    sums = torch.tensor([[1.0], [1.0]])
    assert TASKS["adding"].accuracy(torch.tensor([[[1.03]], [[1.05]]]), sums) == 0.5

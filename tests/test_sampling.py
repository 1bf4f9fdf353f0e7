import pytest
import torch

from melodia.errors import ConfigError
from melodia.sampling import Chance, SamplingConfig, probabilities, sample

LOGITS = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_temperature_0_takes_the_likeliest():
    assert sample(LOGITS, SamplingConfig(temperature=0), [generator()]).tolist() == [0]


def test_temperature_1_draws_from_the_model_as_it_is():
    source = generator()
    draws = [int(sample(LOGITS, SamplingConfig(), [source])) for _ in range(2000)]
    shares = torch.bincount(torch.tensor(draws), minlength=4) / 2000
    torch.testing.assert_close(shares, LOGITS.exp()[0], atol=0.04, rtol=0)


def test_top_k_and_top_p_leave_the_likeliest_renormalised():
    torch.testing.assert_close(probabilities(LOGITS, SamplingConfig(top_k=2)), torch.tensor([[0.625, 0.375, 0, 0]]))
    torch.testing.assert_close(probabilities(LOGITS, SamplingConfig(top_p=0.6)), torch.tensor([[0.625, 0.375, 0, 0]]))
    torch.testing.assert_close(probabilities(LOGITS, SamplingConfig(top_p=0.01)), torch.tensor([[1.0, 0, 0, 0]]))


def test_temperature_flattens():
    hot = probabilities(LOGITS, SamplingConfig(temperature=3.0))
    assert hot[0, 0] < 0.5 and hot[0, 3] > 0.05


def test_masked_classes_are_never_drawn():
    logits = LOGITS.masked_fill(torch.tensor([[False, True, True, True]]), -torch.inf)
    assert {int(sample(logits, SamplingConfig(temperature=50), [generator(i)])) for i in range(50)} == {0}


def test_a_row_does_not_depend_on_its_neighbours():
    alone = sample(LOGITS, SamplingConfig(), [generator(5)])
    beside = sample(LOGITS.expand(3, -1), SamplingConfig(), [generator(1), generator(5), generator(2)])
    assert beside[1] == alone[0]


@pytest.mark.parametrize("bad", [{"temperature": -1}, {"top_k": -2}, {"top_p": 0}, {"top_p": 1.5}, {"temperature": float("nan")}])
def test_ranges(bad):
    with pytest.raises(ConfigError, match=f"{next(iter(bad))}: .* out of range"):
        SamplingConfig(**bad)


def test_chances_are_those_of_the_seed_one_at_a_time():
    chance, generator = Chance(7), torch.Generator().manual_seed(7)
    alone = [float(torch.rand((), generator=generator, dtype=torch.float64)) for _ in range(300)]
    assert [chance() for _ in range(300)] == alone and Chance(8)() != alone[0]

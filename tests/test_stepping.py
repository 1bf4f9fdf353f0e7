import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from melodia.errors import ConfigError
from melodia.lstm import LSTMConfig, StackedLSTM
from melodia.sampling import SamplingConfig, probabilities
from melodia.stepping import Product, Steps, add_rows, arrays_of, drawn, silu


def make(**settings):
    torch.manual_seed(0)
    return StackedLSTM(LSTMConfig(**{"input_size": 24, "hidden_size": 36, "num_layers": 3, **settings})).eval()


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("settings", [{}, {"layer_norm": True}, {"residual": True}, {"layer_norm": True, "residual": True}])
def test_its_steps_are_those_of_the_stack(streams, settings):
    stack = make(**settings)
    steps, state = Steps(stack), stack.initial_state(streams)
    arrays = arrays_of(state)
    for _ in range(20):
        x = torch.randn(streams, 24) * 3
        with torch.no_grad():
            y, state = stack(x[:, None], state)
        np.testing.assert_allclose(steps(x.numpy(), arrays), y[:, 0].numpy(), atol=2e-6)
    for mine, torchs in zip(arrays, state, strict=True):
        np.testing.assert_allclose(mine, torchs.numpy(), atol=4e-6)


def test_a_state_is_taken_over_as_a_copy():
    state = make().initial_state(1)
    Steps(make())(np.ones((1, 24), np.float32), arrays_of(state))
    assert not any(part.any() for part in state)


@pytest.mark.parametrize("settings", [{"cell": "gru"}, {"bidirectional": True}])
def test_other_stacks_are_refused(settings):
    with pytest.raises(ConfigError, match="LSTMs that read forwards"):
        Steps(make(**settings))


def test_an_unknown_precision_is_refused():
    with pytest.raises(ConfigError, match="float32 or int8"):
        Steps(make(), "int4")


@pytest.mark.parametrize("streams", [1, 2])
@pytest.mark.parametrize(("precision", "off"), [("float32", 1e-5), ("int8", 0.03)])
def test_a_product_of_any_number_of_rows(streams, precision, off):
    rng = np.random.default_rng(0)
    weights, bias = rng.standard_normal((5, 64)).astype(np.float32), rng.standard_normal(5).astype(np.float32)
    x = rng.standard_normal((streams, 64)).astype(np.float32)
    true = x @ weights.T + bias
    assert np.abs(Product(weights, bias, precision)(x) - true).max() <= off * np.abs(true).max()


def test_int8_weights_are_a_quarter_of_the_bytes():
    assert Steps(make(), "int8").num_bytes * 4 == Steps(make()).num_bytes


def test_silu_of_numbers_of_all_sizes():
    x = np.linspace(-100, 100, 401, dtype=np.float32)
    np.testing.assert_allclose(silu(x.copy()[None])[0], torch.nn.functional.silu(torch.from_numpy(x)).numpy(), atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.sampled_from([0.3, 1.0, 1.7]), st.sampled_from([0, 1, 3]), st.sampled_from([0.5, 0.9, 1.0]))
def test_draws_have_the_probabilities_of_the_sampler(seed, temperature, top_k, top_p):
    rng = np.random.default_rng(seed)
    logits, allowed = rng.standard_normal(9).astype(np.float32) * 2, rng.random(9) < 0.7
    allowed[0] = True
    config = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p)
    masked = torch.from_numpy(np.where(allowed, logits, -np.inf))
    grid = (np.arange(2000) + 0.5) / 2000
    counts = np.bincount(drawn(np.tile(logits, (2000, 1)), np.tile(allowed, (2000, 1)), config, grid), minlength=9)
    np.testing.assert_allclose(counts / 2000, probabilities(masked, config).numpy(), atol=2e-3)


def test_temperature_0_takes_the_likeliest_that_is_allowed():
    logits, allowed = np.array([[3, 9, 5], [3, 2, 1]], np.float32), np.array([[True, False, True], [False, True, True]])
    assert drawn(logits, allowed, SamplingConfig(temperature=0), [0.1, 0.9]) == [2, 1]


def test_where_nothing_is_allowed_nothing_is_drawn():
    assert drawn(np.zeros((1, 3), np.float32), np.zeros((1, 3), bool), SamplingConfig(), [0.5]) == [-1]


def test_rows_of_a_table_are_added_to_each_stream():
    table, out = np.arange(12, dtype=np.float32).reshape(4, 3), np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(add_rows(table, np.array([[0, 3], [2, 2]]), out), [[10, 12, 14], [13, 15, 17]])

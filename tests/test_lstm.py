import pytest
import torch

from melodia.errors import ConfigError
from melodia.lstm import LSTMConfig, StackedLSTM, detached, repeated, restarted


@pytest.fixture
def stack():
    torch.manual_seed(0)
    return StackedLSTM(LSTMConfig(input_size=5, hidden_size=7, num_layers=3)).eval()


def test_single_steps_equal_the_whole_sequence(stack):
    x = torch.randn(2, 9, 5)
    whole, last = stack(x)
    state, steps = None, []
    for t in range(9):
        y, state = stack(x[:, t : t + 1], state)
        steps.append(y)
    torch.testing.assert_close(torch.cat(steps, 1), whole, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(state, last, atol=1e-6, rtol=1e-5)


def test_sampling_steps_equal_the_whole_sequence(stack):
    x = torch.randn(3, 6, 5)
    with torch.no_grad():
        whole, last = stack(x)
        state, steps = None, []
        for t in range(6):
            y, state = stack(x[:, t : t + 1], state)
            steps.append(y)
    torch.testing.assert_close(torch.cat(steps, 1), whole, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(state, last, atol=1e-6, rtol=1e-5)


def test_a_state_can_be_branched(stack):
    _, state = stack(torch.randn(1, 4, 5))
    x = torch.randn(1, 3, 5)
    alone, _ = stack(x, state)
    together, _ = stack(x.expand(4, -1, -1), repeated(state, 4))
    torch.testing.assert_close(together, alone.expand(4, -1, -1), atol=1e-6, rtol=1e-5)


def test_a_restarted_item_begins_anew_and_the_others_go_on(stack):
    _, state = stack(torch.randn(2, 4, 5))
    x = torch.randn(2, 3, 5)
    y, _ = stack(x, restarted(state, torch.tensor([True, False])))
    torch.testing.assert_close(y[:1], stack(x[:1])[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(y[1:], stack(x[1:], (state[0][:, 1:], state[1][:, 1:]))[0], atol=1e-6, rtol=1e-5)


def test_no_gradient_flows_through_a_detached_state(stack):
    x = torch.randn(1, 2, 5, requires_grad=True)
    _, state = stack(x)
    stack(torch.randn(1, 2, 5), detached(state))[0].sum().backward()
    assert x.grad is None


def test_forget_gates_start_open(stack):
    for name, bias in stack.layers.named_parameters():
        if name.startswith("bias"):
            assert (bias[7:14] == (1 if "ih" in name else 0)).all()


def test_sizes_are_checked():
    with pytest.raises(ConfigError, match="hidden_size: 0 is out of range; it must be from 1 to 16384"):
        LSTMConfig(hidden_size=0)

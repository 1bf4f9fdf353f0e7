import pytest
import torch

from melodia.errors import ConfigError
from melodia.lstm import CELLS, LSTMConfig, StackedLSTM, detached, replaced, restarted, selected

KINDS = [{"cell": c} for c in CELLS] + [
    {"residual": True},
    {"layer_norm": True},
    {"cell": "gru", "residual": True, "layer_norm": True},
]


def make(**settings):
    torch.manual_seed(0)
    return StackedLSTM(LSTMConfig(**{"input_size": 5, "hidden_size": 7, "num_layers": 3, **settings})).eval()


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


@pytest.fixture(params=KINDS, ids=lambda k: "-".join(str(v) for v in k.values()))
def stack(request):
    return make(**request.param)


@pytest.mark.parametrize("grad", [True, False])  # without gradients single steps take another path
def test_single_steps_equal_the_whole_sequence(stack, grad):
    x = torch.randn(2, 9, 5)
    with torch.set_grad_enabled(grad):
        whole, last = stack(x)
        state, steps = None, []
        for t in range(9):
            y, state = stack(x[:, t : t + 1], state)
            steps.append(y)
    close(torch.cat(steps, 1), whole)
    close(state, last)


def test_a_state_can_be_branched(stack):
    _, state = stack(torch.randn(1, 4, 5))
    x = torch.randn(1, 3, 5)
    alone, _ = stack(x, state)
    together, _ = stack(x.expand(4, -1, -1), tuple(part.expand(-1, 4, -1).contiguous() for part in state))
    close(together, alone.expand(4, -1, -1))


def test_a_restarted_item_begins_anew_and_the_others_go_on(stack):
    _, state = stack(torch.randn(2, 4, 5))
    x = torch.randn(2, 3, 5)
    y, _ = stack(x, restarted(state, torch.tensor([True, False])))
    close(y[:1], stack(x[:1])[0])
    close(y[1:], stack(x[1:], selected(state, torch.tensor([1])))[0])


def test_states_are_put_back_in_their_place(stack):
    _, state = stack(torch.randn(3, 4, 5))
    _, other = stack(torch.randn(1, 4, 5))
    mixed = replaced(state, slice(1, 2), other)
    close(selected(mixed, slice(1, 2)), other)
    close(selected(mixed, slice(2, 3)), selected(state, slice(2, 3)))


def test_no_gradient_flows_through_a_detached_state(stack):
    x = torch.randn(1, 2, 5, requires_grad=True)
    _, state = stack(x)
    stack(torch.randn(1, 2, 5), detached(state))[0].sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("settings", KINDS, ids=lambda k: "-".join(str(v) for v in k.values()))
def test_the_trace_tells_what_the_network_did(settings, bidirectional):
    stack = make(**settings, bidirectional=bidirectional)
    x = torch.randn(2, 6, 5)
    y, _ = stack(x)
    traces = stack.trace(x)
    assert len(traces) == 3
    if not settings.get("residual"):
        close(traces[-1]["hidden"], y)
    last = traces[-1]
    if stack.config.cell == "lstm":
        cell, before = last["cell"], torch.zeros_like(last["cell"])
        ways = [slice(0, 7), slice(7, 14)] if bidirectional else [slice(0, 7)]
        before[:, 1:, ways[0]] = cell[:, :-1, ways[0]]
        if bidirectional:
            before[:, :-1, ways[1]] = cell[:, 1:, ways[1]]
        close(last["forget"] * before + last["input"] * last["candidate"], cell)
        close(last["output"] * torch.tanh(cell), last["hidden"])
    if stack.config.cell == "gru" and not bidirectional:
        before = torch.nn.functional.pad(last["hidden"], (0, 0, 1, 0))[:, :-1]
        close((1 - last["update"]) * last["candidate"] + last["update"] * before, last["hidden"])


def test_a_bidirectional_stack_sees_what_is_to_come():
    stack = make(bidirectional=True)
    x = torch.randn(1, 5, 5)
    changed = x.clone()
    changed[:, -1] += 1
    assert stack(x)[0].shape == (1, 5, 14)
    assert not torch.allclose(stack(x)[0][:, 0], stack(changed)[0][:, 0])
    assert torch.allclose(make()(x)[0][:, 0], make()(changed)[0][:, 0])


def test_a_deep_residual_stack_passes_gradients_on():
    def gradient(**settings):
        stack = make(input_size=7, num_layers=16, **settings)
        x = torch.randn(1, 4, 7, requires_grad=True)
        stack(x)[0].sum().backward()
        return float(x.grad.norm())

    assert gradient(residual=True, layer_norm=True) > 100 * gradient()


def test_forget_gates_start_open():
    for name, bias in make().layers.named_parameters():
        if name.startswith("bias"):
            assert (bias[7:14] == (1 if "ih" in name else 0)).all()


def test_sizes_are_checked():
    with pytest.raises(ConfigError, match="hidden_size: 0 is out of range; it must be from 1 to 16384"):
        LSTMConfig(hidden_size=0)
    with pytest.raises(ConfigError, match="cell: 'elman' is not known; it must be lstm, gru, rnn"):
        LSTMConfig(cell="elman")

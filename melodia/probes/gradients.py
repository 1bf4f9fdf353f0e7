"""What becomes of a gradient on its way back through time, and what clipping does when it grows.

`norm_through_time` is the norm of d loss_T / d state_t for t = T..0: how much the answer at the end would
change with the state at t, the quantity of Bengio et al. 1994 and Pascanu et al. 2013. The state is what
a cell hands on: its hidden state, for an LSTM with its cell, where its memory is. Computed in float64,
since an untrained RNN's falls below the smallest float32 within some 180 frames.

`train_exploding` scales the recurrent weights of a plain RNN to a spectral radius above 1, which is
necessary for gradients to explode, not sufficient: tanh saturates, and where it does its derivative is
near 0. So the gradient grows more slowly than the radius says, and a network that was thrown far into
saturation has none at all. A ReLU has no such brake, and its states explode too; `StackedLSTM` has tanh
alone. Plain gradient descent is used here: Adam divides by the gradient's size, so that it hides
explosions (and vanishing that no noise drowns). Without clipping one huge gradient saturates the hidden
units; their squares then sum to nearly hidden_size, more than 2 / learning_rate, and the readout's
descent diverges: the loss goes up for good. Clipped by its norm (Pascanu et al. 2013), it does not.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from melodia.probes.network import ProbeNetwork, make_network
from melodia.probes.tasks import TASKS, Task

RADIUS = 1.3  # spectral, of the exploding network's recurrent weights
EXPLODING_HIDDEN, EXPLODING_LENGTH = 128, 50
EXPLODING_RATE = 0.02  # of plain gradient descent
EXPLODING_ITERATIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ClippingRun:
    """Training of an exploding RNN, an entry an iteration; ends early when the loss is no number any more."""

    clip_norm: float  # 0: none
    losses: list[float]
    norms: list[float]  # of the gradient of all weights, before clipping
    applied_norms: list[float]  # after it


def norm_through_time(network: ProbeNetwork, task: Task, length: int, random_seed: int = 0, batch_size: int = 16) -> list[float]:
    """The norm of d loss_T / d state_t, mean over a batch; entry k is k frames back from the loss."""
    probed = copy.deepcopy(network).cpu().double()
    x, targets = task.draw(length, batch_size, torch.Generator().manual_seed(random_seed))
    targets = targets[:, -1:].double() if targets.is_floating_point() else targets[:, -1:]
    states = probed.states(x.double())
    loss = task.loss(probed.readout(states[-1][0][-1])[:, None], targets) * batch_size  # a sum: each item its own gradient
    flat = [part for state in states for part in state]
    found = torch.autograd.grad(loss, flat, materialize_grads=True)  # the last cell state comes too late to matter
    width = len(states[0])
    return [_norm(torch.cat(found[i : i + width], dim=-1)) for i in range(0, len(found), width)][::-1]


def _norm(gradient: Tensor) -> float:
    """(layers, batch, size) -> the mean over the batch, scaled so that no square underflows."""
    peak = gradient.abs().max().item()
    return peak * (gradient / peak).square().sum((0, 2)).sqrt().mean().item() if peak else 0.0


def train_exploding(clip_norm: float, random_seed: int = 0, iterations: int = EXPLODING_ITERATIONS) -> ClippingRun:
    """Trains a plain RNN with a spectral radius of `RADIUS` on adding, clipped or not (0)."""
    task = TASKS["adding"]
    network = make_network("rnn", EXPLODING_HIDDEN, task, random_seed)
    with torch.no_grad():
        network.recurrent_weights.mul_(RADIUS / spectral_radius(network))
    optimizer = torch.optim.SGD(network.parameters(), lr=EXPLODING_RATE)
    generator = torch.Generator().manual_seed(2 * random_seed)
    run = ClippingRun(clip_norm=clip_norm, losses=[], norms=[], applied_norms=[])
    for _ in range(iterations):
        x, targets = task.draw(EXPLODING_LENGTH, 32, generator)
        loss = task.loss(network(x, 1), targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = gradient_norm(network)
        if not (math.isfinite(norm) and math.isfinite(loss.item())):
            break
        if clip_norm:
            nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
        run.losses.append(loss.item())
        run.norms.append(norm)
        run.applied_norms.append(gradient_norm(network))
        optimizer.step()
    return run


def spectral_radius(network: ProbeNetwork) -> float:
    """The largest magnitude of an eigenvalue of a plain RNN's recurrent weights."""
    return float(torch.linalg.eigvals(network.recurrent_weights.detach()).abs().max())


def gradient_norm(network: nn.Module) -> float:
    """Of all weights together."""
    return math.sqrt(sum(p.grad.double().square().sum().item() for p in network.parameters() if p.grad is not None))

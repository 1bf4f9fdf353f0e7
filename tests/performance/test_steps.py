"""The pianist one event at a time, against the one of torch's modules."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from melodia.performance.codec import encode
from melodia.performance.model import Pianist, PianistConfig, collated
from melodia.performance.recall import Recall, heard
from melodia.performance.steps import PianistSteps, streams_of
from tests.performance.test_codec import NOTES
from tests.performance.test_model import log_probs_of, performance


@pytest.fixture(scope="module")
def pianist():
    torch.manual_seed(0)
    model = Pianist(PianistConfig(hidden_size=24, num_layers=2)).eval()
    for scores in (model.head.scores, model.head.sure):
        torch.nn.init.normal_(scores.weight, std=0.5)  # so that each has a say
    return model


def log_softmax(logits):
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def stepped(pianist, events, begun=0, precision="float32"):
    """Log-probabilities of each event from one on; torch has read those before."""
    state, recall = pianist.first_state(1), Recall()
    with torch.no_grad():
        if begun:
            batch = collated([heard(events[:begun], recall)], [True])
            _, state = pianist.step(batch.events, batch.recalled, state)
    steps = PianistSteps(pianist, precision)
    (stream,), stack = streams_of(state, recall, 1)
    found = []
    for event in events[begun:].tolist():
        found.append(steps([stream], stack)[0])
        stream.add(event)
    return log_softmax(np.array(found))


@given(NOTES, st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_the_same_likelihoods_as_torch(pianist, notes, begun):
    events = encode(notes)
    if len(events) <= begun:
        return
    with torch.no_grad():
        whole = log_probs_of(pianist, events).numpy()
    np.testing.assert_allclose(stepped(pianist, events, begun), whole[begun:], atol=2e-4)


def test_a_long_performance_and_eight_bits(pianist):
    events = performance(8, 60)
    with torch.no_grad():
        whole = log_probs_of(pianist, events).numpy()
    np.testing.assert_allclose(stepped(pianist, events), whole, atol=5e-4)
    small, places = stepped(pianist, events, precision="int8"), (np.arange(len(events)), events.astype(np.int64))
    assert 0 < abs(small[places].sum() / whole[places].sum() - 1) < 0.02


def test_streams_side_by_side_are_streams_alone(pianist):
    one, other = (performance(seed, 12)[:40] for seed in (1, 2))
    steps, (streams, state) = PianistSteps(pianist), streams_of(pianist.first_state(1), Recall(), 2)
    found = []
    for pair in zip(one.tolist(), other.tolist(), strict=True):
        found.append(steps(streams, state))
        for stream, event in zip(streams, pair, strict=True):
            stream.add(event)
    together = log_softmax(np.array(found))
    for row, events in enumerate((one, other)):
        np.testing.assert_allclose(together[:, row], stepped(pianist, events), atol=2e-4)

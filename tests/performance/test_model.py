"""The pianist: probabilities, state, learning."""

import numpy as np
import pytest
import torch

from melodia.errors import CorpusError
from melodia.performance.codec import EVENTS, OFF, SHIFT, VELOCITY, encode, playable
from melodia.performance.evaluate import evaluate
from melodia.performance.head import FLAT_SIZES, NEAR, in_tables
from melodia.performance.model import Pianist, PianistConfig, collated
from melodia.performance.reading import follow, silent
from melodia.performance.recall import heard


def performance(seed, count=30):
    """Notes of a hand that does not know what it wants."""
    random = np.random.default_rng(seed)
    onsets = np.cumsum(random.choice([0, 0, 3, 12, 130], count))
    lengths, pitches = random.integers(1, 60, count), random.integers(40, 80, count)
    notes = np.stack([onsets, onsets + lengths, pitches, random.integers(1, 32, count) * 4], axis=1)
    return encode(playable(notes))


def small(**sizes):
    torch.manual_seed(0)
    model = Pianist(PianistConfig(hidden_size=12, num_layers=2, **sizes))
    for scores in (model.head.scores, model.head.sure):
        torch.nn.init.normal_(scores.weight, std=0.5)  # so that each has a say
    return model.eval()


def log_probs_of(model, events):
    known, _ = follow(torch.from_numpy(events.astype(np.int64))[None], silent(1))
    return model(known, torch.from_numpy(heard(events).recalled)[None])[0][0]


def test_probabilities_sum_to_one_over_what_can_come():
    events = performance(0)
    with torch.no_grad():
        log_probs = log_probs_of(small(), events)
    assert log_probs.shape == (len(events), EVENTS)
    np.testing.assert_allclose(log_probs.exp().sum(dim=-1), 1, rtol=1e-5)
    assert log_probs[0, OFF : 2 * OFF].max() == -torch.inf


def test_nothing_is_known_of_what_is_to_come():
    model, events = small(), performance(1)
    with torch.no_grad():
        whole = log_probs_of(model, events)
        for place in (0, 20, 50):
            other = events.copy()
            other[place:] = performance(2, 60)[: len(events) - place]
            changed = log_probs_of(model, other)
            assert torch.equal(whole[: place + 1].isfinite(), changed[: place + 1].isfinite())
            np.testing.assert_allclose(whole[: place + 1], changed[: place + 1], atol=1e-5)


def test_windows_and_pieces_side_by_side_are_pieces_alone(monkeypatch):
    model, pieces = small(), [performance(i, count) for i, count in enumerate((20, 9, 40))]
    alone = [-float(sum(log_probs_of(model, p)[range(len(p)), p.astype(np.int64)].detach())) for p in pieces]
    np.testing.assert_allclose(model.nats(pieces), alone, rtol=1e-5)
    monkeypatch.setattr("melodia.performance.model.WINDOW", 7)
    monkeypatch.setattr("melodia.performance.model.SIDE_BY_SIDE", 2)
    np.testing.assert_allclose(model.nats(pieces), alone, rtol=1e-5)
    report = evaluate(model, pieces)
    assert report["nats"] == pytest.approx(sum(alone) / sum(map(len, pieces)), rel=1e-5)
    assert report["nats_a_note"] == pytest.approx(sum(alone) / report["notes"], rel=1e-5)
    assert report["nats_a_second"] == pytest.approx(sum(alone) / report["seconds_of_music"], rel=1e-3)
    assert (report["pieces"], report["events"]) == (3, sum(map(len, pieces)))
    with pytest.raises(CorpusError, match="in an order that performances never have"):
        evaluate(model, [np.array([OFF + 60, 60], np.uint16)])


def test_the_loss_carries_the_state_and_begins_anew_where_told():
    model, one, other = small(), performance(3), performance(4)
    expected = model.nats([one, other])
    nats, state = 0.0, None
    cut = len(one) // 2
    with torch.no_grad():
        whole = heard(one)
        for window, fresh in ((whole.window(0, cut), True), (whole.window(cut, len(one)), False), (heard(other), True)):
            lost, count, state = model.loss(collated([window], [fresh]), state)
            assert int(count) == len(window.events)
            nats += float(lost)
    assert nats == pytest.approx(sum(expected), rel=1e-5)


@pytest.mark.parametrize("on_the_way", [[], [SHIFT + 4, OFF + 60], [SHIFT + 4, OFF + 60, SHIFT + 8, OFF + 61]])
def test_a_pulse_can_be_told_whatever_ends_on_the_way(on_the_way):
    model = small()
    for parameters in model.head.parameters():
        torch.nn.init.zeros_(parameters)
    in_tables(model.head.scores.bias.data.split(FLAT_SIZES)).apart[-1][NEAR] = 5.0  # as long as the last time between strokes
    pulse = 30
    events = [VELOCITY + 9, 60, SHIFT + pulse - 1, 61, SHIFT + 1, 62, *on_the_way]  # 61 and 62 are a chord
    gone = sum(event - SHIFT + 1 for event in events[4:] if SHIFT <= event < VELOCITY)
    with torch.no_grad():
        log_probs = log_probs_of(model, np.array([*events, 0]))[-1]
    assert int(log_probs.argmax()) == SHIFT + pulse - gone - 1


def test_it_learns_a_performance():
    model, batch = small(), collated([heard(performance(5, 20))], [True])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(50):
        nats, count, _ = model.loss(batch, None)
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    assert float(nats.detach() / count) < 0.7  # it begins at 5

import math

import numpy as np
import pytest
import torch

from melodia.composition.augment import AugmentConfig, augment
from melodia.composition.codec import KIND, KIND_CHORD, KIND_NOTE, PART, PITCH, POSITION, SIZES, encode, num_notes
from melodia.composition.data import make_piece, window
from melodia.composition.evaluate import score_pieces
from melodia.composition.model import CONDITIONS, Composer, ComposerConfig
from melodia.composition.recall import look_up
from melodia.errors import ConfigError
from melodia.score import Score


@pytest.fixture
def events(song):
    return encode(song)


def test_reading_step_by_step_equals_reading_at_once(tiny, events):
    piece = make_piece(events)
    inputs = torch.from_numpy(events.astype(np.int64))[None]
    recalled = torch.from_numpy(look_up(events, piece.pointers).astype(np.int64))[None]
    with torch.no_grad():
        whole, _ = tiny(inputs, recalled)
        state, steps = None, []
        for t in range(inputs.shape[1]):
            y, state = tiny(inputs[:, t : t + 1], recalled[:, t : t + 1], state)
            steps.append(y)
    torch.testing.assert_close(torch.cat(steps, 1), whole, atol=1e-5, rtol=1e-4)


def test_the_score_does_not_depend_on_batches_and_windows(tiny, events, song):
    pieces = [events, encode(song.clip(0, 2880)), encode(song.clip(1440, 5760))]
    scores = [score_pieces(tiny, pieces, batch_size=b, length=w).bits_a_note for b, w in ((1, 1000), (3, 7), (2, 16))]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5) == pytest.approx(scores[2], rel=1e-5)


def test_the_heads_give_probabilities_and_mask_what_the_order_forbids(tiny, events):
    target = torch.from_numpy(events.astype(np.int64))[None]
    before, event = target[0, :-1], target[0, 1:]
    hidden = torch.randn(len(event), tiny.config.hidden_size)
    programs = torch.from_numpy(make_piece(events).programs)[None].expand(len(event), -1)
    notes = (event[:, KIND] == KIND_NOTE) | (event[:, KIND] == KIND_CHORD)
    for column in CONDITIONS:
        logits = tiny.logits(column, hidden, event, before, programs)
        assert logits.shape == (len(event), SIZES[column])
        rows = (
            torch.ones(len(event), dtype=torch.bool)
            if column == KIND
            else notes
            if column in (PART, PITCH)
            else event[:, KIND] == KIND_NOTE
        )
        if column in (KIND, PART, PITCH, POSITION):
            assert torch.isfinite(logits[rows].gather(1, event[rows][:, column, None])).all(), "what happened is allowed"
    logits = tiny.logits(POSITION, hidden, event, before, programs)
    first = int(torch.nonzero((event[:, KIND] == KIND_NOTE) & (before[:, POSITION] >= 0))[0])
    assert torch.isinf(logits[first, : int(before[first, POSITION]) + 1]).all()
    assert torch.isinf(logits[first, 72:]).all(), "a bar of 3/4 has 72 steps"


def test_an_untrained_model_is_near_the_uniform_one(events):
    torch.manual_seed(0)
    model = Composer(ComposerConfig(embedding_size=8, hidden_size=16, head_size=8))
    bits = score_pieces(model, [events]).by_attribute
    assert bits["pitch"] == pytest.approx(math.log2(128), abs=1.5)
    assert bits["velocity"] == pytest.approx(5, abs=0.7)


def test_it_overfits_one_batch(events):
    torch.manual_seed(0)
    model = Composer(ComposerConfig(embedding_size=16, hidden_size=48, head_size=32, dropout=0.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    batch = window([(make_piece(events), 0)], 200)
    for _ in range(200):
        nats, count, _ = model.loss(batch, None)
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    assert float((nats / count).detach()) / math.log(2) < 1.0


def test_augmentation_transposes_all_but_drums(events):
    only = AugmentConfig(tempo_bins=0, velocity_bins=0, other_instrument=0, later_start=0, no_recall=0)
    changed = augment(events, only, np.random.default_rng(1))
    shifts = (changed - events)[:, PITCH]
    melodic = (events[:, PITCH] >= 0) & (events[:, PITCH] < 128)
    assert len(set(shifts[melodic].tolist())) == 1 and shifts[melodic][0] != 0
    assert (shifts[~melodic] == 0).all()
    assert (np.delete(changed, PITCH, axis=1) == np.delete(events, PITCH, axis=1)).all()


def test_augmented_pieces_stay_well_formed(events):
    from melodia.composition.codec import decode

    for seed in range(30):
        changed = augment(events, AugmentConfig(other_instrument=1, later_start=1), np.random.default_rng(seed))
        score = decode(changed)
        assert isinstance(score, Score) and 0 < score.num_notes <= num_notes(events)
        assert {p.is_drum for p in score.parts} == {False, True}


def test_surprise_is_the_loss_event_by_event(tiny, events):
    batch = window([(make_piece(events), 0), (make_piece(events[:20]), 0)], 100)
    with torch.no_grad():
        nats, targets, _ = tiny.surprise(batch, None)
        total, notes, _ = tiny.loss(batch, None)
    assert nats.shape == targets.shape == (len(events) - 1 + 19, len(SIZES))
    assert float(nats.sum()) == pytest.approx(float(total), rel=1e-5)
    assert int(notes) == num_notes(events[1:]) + num_notes(events[1:20])
    assert (nats[targets < 0] == 0).all() and (nats[:, KIND] > 0).all()


@pytest.mark.parametrize("settings", [{"cell": "gru"}, {"cell": "rnn"}, {"residual": True, "layer_norm": True, "num_layers": 4}])
def test_other_stacks_compose_too(events, settings):
    model = Composer(ComposerConfig(embedding_size=8, hidden_size=16, head_size=8, dropout=0.0, **settings))
    pieces = [events, events[:40]]
    scores = [score_pieces(model, pieces, batch_size=b, length=w).bits_a_note for b, w in ((1, 1000), (2, 16))]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="dropout"):
        ComposerConfig(dropout=1.0)
    with pytest.raises(ConfigError, match="semitones"):
        AugmentConfig(semitones=13)

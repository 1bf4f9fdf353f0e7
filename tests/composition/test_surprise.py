import numpy as np
import pytest
import torch

from melodia.composition.codec import KIND, KIND_BAR, KIND_PART, encode
from melodia.composition.constraints import Constraints
from melodia.composition.data import make_piece, window
from melodia.composition.evaluate import score_pieces
from melodia.composition.performer import perform
from melodia.composition.surprise import nats_a_token, num_tokens, ranked
from melodia.sampling import SamplingConfig


@pytest.fixture
def events(song):
    return encode(song)[:-1]  # without its end


def test_it_is_the_likelihood_that_evaluation_gives(tiny, song):
    whole = encode(song)
    bits = score_pieces(tiny, [whole])
    (nats,) = nats_a_token(tiny, None, [whole])
    headless = nats * num_tokens(whole)
    with torch.no_grad():
        lost, _, _ = tiny.surprise(window([(make_piece(whole), 0)], len(whole)), None)
    parts = int((whole[:, KIND] == KIND_PART).sum())
    assert bits.bits_a_note * bits.notes * np.log(2) == pytest.approx(float(lost.sum()), rel=1e-5)
    assert headless == pytest.approx(float(lost[parts - 1 :].sum()), rel=1e-5)


def test_it_counts_after_the_primer_alone_whatever_is_read_at_once(tiny, events):
    bars = np.flatnonzero(events[:, KIND] == KIND_BAR)
    header = events[events[:, KIND] == KIND_PART]
    primer, takes = events[: bars[2]], [np.concatenate([header, events[bars[2] : end]]) for end in (bars[3], len(events))]
    together = nats_a_token(tiny, primer, takes * 9)
    alone = [nats_a_token(tiny, primer, [take])[0] for take in takes]
    assert together == pytest.approx(alone * 9, rel=1e-5)
    with torch.no_grad():
        lost, _, _ = tiny.surprise(window([(make_piece(events), 0)], len(events)), None)
    assert alone[1] * num_tokens(takes[1]) == pytest.approx(float(lost[len(primer) - 1 :].sum()), rel=1e-5)


def test_a_bar_line_has_three_tokens_a_note_seven_a_note_of_a_chord_six(events):
    kinds = events[:, KIND].tolist()
    assert num_tokens(events) == 3 * kinds.count(1) + 7 * kinds.count(2) + 6 * kinds.count(3)


def test_bold_takes_surprise_more_and_come_last(tiny, events):
    constraints = Constraints(bars=3, programs=(73, 33, 128), playing=(0, 1, 2), meter=8, tempo=26)
    takes = [perform(tiny, events, constraints, SamplingConfig(temperature=t), random_seed=1)[0] for t in (3.0, 0.3)]
    order, nats = ranked(tiny, events, takes)
    assert order[0] is takes[1] and nats == sorted(nats)

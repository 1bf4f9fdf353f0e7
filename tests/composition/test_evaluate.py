import math

import numpy as np
import pytest

from melodia.composition.codec import KIND, KIND_BAR, encode, num_notes
from melodia.composition.evaluate import MADE_BARS, compare_continuations, trials
from melodia.composition.likeness import (
    bar_contents,
    compare,
    degenerate,
    features,
    polyphony,
    scale_consistency,
    self_similarity,
    wasserstein,
)
from melodia.composition.ngram import NGram, spell
from melodia.errors import CorpusError
from melodia.sampling import SamplingConfig
from melodia.score import Note, Part, Score


def bars_of(*bars):
    """A piece of bars, each a list of pitches in eighths, None for a rest."""
    notes = [
        Note(b * 1920 + i * 240, b * 1920 + i * 240 + 240, p, 80) for b, bar in enumerate(bars) for i, p in enumerate(bar) if p
    ]
    return encode(Score([Part(notes=notes)]), num_bars=len(bars))


SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def test_features_by_hand():
    piece = bars_of(SCALE, SCALE, SCALE[:4] + [None] * 4).astype(int)
    assert scale_consistency(piece) == 1.0
    assert scale_consistency(bars_of([60, 61, 62, 63, 64, 65, 66, 67]).astype(int)) == pytest.approx(5 / 8)
    assert polyphony(piece) == pytest.approx(1.0)
    assert self_similarity(bars_of(SCALE, SCALE)) == 1.0
    assert self_similarity(piece) == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert [len(b) for b in bar_contents(piece)] == [8, 8, 4]
    measured = features([piece])
    assert measured.histograms["pitch class"][0] == pytest.approx(5 / 20)
    assert measured.values["notes a bar"][0] == pytest.approx(20 / 3)


def test_a_set_is_like_itself_and_unlike_another():
    a, b = features([bars_of(SCALE, SCALE)]), features([bars_of([48] * 8, [None] * 4 + [49] * 4)])
    same, other = compare(a, a), compare(a, b)
    assert [same[k] for k in ("pitch class", "duration", "velocity")] == pytest.approx([1, 1, 1])
    assert same["notes a bar"] == 0
    assert other["pitch class"] == pytest.approx(1 / 6, abs=0.1) and other["notes a bar"] == pytest.approx(2.0)


def test_wasserstein_by_hand():
    assert wasserstein(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == pytest.approx(2.0)
    assert wasserstein(np.array([1.0]), np.array([0.0, 1.0])) == pytest.approx(0.5)
    assert math.isnan(wasserstein(np.array([]), np.array([1.0])))


def test_degeneration_is_seen_unless_the_primer_does_it_too():
    fine = bars_of(SCALE, SCALE[::-1], SCALE, SCALE[::-1])
    stuck = bars_of([60] * 8, [60, 62] * 4)
    looped = bars_of(*[SCALE] * 6)
    silent = bars_of(SCALE, [None], [None], [None], SCALE)
    assert [degenerate(p) for p in (fine, stuck, looped, silent)] == ["", "one pitch", "one bar", "silence"]
    assert degenerate(bars_of(*[SCALE] * 4)) == "" and degenerate(bars_of(SCALE, [None], [None], SCALE)) == ""
    assert degenerate(looped, looped) == "" and degenerate(looped, stuck) == "one bar"


@pytest.mark.parametrize("by_event", [False, True])
def test_ngram_probabilities_sum_to_one_and_agree_with_the_batch(by_event):
    train = [bars_of(SCALE, SCALE[::-1], SCALE), bars_of([60, 64, 67, 64] * 2, SCALE)]
    gram = NGram(train, 3, by_event)
    piece = bars_of(SCALE, [60, 64, 67, 64] * 2)
    tokens, columns, _ = spell(piece, 3, by_event)
    batch = gram.log_probs(piece)
    rows = piece.tolist()
    token = 0
    for t in range(1, len(rows)):
        while token < len(tokens) and _owner(columns, token) == t:
            column = int(columns[token])
            probs = gram.distribution([list(r) for r in rows[: t + 1]], column)
            assert probs.sum() == pytest.approx(1.0)
            assert math.log(probs[rows[t][column]]) == pytest.approx(batch[token])
            token += 1
    assert token == len(tokens)


def _owner(columns, token):
    """Which event a token belongs to: each spelling begins with the kind."""
    return int((columns[: token + 1] == KIND).sum())


def test_ngrams_learn_and_higher_orders_learn_more():
    train = [bars_of(*[SCALE, SCALE[::-1]] * 4) for _ in range(3)]
    for by_event in (False, True):
        gram = NGram(train, 3, by_event)
        seen, level_one = gram.bits_a_note(train), gram.bits_a_note(train, 1)
        assert seen < 0.75 * level_one
    uniform = gram.bits_a_note([bars_of([40, 90, 41, 91, 42, 92, 43, 93])])
    assert uniform > seen


def test_an_ngram_continues_with_exactly_so_many_bars():
    train = [bars_of(*[SCALE, SCALE[::-1]] * 4)]
    made = NGram(train, 4, True).continue_piece(train[0][:20], 5, np.random.default_rng(0))
    assert (made[:, KIND] == KIND_BAR).sum() == 5 and num_notes(made) > 0


def test_continuations_are_compared(tiny):
    random = np.random.default_rng(0)
    pieces = [bars_of(*[[int(p) for p in random.integers(50, 80, 8)] for _ in range(26)]) for _ in range(6)]
    assert len(trials(pieces)) == 6
    assert (trials(pieces)[0].truth[:, KIND] == KIND_BAR).sum() == MADE_BARS
    grams = NGram(pieces, 2, True)
    report = compare_continuations(tiny, pieces, grams, count=2, sampling=SamplingConfig())
    assert report["seeds"] == 2
    assert 0 <= report["composer"]["pitch class"] <= 1 and 0 <= report["composer"]["degenerate"] <= 1
    assert report["floor"]["pitch class"] > 0.8
    with pytest.raises(CorpusError, match="more are needed"):
        compare_continuations(tiny, [bars_of(SCALE)], None, count=2, sampling=SamplingConfig())

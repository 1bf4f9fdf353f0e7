"""The scores of texts against all paths, counted one by one."""

from itertools import product

import numpy as np
import pytest

from melodia.recognition.ctc import align, collapsed, greedy, log_prob_of
from melodia.recognition.search import Search, SearchConfig

EXACT = SearchConfig(width=10**6, lowest=-1e9, distance=1e9, letter_bonus=0)


def some_log_probs(frames, letters, seed):
    x = np.random.default_rng(seed).normal(size=(frames, letters)) * 1.5
    return (x - np.log(np.exp(x).sum(axis=1, keepdims=True))).astype(np.float32)


def counted(log_probs):
    """Each text's probability, and its best path."""
    texts, best = {}, {}
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        text, score = tuple(collapsed(path)), float(sum(log_probs[t, letter] for t, letter in enumerate(path)))
        texts[text] = np.logaddexp(texts.get(text, -np.inf), score)
        if score > best.get(text, (-np.inf,))[0]:
            best[text] = (score, path)
    return texts, {text: path for text, (_, path) in best.items()}


def spans_of(path):
    """Where each letter of a path begins and ends."""
    spans, before = [], 0
    for t, letter in enumerate(path):
        if letter and letter != before:
            spans.append([t, t + 1])
        elif letter:
            spans[-1][1] = t + 1
        before = letter
    return spans


CASES = [(4, 3, 0), (5, 4, 1), (6, 3, 2), (7, 3, 3)]


@pytest.mark.parametrize("frames, letters, seed", CASES)
def test_the_search_gives_exact_scores(frames, letters, seed):
    log_probs = some_log_probs(frames, letters, seed)
    texts, _ = counted(log_probs)
    found = Search(EXACT).texts(log_probs)
    assert {tuple(text) for text in found} == set(texts)
    for text in found:
        assert text.score == pytest.approx(texts[tuple(text)], abs=1e-5)
    assert tuple(found[0]) == max(texts, key=texts.get)


@pytest.mark.parametrize("frames, letters, seed", CASES)
def test_the_probability_of_a_text_and_its_alignment(frames, letters, seed):
    log_probs = some_log_probs(frames, letters, seed)
    texts, best = counted(log_probs)
    for text, score in texts.items():
        assert log_prob_of(log_probs, text) == pytest.approx(score, abs=1e-5)
        assert align(log_probs, text).tolist() == spans_of(best[text])


def test_texts_that_do_not_fit():
    log_probs = some_log_probs(3, 3, 0)
    assert log_prob_of(log_probs, [1, 1, 2]) == -np.inf  # a blank must stand between the two
    assert align(log_probs, [1, 1, 2]).tolist() == [[3, 3]] * 3
    assert log_prob_of(log_probs[:0], []) == 0 and log_prob_of(log_probs[:0], [1]) == -np.inf
    assert align(log_probs[:0], [1]).shape == (1, 2) and align(log_probs, []).shape == (0, 2)


def test_the_likeliest_path_is_not_always_the_likeliest_text():
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]], np.float32))
    assert greedy(log_probs) == []  # .36 for two blanks
    assert Search(EXACT)(log_probs) == [1]  # .64 for the three paths of the letter


def test_repeats_need_a_blank_between():
    assert collapsed([0, 1, 1, 0, 1, 2, 2, 0]) == [1, 1, 2]

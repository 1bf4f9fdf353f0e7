"""How likely words are in a row."""

import numpy as np
import pytest

from melodia.errors import CheckpointError
from melodia.language.trigrams import EDGE, UNKNOWN, UNSEEN, count_trigrams, load_trigrams

TEXTS = ["the light rain fell", "the light rain fell on the roofs", "the lamps went out", "a light went out", "the rain went on"]


@pytest.fixture(scope="module")
def words():
    return count_trigrams([text.split() for text in TEXTS * 2 + ["the cat", "the dog"]])


def test_what_may_come_adds_up_to_one(words):
    size = len(words.single)
    known = [EDGE, UNKNOWN, *words.numbers.values()]
    for first, second in [(EDGE, EDGE), (EDGE, words.numbers["the"]), *zip(known, known[::-1], strict=True)]:
        logs = words.log_probs(np.full(size, first), np.full(size, second), np.arange(size)).astype(float)
        logs[UNKNOWN] += np.log(UNSEEN)  # shared out among words that are not known
        assert np.exp(logs).sum() == pytest.approx(1, abs=1e-4), (first, second)


def test_words_that_follow_one_another_are_likelier(words):
    def log_prob(text):
        return words.log_prob(text.split())

    assert log_prob("the light rain fell") > log_prob("the rain light fell") > log_prob("fell rain light the")
    assert log_prob("the lamps went out") > log_prob("the lamps went zebra")
    assert log_prob("") < 0 and log_prob("cat") == log_prob("zebra")  # read once is not known


def test_it_comes_back_from_its_file(words, tmp_path):
    words.save(tmp_path / "words.npz")
    again = load_trigrams(tmp_path / "words.npz")
    assert again.numbers == words.numbers
    assert again.log_prob(["the", "light", "went", "out"]) == pytest.approx(
        words.log_prob(["the", "light", "went", "out"]), abs=0.02
    )
    (tmp_path / "words.npz").write_bytes(b"no such thing")
    with pytest.raises(CheckpointError, match="words.npz: cannot be read"):
        load_trigrams(tmp_path / "words.npz")


def test_texts_of_no_words_have_a_model_too():
    for words in (count_trigrams([["once"]]), count_trigrams([])):
        assert np.isfinite(words.log_prob(["anything", "at", "all"]))

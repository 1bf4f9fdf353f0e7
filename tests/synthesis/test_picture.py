"""The labels of words in a picture."""

from itertools import pairwise

import pytest

from melodia.synthesis.picture import ROWS, label_rows
from melodia.synthesis.spoken import SpokenWord


def labels(*times, text="word"):
    return [SpokenWord(text, "", onset, offset) for onset, offset in times]


def test_words_that_have_room_are_in_the_lowest_row():
    assert label_rows(labels((0, 1), (1, 2), (2, 3)), 0.1) == [0, 0, 0]


@pytest.mark.parametrize("letter", [0.01, 0.05, 0.2])
def test_no_two_labels_meet(letter):
    words = labels(*((i / 10, (i + 1) / 10) for i in range(40)))
    found = label_rows(words, letter)
    for row in range(ROWS):
        middles = [(w.onset + w.offset) / 2 for w, r in zip(words, found, strict=True) if r == row]
        assert all(b - a >= 5 * letter - 1e-9 for a, b in pairwise(middles))
    assert (None in found) == (letter == 0.2) and found[0] == 0


def test_a_crowd_is_staggered_and_some_are_left_out():
    assert label_rows(labels(*[(0, 1)] * 5), 0.1) == [0, 1, 2, None, None]

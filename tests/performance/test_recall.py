"""What comes back: strokes that were heard before, as they were or in another key, and what came after them."""

import numpy as np
import pytest
from hypothesis import given, settings

from melodia.performance.codec import PITCHES, VELOCITIES, encode, transposed
from melodia.performance.reading import NO_PITCH, STEPS, silent
from melodia.performance.recall import ALIKE, EXPECTED, FIELDS, FOLLOWERS, LOST_MISSES, Recall, heard
from melodia.performance.steps import Stream
from tests.performance.test_codec import NOTES
from tests.performance.test_model import performance

THEME = [60, 67, 64, 72, 65, 69, 62, 71, 59, 66]


def recall_of(pitches, apart=10):
    """What is recalled after strokes; the n-th is as loud as n % VELOCITIES."""
    recall = Recall()
    for n, pitch in enumerate(pitches):
        recall.strike(pitch, n % VELOCITIES, n * apart)
    return recall


def expected(recall, follower=0):
    return [pitch for pitch in recall.rows[follower][3:] if pitch != NO_PITCH]


def test_nothing_is_recalled_of_what_is_new():
    recall = recall_of(THEME)
    assert [row[0] for row in recall.rows] == [0, 0]
    assert recall.rows[0] == [0, VELOCITIES, STEPS, *[NO_PITCH] * EXPECTED]


def test_a_theme_that_comes_back_goes_on_as_it_did():
    recall = recall_of([*THEME, *THEME[:ALIKE]])
    assert expected(recall) == THEME[ALIKE : ALIKE + EXPECTED]
    assert recall.rows[0][1:3] == [ALIKE, 10]  # as loud, and as long after the stroke before
    before = recall.rows[0][0]
    recall.strike(THEME[ALIKE], 5, 1000)
    assert expected(recall)[0] == THEME[ALIKE + 1] and recall.rows[0][0] > before  # surer


@pytest.mark.parametrize("up", [-7, 5, 12])
def test_in_another_key_the_second_follower_knows_it(up):
    recall = recall_of([*THEME, *(pitch + up for pitch in THEME[:ALIKE])])
    assert not expected(recall, 0)
    assert expected(recall, 1) == [pitch + up for pitch in THEME[ALIKE : ALIKE + EXPECTED]]


def test_a_wrong_note_and_another_order_are_passed_over():
    sure = recall_of([*THEME, *THEME[:5]])
    wrong = recall_of([*THEME, *THEME[:5], 30])
    assert expected(wrong)[0] == THEME[5] and wrong.rows[0][0] < sure.rows[0][0]
    assert expected(recall_of([*THEME, *THEME[:4], THEME[5], THEME[4]]))[0] == THEME[6]
    assert expected(recall_of([*THEME, *THEME[:4], THEME[5]]))[:2] == [THEME[4], THEME[6]]


def test_what_does_not_go_on_is_followed_no_more():
    recall = recall_of([*THEME, *THEME[:5], *range(20, 21 + LOST_MISSES)])
    assert recall.rows[0][0] == 0


def test_the_latest_of_two_places_is_followed():
    once, again = [*THEME[:ALIKE], 80, 81, 82], [*THEME[:ALIKE], 90, 91, 92]
    assert expected(recall_of([*once, *again, *THEME[:ALIKE]]))[0] == 90


def test_a_copy_goes_its_own_way():
    recall = recall_of([*THEME, *THEME[:5]])
    other, rows = recall.copy(), recall.rows
    for pitch in (30, 31, 32, 33):
        other.strike(pitch, 0, 2000)
    assert recall.rows == rows and len(recall.pitches) == 15
    recall.strike(THEME[5], 0, 2000)
    assert expected(recall)[0] == THEME[6]


@given(NOTES)
@settings(max_examples=25, deadline=None)
def test_event_by_event_as_a_whole(notes):
    events, recall = encode(notes), Recall()
    whole, stream = heard(events, recall), Stream(silent(1), Recall())
    assert whole.recalled.shape == (len(events), FOLLOWERS, FIELDS)
    for event, before in zip(events.tolist(), whole.recalled.tolist(), strict=True):
        assert stream.recall.rows == before
        stream.add(event)
    assert stream.recall.rows == recall.rows and stream.recall.steps == recall.steps  # what goes on from there
    for cut in range(0, len(events), 7):  # nothing of what is to come
        np.testing.assert_array_equal(heard(events[:cut]).recalled, whole.recalled[:cut])


def test_streams_that_were_one_recall_what_each_has_heard():
    stream, recall = Stream(silent(1), recall_of([*THEME, *THEME[:5]])), recall_of([*THEME, *THEME[:5]])
    other = stream.copy()
    stream.add(THEME[5])
    assert other.recall.rows == recall.rows != stream.recall.rows
    other.add(30)
    assert len(stream.recall.pitches) == len(other.recall.pitches) == 16 and stream.recall.pitches[-1] == THEME[5]


def test_transposed_performances_recall_the_same_transposed():
    events = np.concatenate([performance(1, 20)] * 2)
    here, there = heard(events).recalled, heard(transposed(events, 5)).recalled
    assert (here[..., 0] > 0).any()
    np.testing.assert_array_equal(here[..., :3], there[..., :3])
    moved = np.where(here[..., 3:] == NO_PITCH, NO_PITCH, here[..., 3:] + 5)
    np.testing.assert_array_equal(moved, there[..., 3:])
    assert there[..., 3:].max() <= PITCHES

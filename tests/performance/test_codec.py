"""Performances and their events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodia.performance.codec import (
    EVENTS,
    OFF,
    SHIFT,
    VELOCITY,
    as_score,
    decode,
    encode,
    notes_of,
    num_notes,
    num_seconds,
    playable,
    seconds_of,
    stretched,
    ticks_at,
    transposed,
    turns_in_step,
)
from melodia.performance.pedal import pedal_of
from melodia.score import SUSTAIN, Control, Note, Part, Score, Tempo

NOTES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 350), st.integers(0, 127), st.integers(0, 31)), min_size=1, max_size=40
).map(lambda rows: playable(np.array(sorted([on, on + length, pitch, 4 * bin + 2] for on, length, pitch, bin in rows))))


@given(NOTES)
@settings(max_examples=40, deadline=None)
def test_notes_come_back(notes):
    events = encode(notes)
    assert events.max() < EVENTS
    np.testing.assert_array_equal(decode(events), notes)
    np.testing.assert_array_equal(encode(decode(events)), events)
    assert (num_notes(events), num_seconds(events)) == (len(notes), notes[:, 1].max() / 100)


@given(NOTES)
@settings(max_examples=40, deadline=None)
def test_scores_come_back(notes):
    score = as_score(notes)
    expected = notes[np.lexsort((notes[:, 2], np.minimum(turns_in_step(notes), 4), notes[:, 0]))]
    np.testing.assert_array_equal(notes_of(score), expected)
    np.testing.assert_array_equal(notes_of(Score.from_pretty_midi(score.to_pretty_midi())), expected)


def test_the_pedal_is_written_where_strings_fall_silent_together():
    rows = [(0, 60, 48, 64), (30, 60, 60, 64), (60, 100, 50, 64), (90, 100, 62, 64), (100, 150, 52, 64), (103, 150, 64, 64)]
    rows += [(160, 200, 53, 64), (180, 190, 65, 64), (185, 200, 69, 64), (205, 220, 60, 64), (207, 260, 61, 64), (220, 260, 60, 64)]
    notes = np.array(rows)
    assert pedal_of(notes).tolist() == [[0, 60], [61, 100], [207, 260]]  # not of a chord, nor where a note ends meanwhile
    controls = as_score(notes).parts[0].controls
    assert [(c.tick, c.value) for c in controls] == [(0, 127), (600, 0), (610, 127), (1000, 0), (2070, 127), (2600, 0)]
    assert {c.number for c in controls} == {SUSTAIN} and pedal_of(notes[:0]).shape == (0, 2)


def test_events_are_those_of_the_vocabulary():
    notes = [Note(0, 500, 60, 80), Note(3, 250, 64, 80), Note(500, 2755, 60, 50)]
    events = encode(notes_of(Score([Part(notes=notes)], [Tempo(0, 125.0)])))
    assert events.tolist() == [
        *(VELOCITY + 19, 60, 64),
        *(SHIFT + 24, OFF + 64),
        *(SHIFT + 24, OFF + 60, VELOCITY + 12, 60),
        *(SHIFT + 99, SHIFT + 99, SHIFT + 25, OFF + 60),  # 2.255 s is 226 steps, rounded half up
    ]


def test_offs_come_in_the_order_of_their_notes_and_ons_in_that_of_their_playing():
    notes = [
        Note(2, 1000, 70, 64),
        Note(4, 1000, 50, 64),
        Note(100, 1000, 60, 64),
        Note(998, 1500, 40, 64),
        Note(1000, 1500, 30, 64),
    ]
    events = encode(notes_of(Score([Part(notes=notes)], [Tempo(0, 125.0)]))).tolist()
    assert events[:6] == [VELOCITY + 15, 70, 50, SHIFT + 9, 60, SHIFT + 89]
    assert events[6:] == [OFF + 70, OFF + 50, OFF + 60, 40, 30, SHIFT + 49, OFF + 40, OFF + 30]


def test_the_pedal_is_heard_and_drums_are_not():
    piano = Part(
        notes=[Note(0, 100, 60, 64), Note(200, 300, 62, 64), Note(400, 500, 60, 64), Note(900, 950, 64, 64)],
        controls=[Control(50, SUSTAIN, 127), Control(700, SUSTAIN, 0)],
    )
    other = Part(program=40, notes=[Note(200, 900, 62, 90)])
    drums = Part(is_drum=True, notes=[Note(0, 10, 36, 64)])
    score = Score([piano, drums], [Tempo(0, 125.0)])
    assert notes_of(score)[:, :3].tolist() == [[0, 40, 60], [20, 70, 62], [40, 70, 60], [90, 95, 64]]
    score.parts.append(other)
    assert notes_of(score).tolist()[1] == [20, 90, 62, 90]  # of one stroke the longer and the louder
    assert notes_of(Score([drums])).shape == (0, 4)


def test_times_are_those_of_the_score():
    score = Score([Part(notes=[Note(0, 960, 60, 64)])], [Tempo(0, 120.0), Tempo(480, 60.0), Tempo(700, 33.3)])
    ticks = np.array([0, 100, 480, 600, 700, 5000])
    np.testing.assert_allclose(seconds_of(score, ticks), [score.seconds_at(t) for t in ticks.tolist()])
    np.testing.assert_array_equal(ticks_at(score, seconds_of(score, ticks)), ticks)


def test_strokes_too_near_each_other_and_notes_too_short():
    notes = np.array([[5, 5, 60, 64], [5, 9, 60, 80], [5, 6, 50, 64], [6, 8, 50, 64]])
    assert playable(notes).tolist() == [[5, 9, 60, 80], [5, 6, 50, 64], [6, 8, 50, 64]]
    assert decode([OFF + 3, 60, SHIFT + 1, 60, SHIFT]).tolist() == [[0, 2, 60, 64], [2, 3, 60, 64]]
    assert encode(np.zeros((0, 4), np.int64)).shape == decode([]).shape[:1] == (0,)


@given(NOTES, st.integers(-12, 12), st.floats(0.9, 1.1))
@settings(max_examples=40, deadline=None)
def test_performances_are_moved_and_stretched(notes, semitones, factor):
    moved = decode(transposed(encode(notes), semitones))
    stays = notes[:, 2].min() + semitones < 0 or notes[:, 2].max() + semitones > 127
    np.testing.assert_array_equal(moved[:, 2], notes[:, 2] + (0 if stays else semitones))
    slower = decode(stretched(encode(notes), factor))
    nearest = np.abs(slower[:, None, 0] - notes[:, 0] * factor).min(axis=1)  # strokes of a key in one step become one
    assert nearest.max() <= 0.5001
    assert len(slower) == len(notes) or (len(slower) < len(notes) and len(set(notes[:, 2].tolist())) < len(notes))
    assert set(slower[:, 2]) == set(notes[:, 2])
    assert num_seconds(stretched(encode(notes), factor)) == pytest.approx(notes[:, 1].max() * factor / 100, abs=0.021)

"""Signs and their frames."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from melodia.synthesis.layout import DURATION, LEVEL, PITCH, contour, lay_out, readings_of
from melodia.synthesis.telling import counts_of
from tests.synthesis.conftest import rows_of, sound_of


@settings(deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=30))
def test_each_frame_is_in_its_sign(counts):
    counts = np.array(counts)
    layout = lay_out(counts)
    assert np.bincount(layout.sign_of).tolist() == counts.tolist()
    first = np.cumsum(counts) - counts
    assert (layout.places[first, 1] == 0).all() and (layout.places[np.cumsum(counts) - 1, 2] == 0).all()
    assert (layout.places[:, 0] > 0).all() and (layout.places[:, 0] < 1).all()


def test_readings_of_a_recording():
    rows = rows_of(3)
    counts = np.array([count for _, count in rows])
    readings = readings_of(sound_of(rows), counts)
    assert np.allclose(2 ** readings[:, DURATION], counts)
    assert (np.diff(readings[:, PITCH]) <= 1e-4).all()  # it falls, signs without a pitch between the others
    assert 50 < readings[:, PITCH].min() < readings[:, PITCH].max() < 58
    assert readings[0, LEVEL] < readings[2, LEVEL] - 10  # silence


def test_the_contour_goes_through_the_middles():
    counts = np.array([10, 20, 10])
    line = contour(np.array([50.0, 60.0, 40.0]), counts)
    assert len(line) == 40 and line[0] == 50 and line[-1] == 40 and abs(line[20] - 60) < 1 and line[12] < line[18]


@settings(deadline=None)
@given(st.lists(st.floats(-3, 6), min_size=1, max_size=40))
def test_counts_add_up(logarithms):
    counts = counts_of(np.array(logarithms))
    exact = np.maximum(2.0 ** np.array(logarithms), 1)
    assert (counts >= 1).all() and abs(counts.sum() - exact.sum()) <= 1 and (np.abs(counts - exact) <= 1).all()

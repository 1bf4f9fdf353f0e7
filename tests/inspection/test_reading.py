import numpy as np
import pytest

from melodia.inspection.lanes import brightest, lay_out
from melodia.inspection.reading import step_edges
from tests.inspection.music import planted


def test_steps_of_one_time_split_the_span():
    edges = step_edges(np.array([0, 0, 1, 3, 3, 3]), 6.0)
    assert edges.tolist() == [0, 0.5, 1, 3, 4, 5, 6]
    assert step_edges(np.array([2.0]), 1.0).tolist() == [2, 2]  # an end too early


def test_a_stretch_is_cut_everywhere_alike():
    reading = planted()
    part = reading.until(12.0)
    assert len(part.times) == 24 == len(part.traces[0]["cell"]) == len(part.signals["bell"])
    assert part.end == 12 and [time for time, _ in part.ticks] == [0, 6]
    assert max(box.offset for box in part.boxes) <= 12 and len(part.boxes) == 24
    assert reading.mean_nats == pytest.approx(3)


def test_higher_boxes_stand_higher_and_lanes_do_not_overlap():
    reading = planted()
    lanes, places = lay_out(reading)
    assert [lane.name for lane in lanes] == ["left", "right"] and lanes[0].bottom == lanes[1].top
    for box, (top, bottom) in zip(reading.boxes, places, strict=True):
        assert lanes[box.group].top < top < bottom < lanes[box.group].bottom
    assert places[6, 0] < places[0, 0]  # pitch 66 over pitch 60
    assert lay_out(planted(boxes=[]))[0] == [] and brightest(planted(boxes=[])) == 1

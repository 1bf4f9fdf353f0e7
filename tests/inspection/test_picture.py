import matplotlib.image
import pytest

from melodia.errors import MelodiaError
from melodia.inspection.picture import MOST_STEPS, draw_overview, draw_units, first_stretch
from melodia.inspection.units import rank
from tests.inspection.music import planted


def test_both_pictures(tmp_path):
    reading = planted(title="$_$ \\frac", groups=["$x^$", "音"])
    ranked = rank(reading.traces, reading.signals)
    overview = matplotlib.image.imread(draw_overview(reading, ranked, tmp_path / "overview.png", [0, 1]))
    units = matplotlib.image.imread(draw_units(reading, ranked, tmp_path / "units.png"))
    assert overview.shape[1] == units.shape[1] == 1650 and overview.shape[0] > units.shape[0]
    one = matplotlib.image.imread(draw_overview(reading, ranked, tmp_path / "one.png", [1]))
    assert one.shape[0] < overview.shape[0]


def test_nothing_to_follow_and_nothing_read(tmp_path):
    reading = planted(steps=2, signals={}, boxes=[])
    assert draw_overview(reading, [], tmp_path / "o.png", [0]).is_file()
    assert draw_units(reading, [], tmp_path / "u.png").is_file()


def test_a_long_reading_is_drawn_up_to_a_bar_line():
    reading = planted(steps=MOST_STEPS + 100)
    part = first_stretch(reading)
    assert len(part.times) <= MOST_STEPS and part.end in [time for time, _ in reading.ticks]
    assert first_stretch(planted()) is not None and len(first_stretch(planted()).times) == 120


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    reading = planted(steps=4, boxes=[])
    with pytest.raises(MelodiaError, match="cannot be written"):
        draw_units(reading, [], tmp_path / "file" / "u.png")

import numpy as np
import pytest

from melodia.inspection.units import Unit, directions, fitted, rank, rows_of
from tests.inspection.music import planted


def test_the_planted_unit_is_first_and_what_stands_still_is_left_out():
    reading = planted()
    with np.errstate(all="raise"):
        (found,) = rank(reading.traces, reading.signals, top=4)
    assert found.name == "bell" and len(found.best) == 4 and found.steps == 120
    assert found.best[0][:2] == (1, 3) and found.best[0].r == pytest.approx(1, abs=1e-5)
    assert found.best_of_layer[1] == found.best[0] and found.best_of_layer[0].layer == 0
    assert 0 < found.chance < 0.6 and found.above_chance
    assert abs(found.best[1].r) < 0.6


def test_the_sign_of_r_and_only_the_steps_where_the_signal_is_defined():
    reading = planted()
    signal = -reading.signals["bell"]
    signal[:50] = np.nan
    reading.traces[1]["cell"][:50, 3] = 99
    (found,) = rank(reading.traces, {"bell": signal})
    assert found.best[0].r == pytest.approx(-1, abs=1e-5) and found.steps == 70


def test_constant_units_have_no_correlation():
    still = [{"hidden": np.full((40, 3), 1e6, dtype=np.float32)}]
    (found,) = rank(still, {"saw": np.arange(40) % 7.0})
    assert [unit.r for unit in found.best] == [0, 0, 0] and found.chance == 0 and not found.above_chance


def test_a_wave_is_followed_from_any_starting_point():
    turns = np.arange(90) / 12 * 2 * np.pi
    random = np.random.default_rng(1)
    hidden = random.normal(size=(90, 5))
    hidden[:, 2] = 3 + np.cos(turns + 1.3)
    wave = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    (found,) = rank([{"hidden": hidden}], {"wave": wave})
    assert found.best[0] == Unit(0, 2, pytest.approx(1, abs=1e-5))
    assert fitted(wave, hidden[:, 2]) == pytest.approx(hidden[:, 2])


def test_chance_grows_with_the_number_of_units_and_of_repetitions():
    random = np.random.default_rng(2)
    signal = np.cumsum(random.normal(size=200))
    noise = np.cumsum(random.normal(size=(200, 500)), axis=0)
    chances = [rank([{"hidden": noise[:, :n]}], {"drift": signal})[0].chance for n in (1, 20, 500)]
    assert chances[0] < chances[1] < chances[2] <= 1
    loop = np.tile(random.normal(size=8), 25)
    (found,) = rank([{"hidden": loop[:, None]}], {"loop": loop})
    assert found.best[0].r == pytest.approx(1, abs=1e-5)
    assert found.chance > 0.9  # a turn by whole loops fits again: there is no telling


def test_a_linear_mix_of_equal_columns_has_one_direction():
    ramp = np.arange(20.0)
    assert directions(np.stack([ramp, 2 * ramp, np.ones(20)], axis=1)).shape == (20, 1)
    assert directions(np.zeros((0, 1))).shape == (0, 0)
    assert (directions(ramp[:, None])[:, 0] @ ramp) > 0


def test_rows_name_each_unit_once_and_fall_back_to_the_fullest():
    reading = planted()
    doubled = reading.signals | {"bell again": reading.signals["bell"] + np.arange(120) / 1000}
    ranked = rank(reading.traces, doubled)
    (row,) = [row for row in rows_of(reading.traces, ranked, 1) if row.unit.unit == 3]
    assert row.name == "bell"
    assert len(rows_of(reading.traces, ranked, 0, most=1)) == 1
    rows = rows_of(reading.traces, [], 1, most=4)
    assert len(rows) == 4 and rows[0].unit.r == 0 and 3 in [row.unit.unit for row in rows]

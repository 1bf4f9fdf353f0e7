import pytest

from melodia.composition.steering import Entry, Limit, Loudness, Register
from melodia.composition.wishes import parse_instruments, parse_steering
from melodia.errors import ConfigError


@pytest.mark.parametrize(
    "wish, found",
    [
        ("48-84", [(None, 48, 84)]),
        ((48, 84), [(None, 48, 84)]),
        ("C3-C6", [(None, 48, 84)]),
        ("piano=48-84, bass=E1-G#2", [(0, 48, 84), (33, 28, 44)]),
        ({"piano": (48, 84), "drums": "Bb1-C♯3"}, [(0, 48, 84), (128, 34, 49)]),
        ("c-1-g9", [(None, 0, 127)]),
    ],
)
def test_registers(wish, found):
    assert parse_steering(register=wish).registers == tuple(Register(*f) for f in found)


def test_numbers():
    steering = parse_steering(density="4-12", polyphony={"piano": 3, "bass": 1}, velocity="60-100", repetition=2)
    assert steering.density == (4, 12) == parse_steering(density=(4, 12)).density
    assert parse_steering(density=8).density == (8, 8)
    assert steering.polyphony == (Limit(0, 3), Limit(33, 1)) == parse_steering(polyphony="piano=3,bass=1").polyphony
    assert parse_steering(polyphony="6,bass=1").polyphony == (Limit(None, 6), Limit(33, 1))
    assert steering.velocity == (Loudness(1, 60, 100),) == parse_steering(velocity=(60, 100)).velocity
    assert parse_steering(velocity="1:40,8:90-110").velocity == (Loudness(1, 32, 48), Loudness(8, 90, 110))
    assert parse_steering(velocity={1: 40, 8: (90, 110)}) == parse_steering(velocity="1:40,8:90-110")
    assert parse_steering(velocity=2).velocity == (Loudness(1, 1, 10),)
    assert parse_steering(key="C").pitch_classes == {0, 2, 4, 5, 7, 9, 11}


def test_instruments_and_their_bars():
    entries = (Entry(33, 5, None), Entry(128, 9, 12))
    assert parse_instruments("piano,bass@5,drums@9-12") == ((0, 33, 128), entries)
    assert parse_instruments(["piano", "bass@5", "drums@9-12"]) == ((0, 33, 128), entries)
    assert parse_instruments("drums@1-2,drums@5,piano,piano@4") == ((128, 128, 0, 0), (Entry(128, 1, 2), Entry(128, 5, None)))
    assert parse_instruments(None) == ((), ())


@pytest.mark.parametrize(
    "wish, message",
    [
        ({"register": "high"}, "register: 'high' is no range of pitches; write 48-84 or C3-C6"),
        ({"register": "48-H3"}, "register: '48-H3' is no range"),
        ({"register": "0-200"}, "register: 200 is out of range; it must be from 0 to 127"),
        ({"register": "kazoo=1-2"}, "register: 'kazoo' is not an instrument"),
        ({"register": "piano=1-2,piano=3-4"}, "register: piano is given twice"),
        ({"register": "1-2,3-4"}, "register: a range alone is given twice"),
        ({"density": "many"}, "density: 'many' is no range of notes a bar; write 4-12"),
        ({"density": "-3"}, "density: '-3' is no range"),
        ({"polyphony": "x"}, "polyphony: 'x' is no number of notes"),
        ({"polyphony": "99999"}, "polyphony: '99999' is no number of notes"),
        ({"velocity": "loud"}, "velocity: 'loud' is not usable"),
        ({"velocity": "1:40,100"}, "velocity: '100' is not usable"),
        ({"velocity": "0:40"}, "velocity: bar: 0 is out of range"),
        ({"velocity": "300"}, "velocity: 300 is out of range"),
        ({"scale": "dorian"}, "needs a key"),
    ],
)
def test_what_is_not_usable_is_refused(wish, message):
    with pytest.raises(ConfigError, match=message):
        parse_steering(**wish)


@pytest.mark.parametrize("text", ["bass@", "bass@x", "bass@5-", "bass@-5", "bass@5@6"])
def test_bars_that_are_none_are_refused(text):
    with pytest.raises(ConfigError, match=r"instruments: 'bass@.*' is not usable; write piano, bass@5 or drums@9-12"):
        parse_instruments(text)

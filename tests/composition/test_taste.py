import pytest
import torch

from melodia.api.music import make_takes
from melodia.composition.codec import BEATS, KIND, PITCH, POSITION, STEPS, VELOCITY
from melodia.composition.taste import DRAWN, parse_taste
from melodia.errors import ConfigError
from melodia.midi import midi_bytes


def temperatures(text):
    return {column: parse_taste(text)[column].temperature for column in DRAWN}


def test_one_number_is_for_all():
    assert set(temperatures("0.9").values()) == {0.9}
    assert set(temperatures(0.9).values()) == {0.9}


@pytest.mark.parametrize("text", ["steps=2,rhythm=0.8,0.5,pitch=1.1", " 0.5 , pitch=1.1, rhythm = 0.8, steps=2"])
def test_the_narrower_name_counts(text):
    found = temperatures(text)
    named = {KIND: 0.8, POSITION: 0.8, BEATS: 0.8, STEPS: 2.0, PITCH: 1.1}
    assert found == {column: named.get(column, 0.5) for column in DRAWN}


def test_what_is_not_named_is_drawn_as_it_is():
    assert temperatures({"pitch": 0.2})[VELOCITY] == 1.0
    assert parse_taste("pitch=0", 3, 0.9)[PITCH].top_k == 3


@pytest.mark.parametrize(
    "text, message",
    [
        ("picth=1", "'picth' is no attribute of a note; known are rhythm, duration, kind, meter, tempo, position, part, pitch, "),
        ("program=1", "'program' is no attribute"),
        ("pitch=high", "'pitch=high' is not usable"),
        ("", "'' is not usable"),
        ("pitch=1,pitch=2", "pitch is given twice"),
        ("1,2", "a number alone is given twice"),
        ("velocity=-1", "temperature: -1.0 is out of range"),
        ("velocity=nan", "temperature: nan is out of range"),
    ],
)
def test_what_is_not_usable_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_taste(text)


def test_one_number_named_for_each_attribute_is_the_same_music(tiny, song):
    common = {"bars": 4, "model": tiny, "random_seed": 2}
    one, each = (midi_bytes(make_takes(song, temperature=t, **common).scores[0]) for t in (0.8, "duration=0.8,0.8,pitch=0.8"))
    assert one == each


def test_an_attribute_at_0_is_the_likeliest(tiny, song):
    torch.manual_seed(0)
    takes = make_takes(song, temperature="velocity=0", bars=6, model=tiny, count=3, continuation_only=True)
    wild = make_takes(song, temperature="velocity=50", bars=6, model=tiny, count=3, continuation_only=True, top_p=1.0)
    kinds = [{n.velocity for s in t.scores for p in s.parts for n in p.notes} for t in (takes, wild)]
    assert len(kinds[0]) < len(kinds[1]) > 25

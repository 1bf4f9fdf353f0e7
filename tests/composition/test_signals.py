import numpy as np
import pytest

from melodia.composition.codec import KIND, KIND_BAR, PART, PITCH, encode
from melodia.composition.signals import EXPLAINED, beat_steps, event_times, name_signals
from melodia.score import PPQ, Meter, Note, Part, Score, Tempo


@pytest.fixture
def events(song):
    return encode(song)


def test_times_are_those_of_the_score(song, events):
    notes = events[:, PITCH] >= 0
    onsets = sorted(n.onset_ticks for part in song.parts for n in part.notes)
    assert (event_times(events)[notes] * 20).tolist() == onsets
    assert event_times(events)[events[:, KIND] == KIND_BAR].tolist() == [0, 72, 144, 216]
    assert event_times(events)[-1] == 288


def test_meter_signals(events):
    signals = name_signals(events, ["Tune", "Bass", "Kit"])
    notes, times = events[:, PITCH] >= 0, event_times(events)
    assert (signals["on a beat"][notes] == (times[notes] % 24 == 0)).all()
    assert (signals["downbeat"][notes] == (times[notes] % 72 == 0)).all() and np.isnan(signals["downbeat"][~notes]).all()
    assert signals["place in the bar"][notes] == pytest.approx(times[notes] % 72 / 72)
    assert signals["circle of the bar"].shape == (len(events), 2)
    following = np.flatnonzero(signals["bar line next"])
    assert (events[following[:-1] + 1, KIND] == KIND_BAR).all() and following[-1] == len(events) - 1
    for name in signals:
        assert name in EXPLAINED or name.endswith(" plays")


def test_part_signals(events):
    signals = name_signals(events, ["Tune", "Bass", "Kit"])
    notes = events[:, PITCH] >= 0
    assert (signals["Bass plays"][notes] == (events[notes, PART] == 1)).all()
    drums = events[:, PITCH] >= 128
    assert np.isnan(signals["pitch"][drums]).all() and np.isfinite(signals["pitch"][notes & ~drums]).all()
    assert np.isfinite(signals["velocity"][notes]).all()


def test_rests_and_silence():
    notes = [
        Note(0, 480, 60, 90),
        Note(480, 960, 62, 90),
        Note(480, 900, 65, 90),
        Note(1920, 2400, 64, 90),
        Note(2880, 3000, 60, 90),
    ]
    events = encode(Score([Part(notes=notes)]))
    signals = name_signals(events, ["Piano"])
    rows = events[:, PITCH] >= 0
    assert signals["rest follows"][rows].tolist() == [0, 1, 1, 1, 1]
    assert signals["after a rest"][rows].tolist() == [1, 0, 0, 1, 1]
    assert signals["silence before"][rows].tolist() == [0, 0, 0, 2, 1]
    assert signals["notes sounding"][rows].tolist() == [1, 1, 2, 1, 1]
    assert signals["chord"][rows].tolist() == [0, 0, 1, 0, 0]
    assert signals["density"][rows].tolist() == [1, 2, 3, 3, 2]


def test_compound_beats():
    for meter, steps in (((6, 8), 36), ((3, 8), 12), ((3, 4), 24), ((2, 2), 48), ((12, 8), 36), ((7, 8), 12)):
        score = Score([Part(notes=[Note(0, PPQ, 60, 90)])], [Tempo(0, 120.0)], [Meter(0, *meter)])
        assert beat_steps(encode(score))[-2] == steps

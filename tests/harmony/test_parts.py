"""Parts of scores, as the grid that a harmonizer reads, and what is written of it."""

import numpy as np
import pytest

from melodia.errors import ConfigError, MidiError
from melodia.harmony.model import ChoirConfig
from melodia.harmony.parts import Given, given_part, octaves_into, on_grid, stretches, voice_of
from melodia.harmony.rules import RANGES
from melodia.harmony.setting import beat_ticks, chorale_of
from melodia.score import PPQ, Meter, Note, Part, Score

CONFIG = ChoirConfig()


def part(*notes, name="", drum=False):
    """Notes of onset and offset in quarters, and pitch."""
    return Part(name, 0, drum, [Note(round(on * PPQ), round(off * PPQ), pitch, 80) for on, off, pitch in notes])


def given(*notes, voice=0, meters=None):
    one = part(*notes)
    return Given(voice, one, Score([one], meters=meters or [Meter(0, 4, 4)]), "a.mid")


def test_the_grid_begins_with_the_first_note_and_holds_it_over_short_rests():
    grid = on_grid([given((1, 1.5, 67), (2, 3, 69), (4, 5, 71))], CONFIG)
    assert grid.origin == 4 and grid.given == (True, False, False, False) and grid.octaves == {0: 0}
    assert grid.voices[:, 0].tolist() == [67] * 4 + [69] * 8 + [71] * 4
    assert grid.silent.tolist() == [False] * 8 + [True] * 4 + [False] * 4  # the rest of a beat, not that of an eighth


def test_notes_off_the_grid_go_to_the_nearest_step():
    found = stretches([Note(13, 230, 60, 80), Note(260, 470, 62, 80), Note(470, 478, 63, 80), Note(490, 700, 64, 80)])
    assert [tuple(one) for one in found] == [(0, 2, 60, 13), (2, 4, 62, 260), (4, 6, 64, 490)]  # a grace note is no note
    legato = stretches([Note(0, 500, 60, 80), Note(480, 960, 62, 80)])
    assert [(one.first, one.last) for one in legato] == [(0, 4), (4, 8)]


@pytest.mark.parametrize(("pitches", "octaves"), [((60, 81), 0), ((84, 86), -1), ((48, 55), 1), ((12, 14), 4), ((50, 74, 75), 0)])
def test_a_part_out_of_its_range_is_read_octaves_away(pitches, octaves):
    line = given(*((i, i + 1, pitch) for i, pitch in enumerate(pitches)))
    assert octaves_into(stretches(line.part.notes), *RANGES[0]) == octaves
    grid = on_grid([line], CONFIG)
    assert (grid.voices[::4, 0] % 12 == np.array(pitches) % 12).all()
    notices = chorale_of(np.tile(np.array([72, 67, 60, 48], np.uint8), (len(grid.voices), 1)), grid, [line]).messages
    assert len(notices) == (octaves != 0) and all("written as it is" in line for line in notices)


def test_the_part_that_is_meant():
    tune, low, mid = part((0, 1, 72), name="Tune"), part((0, 1, 40), name="Low"), part((0, 1, 60), name="Alto sax")
    score = Score([part((0, 1, 38), drum=True), mid, low, tune])
    assert given_part(score, 0, None, "a").part is tune
    assert given_part(score, 3, None, "a").part is low
    assert given_part(score, 1, None, "a").part is mid
    assert given_part(score, 3, "2", "a").part is mid and given_part(score, 0, "low", "a").part is low
    with pytest.raises(ConfigError, match=r"a has several parts \(2 Alto sax, 3 Low, 4 Tune\); say which is the tenor"):
        given_part(score, 2, None, "a")
    with pytest.raises(ConfigError, match="no 'oboe' to harmonise; the parts are"):
        given_part(score, 0, "oboe", "a")
    with pytest.raises(MidiError, match=r"a: .*nothing to harmonise"):
        given_part(Score([score.parts[0]]), 0, None, "a")
    chords = part((0, 4, 60), (4, 8, 60), (4, 8, 64), (8, 9, 60), name="Piano")
    with pytest.raises(MidiError, match=r"a: Piano has several notes at a time, as in bar 2; a soprano sings one"):
        given_part(Score([chords]), 0, None, "a")
    with pytest.raises(ConfigError, match="'baritone' is none; it must be soprano, alto, tenor or bass"):
        voice_of("baritone")
    assert voice_of(" Bass") == 3


def test_voices_that_are_given_together():
    tune, bass = given((0, 4, 72), (4, 8, 71)), given((1, 4, 48), (4, 7, 55), voice=3)
    grid = on_grid([tune, bass], CONFIG)
    assert grid.voices[:, 3].tolist() == [48] * 16 + [55] * 16 and grid.given == (True, False, False, True)
    with pytest.raises(ConfigError, match=r"a.mid \(bass\) ends 9 beats after a.mid \(soprano\)"):
        on_grid([tune, given((0, 17, 48), voice=3)], CONFIG)
    with pytest.raises(ConfigError, match="given twice"):
        on_grid([tune, tune], CONFIG)


def test_what_is_written_lies_in_the_score_as_the_melody_does():
    meters = [Meter(0, 3, 4)]
    late = 30  # ticks after the beat
    tune = Part("Flute", 73, notes=[Note(PPQ * i + late, PPQ * (i + 1), 72, 100) for i in (2, 3, 4, 7)])
    line = Given(0, tune, Score([tune], meters=meters), "a.mid")
    grid = on_grid([line], CONFIG)
    voices = np.tile(np.array([72, 67, 64, 48], np.uint8), (24, 1))
    voices[4:, 2] = 65
    made = chorale_of(voices, grid, [line])
    assert [p.name for p in made.score.parts] == ["soprano", "alto", "tenor", "bass"] and made.score.meters == meters
    assert made.score.parts[0].notes == tune.notes and made.score.parts[0].program == 73
    alto = [(n.onset_ticks, n.offset_ticks, n.pitch) for n in made.score.parts[1].notes]
    assert alto == [  # anew with each note on a beat, silent in the rest of two beats
        (990, 1470, 67),
        (1470, 1950, 67),
        (1950, 2400, 67),
        (3390, 3840, 67),
    ]
    assert [n.pitch for n in made.score.parts[2].notes] == [64, 65, 65, 65]
    assert made.errors["leaps"] == 0 and made.errors_a_hundred_steps["fifths"] == 0


def test_what_is_too_long_is_refused():
    tune = Part("Flute", 73, notes=[Note(0, PPQ, 72, 100), Note(40_000 * PPQ // 4, 40_004 * PPQ // 4, 72, 100)])
    with pytest.raises(ConfigError, match="2,500 bars of 4/4 are too many; at most 2,000"):
        on_grid([Given(0, tune, Score([tune]), "a.mid")], CONFIG)


@pytest.mark.parametrize(("meter", "ticks"), [((4, 4), 480), ((6, 8), 720), ((3, 8), 240), ((2, 2), 960), ((7, 16), 240)])
def test_beats(meter, ticks):
    assert beat_ticks(Meter(0, *meter)) == ticks

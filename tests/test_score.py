import pytest

from melodia.score import PPQ, SUSTAIN, Control, Meter, Note, Part, Score, Tempo, without_overlaps


def test_bars_follow_the_meters():
    score = Score([Part(notes=[Note(0, 5000, 60, 80)])], meters=[Meter(0, 3, 4), Meter(2880, 5, 8)])
    assert [(b.onset_ticks, b.offset_ticks) for b in score.bars()] == [(0, 1440), (1440, 2880), (2880, 4080), (4080, 5280)]


def test_seconds_over_a_tempo_change():
    score = Score(tempos=[Tempo(0, 60), Tempo(960, 120)])
    assert score.seconds_at(960) == pytest.approx(2.0)
    assert score.seconds_at(1440) == pytest.approx(2.5)


@pytest.mark.parametrize("offset, expected", [(1900, 1920), (1920, 1920), (1950, 1920), (2100, 3840), (5000, 5760)])
def test_the_closing_bar_line_forgives_a_late_release(offset, expected):
    assert Score([Part(notes=[Note(0, offset, 60, 80)])]).closing_bar_line() == expected


def test_clip_moves_and_cuts(song):
    clipped = song.clip(1440, 2880)
    assert clipped.parts[0].notes == [Note(n[0] - 1440, n[1] - 1440, n[2], n[3]) for n in song.parts[0].notes[3:6]]
    assert clipped.meters == [Meter(0, 3, 4)]
    assert Score([Part(notes=[Note(0, 900, 60, 80)])]).clip(0, 480).parts[0].notes == [Note(0, 480, 60, 80)]


def test_the_pedal_holds_until_it_is_lifted_or_the_key_is_struck_again():
    notes = [Note(0, 100, 60, 80), Note(200, 300, 60, 80), Note(0, 100, 64, 80), Note(900, 950, 67, 80)]
    part = Part(notes=sorted(notes), controls=[Control(50, SUSTAIN, 127), Control(500, SUSTAIN, 0)])
    held = {(n.onset_ticks, n.pitch): n.offset_ticks for n in Score([part]).sustained().parts[0].notes}
    assert held == {(0, 60): 200, (200, 60): 500, (0, 64): 500, (900, 67): 950}


def test_overlaps():
    notes = [Note(0, 500, 60, 50), Note(0, 300, 60, 90), Note(400, 600, 60, 70)]
    assert without_overlaps(notes) == [Note(0, 400, 60, 90), Note(400, 600, 60, 70)]


def test_reading_what_was_written(song, tmp_path):
    again = Score.read(song.write(tmp_path / "deep" / "song.mid"))
    assert [p.notes for p in again.parts] == [p.notes for p in song.parts]
    assert again.meters == song.meters
    assert again.tempos[0].tempo_bpm == pytest.approx(90)
    assert PPQ == 480

import numpy as np
import pytest

from melodia.errors import ConfigError
from melodia.transcription.beats import GridConfig, find_beats, make_score
from melodia.transcription.notes import make_notes

NO_PEDAL = np.zeros((0, 2))


def march(bpm=100.0, bars=12, in_bar=4, start=0.7, jitter=0.0, drift=0.0):
    """A bass note and a chord on each first beat, a tune in eighths."""
    random, beat, rows, now = np.random.default_rng(0), 60 / bpm, [], start
    for bar in range(bars):
        for i in range(in_bar):
            length = beat * (1 + drift * np.sin(bar / 2))
            if i == 0:
                rows += [(now, now + 2 * length, p + 5 * (bar % 2), 95) for p in (36, 48, 52)]
            rows += [(now + k * length / 2, now + (k + 0.9) * length / 2, 72 + (3 * i + 5 * k) % 7, 70) for k in (0, 1)]
            now += length
    notes = make_notes(rows)
    notes[:, 0] += random.normal(size=len(notes)) * jitter
    return make_notes(notes)


def onsets(score):
    return np.array([score.seconds_at(n.onset_ticks) for n in score.parts[0].notes])


@pytest.mark.parametrize("bpm, in_bar", [(100.0, 4), (132.0, 4), (92.0, 3), (116.0, 3)])
def test_tempo_bars_and_timing(bpm, in_bar):
    notes = march(bpm, in_bar=in_bar, jitter=0.008)
    beats = find_beats(notes)
    assert beats.steady and beats.in_bar == in_bar
    score = make_score(notes, NO_PEDAL, beats, GridConfig())
    assert score.tempos[-1].tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert (score.meters[-1].numerator, score.meters[-1].denominator) == (in_bar, 4)
    np.testing.assert_allclose(np.sort(onsets(score)), notes[:, 0], atol=0.002)  # the played timing is kept
    bars = [score.seconds_at(b.onset_ticks) for b in score.bars()]
    for downbeat in notes[notes[:, 2] < 45, 0]:
        assert min(abs(downbeat - bar) for bar in bars) < 0.04


@pytest.mark.parametrize("start", [0.0, 0.03, 0.1, 0.29, 0.31, 0.7, 2.0])
def test_what_comes_before_the_first_beat_is_stretched_no_more_than_twice(start):
    notes = march(start=start)
    score = make_score(notes, NO_PEDAL, find_beats(notes), GridConfig())
    assert all(50 <= tempo.tempo_bpm <= 200 for tempo in score.tempos)
    np.testing.assert_allclose(np.sort(onsets(score)), notes[:, 0], atol=0.002)


def test_a_tempo_that_comes_and_goes_has_a_tempo_a_bar():
    notes = march(96.0, bars=16, drift=0.15)
    beats = find_beats(notes)
    score = make_score(notes, NO_PEDAL, beats, GridConfig())
    assert not beats.steady and len(score.tempos) > 8
    np.testing.assert_allclose(np.sort(onsets(score)), notes[:, 0], atol=0.003)
    strong = notes[notes[:, 2] < 45, 0]
    ticks = np.array([n.onset_ticks for n in score.parts[0].notes if n.pitch < 45])
    assert len(strong) == len(ticks)
    assert np.median(np.abs((ticks + 240) % 480 - 240)) < 40  # they fall on beats


def test_a_tempo_that_is_given_holds():
    notes = march(100.0)
    score = make_score(notes, NO_PEDAL, find_beats(notes, 100.0), GridConfig(tempo_bpm=100.0))
    assert {round(t.tempo_bpm, 6) for t in score.tempos} == {100.0}
    score = make_score(notes, NO_PEDAL, find_beats(notes, 77.0), GridConfig(tempo_bpm=77.0))
    assert {round(t.tempo_bpm, 6) for t in score.tempos} == {77.0}
    np.testing.assert_allclose(np.sort(onsets(score)), notes[:, 0], atol=0.002)


def test_quantize_moves_notes_to_the_grid():
    notes = march(jitter=0.015)
    score = make_score(notes, NO_PEDAL, find_beats(notes), GridConfig(quantize="1/8"))
    for note in score.parts[0].notes:
        assert note.onset_ticks % 240 == 0 and note.offset_ticks % 240 == 0 and note.offset_ticks > note.onset_ticks
    assert abs(onsets(score).mean() - notes[:, 0].mean()) < 0.03


def test_too_little_to_tell_from_is_120():
    few = make_notes([(0.25, 1.0, 60, 80), (1.5, 2.0, 64, 80)])
    assert find_beats(few) is None and find_beats(make_notes()) is None
    score = make_score(few, NO_PEDAL, None, GridConfig())
    assert score.tempos[0].tempo_bpm == 120 and [n.onset_ticks for n in score.parts[0].notes] == [240, 1440]
    assert make_score(few, NO_PEDAL, None, GridConfig(tempo_bpm=60.0)).parts[0].notes[1].onset_ticks == 720
    assert make_score(make_notes(), NO_PEDAL, None, GridConfig()).num_notes == 0


def test_the_pedal_becomes_controllers():
    notes = march()
    score = make_score(notes, np.array([[1.0, 2.5]]), find_beats(notes), GridConfig())
    down, up = score.parts[0].controls
    assert (down.number, down.value, up.value) == (64, 127, 0)
    assert score.seconds_at(down.tick) == pytest.approx(1.0, abs=0.003) and score.seconds_at(up.tick) == pytest.approx(
        2.5, abs=0.003
    )


@pytest.mark.parametrize("bad, message", [({"tempo_bpm": 5.0}, "tempo"), ({"quantize": "1/7"}, "quantize: '1/7'")])
def test_bad_settings_are_named(bad, message):
    with pytest.raises(ConfigError, match=message):
        GridConfig(**bad)

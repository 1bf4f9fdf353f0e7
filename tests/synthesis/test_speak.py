"""Sentences said and songs sung: what is asked for is what is heard."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from melodia.errors import ConfigError
from melodia.loudness import loudness
from melodia.score import PPQ, Note, Part, Score
from melodia.synthesis.analysis import analyse
from melodia.synthesis.config import SpeakConfig
from melodia.synthesis.reading import read
from melodia.synthesis.sing import drawn_out, sing
from melodia.synthesis.song import set_to
from melodia.synthesis.speak import AFTER_SECONDS, BEFORE_SECONDS, speak_sentence

TEXT = "The rain fell, and it was late."


def said(voice, text=TEXT, seed=0, **settings):
    sentence = next(iter(read(text)))
    return sentence, speak_sentence(voice, sentence, SpeakConfig(**settings), torch.Generator().manual_seed(seed))


def middle(said):
    return np.median(said.pitch[said.pitch > 0])


def test_every_unit_has_its_time(voice):
    sentence, take = said(voice)
    assert len(take.spans) == len(sentence.units) and take.sample_rate == 24_000
    assert take.spans[0][0] == pytest.approx(BEFORE_SECONDS)
    assert all(a[1] == b[0] and a[0] < a[1] for a, b in zip(take.spans, take.spans[1:], strict=False))
    assert len(take.waveform) / 24_000 == pytest.approx(take.spans[-1][1] + AFTER_SECONDS, abs=0.02)
    assert loudness(take.waveform, 24_000) == pytest.approx(-23, abs=0.5) and np.abs(take.waveform).max() < 1


def test_a_random_seed_gives_the_same_take_and_another_does_not(voice):
    takes = [said(voice, seed=seed, temperature=1.0)[1] for seed in (0, 0, 1)]
    assert np.array_equal(takes[0].waveform, takes[1].waveform)
    assert takes[0].spans != takes[2].spans and abs(middle(takes[0]) / middle(takes[2]) - 1) > 1e-3


def test_the_likeliest_reading_is_one(voice):
    one, other = (said(voice, seed=seed, temperature=0.0)[1] for seed in (0, 1))
    assert one.spans == other.spans and np.array_equal(one.pitch, other.pitch)


def test_rate_and_pitch(voice):
    plain, fast, high = (said(voice, temperature=0.0, **s)[1] for s in ({}, {"rate": 2.0}, {"semitones": 12.0}))
    assert fast.spans[-1][1] - fast.spans[0][0] == pytest.approx((plain.spans[-1][1] - plain.spans[0][0]) / 2, rel=0.1)
    assert middle(high) / middle(plain) == pytest.approx(2, rel=0.03)
    for name, setting in {"rate": {"rate": 0}, "temperature": {"temperature": -1}, "pitch": {"semitones": 99}}.items():
        with pytest.raises(ConfigError, match=f"{name}: .* is out of range"):
            SpeakConfig(**setting)


def test_markup_is_heard(voice):
    sentence, plain = said(voice, temperature=0.0)
    pause = next(i for i, unit in enumerate(sentence.units) if unit.sign == ",")
    units = [replace(unit, pause=1.5) if i == pause else unit for i, unit in enumerate(sentence.units)]
    units = [replace(unit, emphasis=2) if unit.word == 1 else unit for unit in units]
    take = speak_sentence(voice, replace(sentence, units=tuple(units)), SpeakConfig(temperature=0.0), torch.Generator())
    assert take.spans[pause][1] - take.spans[pause][0] == pytest.approx(1.5, abs=0.02)
    stressed = [i for i, unit in enumerate(sentence.units) if unit.word == 1]
    long, short = (sum(s.spans[i][1] - s.spans[i][0] for i in stressed) for s in (take, plain))
    assert long > 1.2 * short
    first, last = (round(t * take.frame_rate) for t in (take.spans[stressed[0]][0], take.spans[stressed[-1]][1]))
    assert np.median(take.pitch[first:last]) > 1.1 * middle(plain)


def melody(*pitches, places=None):
    notes = [Note(i * PPQ, (i + 1) * PPQ, pitch, 90) for i, pitch in zip(places or range(len(pitches)), pitches, strict=True)]
    return Score(parts=[Part(notes=notes)])


def test_notes_are_sung_at_their_pitch_and_time(voice):
    song = set_to("Morning comes slowly", melody(57, 60, 64, 62, 57))
    take = sing(voice, song, SpeakConfig(), torch.Generator().manual_seed(0))
    assert len(take.waveform) / 24_000 == pytest.approx(song.seconds, abs=0.03) and len(take.spans) == len(song.sung)
    for note in song.notes:
        first, last = round((note.onset + 0.02) * take.frame_rate), round((note.offset - 0.25) * take.frame_rate)
        hertz = 440 * 2 ** ((note.pitch - 69) / 12)
        heard = analyse(take.waveform, np.full(round(song.seconds * 100), hertz, np.float32)).pitch[first:last]
        assert np.mean((heard > 0) & (np.abs(1200 * np.log2(np.maximum(heard, 1) / hertz)) < 30)) > 0.9
    for sung, (onset, offset) in zip(song.sung, take.spans, strict=True):
        assert (onset, offset) == (pytest.approx(sung.onset, abs=0.011), pytest.approx(sung.onset + sung.duration, abs=0.011))


def test_rests_are_silent(voice):
    song = set_to("la la", melody(57, 60, places=[0, 4]))
    take = sing(voice, song, SpeakConfig(), torch.Generator())
    onset, offset = song.notes[0].offset + 0.1, song.notes[1].onset - 0.2
    gap = take.waveform[round(onset * 24_000) : round(offset * 24_000)]
    assert len(gap) > 7200 and np.std(gap) < np.std(take.waveform)
    found = analyse(take.waveform, np.full(round(song.seconds * 100), 220, np.float32)).pitch
    assert (found[round(onset * 100) : round(offset * 100)] == 0).all()  # whatever the voice makes of a rest, it has no pitch


def test_many_short_notes_are_not_late(voice):
    score = Score(parts=[Part(notes=[Note(i * 96, (i + 1) * 96, 57, 90) for i in range(20)])])  # a tenth of a second each
    song = set_to("strengths " * 20, score)
    take = sing(voice, song, SpeakConfig(), torch.Generator())
    assert len(take.waveform) / 24_000 == pytest.approx(song.seconds, abs=0.05)
    vowels = [(sung.onset, span[0]) for sung, span in zip(song.sung, take.spans, strict=True) if sung.unit.sign == "ɛ"]
    assert len(vowels) == 20 and max(abs(a - b) for a, b in vowels) < 0.05


def test_long_notes_keep_their_ends():
    places = drawn_out(np.array([10, 24]), np.array([10, 100]), 8)
    assert places[:10].tolist() == list(range(10)) and len(places) == 110
    assert places[10:18].tolist() == list(range(10, 18)) and places[-8:].tolist() == list(range(26, 34))
    assert (np.diff(places) >= 0).all()

"""Speech taken apart and put together again."""

import numpy as np
import pytest

from melodia.synthesis.analysis import FEATURES, analyse
from melodia.synthesis.vocoder import minimum_phase, pulses, vocode
from tests.synthesis.conftest import rows_of, sound_of

HOP = FEATURES.hop_length


def steady(pitch, seconds=1.0):
    return np.full(round(seconds * FEATURES.frame_rate), pitch, np.float32)


@pytest.mark.parametrize("hertz", [80.0, 123.4, 300.0])
def test_pulses_come_at_the_pitch(hertz):
    at, pitch = pulses(steady(hertz), FEATURES)
    assert np.allclose(pitch, hertz) and len(at) == pytest.approx(hertz, abs=2)
    assert np.allclose(np.diff(at), FEATURES.sample_rate / hertz, atol=0.01)


def test_no_pulse_where_there_is_no_pitch():
    pitch = np.concatenate([steady(200), steady(0), steady(200)])
    at = pulses(pitch, FEATURES)[0] / FEATURES.sample_rate
    assert not len(pulses(steady(0), FEATURES)[0]) and not ((at > 1.01) & (at < 1.99)).any()
    assert ((at < 1).sum(), (at > 2).sum()) == (pytest.approx(200, abs=2), pytest.approx(200, abs=2))


def test_minimum_phase_keeps_the_magnitude_and_begins_at_once():
    magnitude = np.exp(np.sin(np.linspace(0, 6, 513)))[None]
    spectrum = minimum_phase(magnitude)
    response = np.fft.irfft(spectrum)
    assert np.allclose(np.abs(spectrum), magnitude, rtol=1e-3)
    assert (response[0, :64] ** 2).sum() > 0.99 * (response**2).sum()


def test_what_is_analysed_is_what_was_vocoded():
    sound = sound_of(rows_of(0))
    waveform = vocode(sound, np.random.default_rng(0))
    again = analyse(waveform, sound.pitch)
    assert len(waveform) == len(sound.pitch) * HOP and again.bands.shape == sound.bands.shape
    vowel = sound.pitch > 0
    inside = vowel & np.roll(vowel, 3) & np.roll(vowel, -3)
    assert np.mean(again.pitch[inside] > 0) > 0.95
    both = inside & (again.pitch > 0)
    assert np.median(np.abs(np.log2(again.pitch[both] / sound.pitch[both]))) < 0.01
    loud = inside[:, None] & (sound.bands > -50)
    assert np.median(np.abs(again.bands - sound.bands)[loud]) < 3
    assert np.median(again.hiss[both][:, 1:4]) < -12


def test_noise_has_no_pitch_whatever_is_claimed():
    noise = np.random.default_rng(0).normal(size=24_000).astype(np.float32) * 0.1
    assert np.mean(analyse(noise, steady(150)).pitch > 0) < 0.02


def test_the_noise_in_a_voice_is_that_of_its_generator():
    sound = sound_of(rows_of(1))
    once, twice, other = (vocode(sound, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(once, twice) and not np.array_equal(once, other)


def test_silence_and_nothing():
    sound = sound_of([("_", 20)])
    assert np.abs(vocode(sound, np.random.default_rng(0))).max() < 1e-3
    assert len(analyse(np.zeros(2400, np.float32), np.zeros(11, np.float32)).pitch) == 11


def test_what_is_faint_is_told_beside_what_is_loud():
    time, noise = np.arange(24_000) / 24_000, np.random.default_rng(0).normal(size=24_000)
    waveform = (0.5 * np.sin(2 * np.pi * 200 * time) + noise * 10 ** (-70 / 20)).astype(np.float32)
    bands = analyse(waveform, steady(200)).bands[10:-10]
    assert bands[:, 40:].mean() == pytest.approx(-70, abs=1.5) and bands[:, 40:].min() > -85


def test_a_pulse_at_the_edge_of_a_voiced_stretch_is_as_loud_as_the_others():
    for first in range(20, 40):
        sound = sound_of([("_", first), ("ɑ", 30), ("_", 20)])
        waveform = np.abs(vocode(sound, np.random.default_rng(0)))
        assert waveform[: (first + 3) * HOP].max() < 1.5 * waveform[(first + 3) * HOP : (first + 27) * HOP].max()

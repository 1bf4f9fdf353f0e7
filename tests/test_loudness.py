"""Loudness by the numbers of its standard."""

import numpy as np
import pyloudnorm
import pytest

from melodia.loudness import HIGHEST_PEAK, SPEECH_LUFS, at_loudness, loudness

RATE = 48_000


def tone(seconds, hertz=997.0, peak=1.0):
    return (peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def test_the_tone_of_the_standard():
    assert loudness(tone(5), RATE) == pytest.approx(-3.01, abs=0.05)  # BS.1770-4: 0 dBFS at 997 Hz in one channel
    assert loudness(tone(5, peak=0.1), RATE) == pytest.approx(-23.01, abs=0.05)
    assert loudness(tone(5, hertz=60, peak=0.1), RATE) < -24  # the ear hears less of it


def test_pauses_do_not_count():
    pause = np.zeros(5 * RATE, np.float32)
    assert loudness(np.concatenate([tone(5), pause]), RATE) == pytest.approx(loudness(tone(5), RATE), abs=0.3)


def test_it_is_made_so_loud():
    for peak in (0.001, 0.01, 0.9):
        assert loudness(at_loudness(tone(2, peak=peak), RATE), RATE) == pytest.approx(SPEECH_LUFS, abs=0.1)
    assert loudness(at_loudness(tone(2), RATE, -30.0), RATE) == pytest.approx(-30, abs=0.1)


def test_nothing_clips():
    click = tone(2, peak=0.001)
    click[RATE] = 0.5
    found = at_loudness(click, RATE)
    assert np.abs(found).max() == pytest.approx(HIGHEST_PEAK) and found.dtype == np.float32


def test_silence_and_the_shortest():
    silence = np.zeros(RATE, np.float32)
    assert loudness(silence, RATE) == -np.inf and np.array_equal(at_loudness(silence, RATE), silence)
    assert loudness(tone(0.05), RATE) < loudness(tone(0.5), RATE)  # with silence around it
    assert np.isfinite(at_loudness(tone(0.05), RATE)).all() and len(at_loudness(silence[:0], RATE)) == 0


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100])
def test_it_measures_what_pyloudnorm_does(rate):
    random = np.random.default_rng(0)
    for seconds in (0.41, 1.23, 7.77):
        noise = (
            np.cumsum(random.standard_normal(round(seconds * rate))) * 1e-3 + random.standard_normal(round(seconds * rate)) * 0.05
        )
        noise *= np.abs(np.sin(np.arange(len(noise)) / rate)) ** 3
        assert loudness(noise.astype(np.float32), rate) == pytest.approx(
            pyloudnorm.Meter(rate).integrated_loudness(noise.astype(np.float32).astype(np.float64)), abs=0.02
        )

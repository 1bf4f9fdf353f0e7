import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodia.errors import ConfigError
from melodia.transcription.decode import DecodeConfig, Decoder, Frames, decode
from melodia.transcription.notes import make_notes
from melodia.transcription.roll import rolls_of

RATE = 31.25
CONFIG = DecodeConfig(onset=0.5, sustain=0.5, offset=1.0)


def said(notes, frames=200, pedal=None):
    rolls = rolls_of(make_notes(notes), pedal if pedal is not None else np.zeros((0, 2)), 0, frames, RATE)
    return Frames(rolls.onset, rolls.offset, rolls.sustain, rolls.place, rolls.velocity, rolls.pedal)


def test_what_the_targets_say_is_what_is_decoded():
    notes = [(0.513, 1.5, 60, 80), (0.55, 3.25, 64, 127), (1.7, 1.9, 60, 33), (0.0, 0.3, 21, 1), (6.3, 6.39, 108, 64)]
    found = decode(said(notes), CONFIG, RATE)
    np.testing.assert_allclose(found[:, [0, 2, 3]], make_notes(notes)[:, [0, 2, 3]], atol=1e-3)
    np.testing.assert_allclose(found[:, 1], make_notes(notes)[:, 1], atol=0.6 / RATE)


def test_a_key_struck_again_ends_the_note_before():
    found = decode(said([(0.5, 1.0, 60, 80), (1.0, 1.5, 60, 90)]), CONFIG, RATE)
    assert len(found) == 2 and found[0, 1] == pytest.approx(1.0, abs=1e-3)


def test_a_note_that_still_sounds_ends_with_the_recording():
    found = decode(said([(6.0, 99.0, 60, 80)]), CONFIG, RATE)
    assert len(found) == 1 and found[0, 1] == pytest.approx(200 / RATE, abs=1 / RATE)


def test_a_peak_of_the_offset_ends_a_note():
    frames = said([(0.5, 1.0, 60, 80)])
    frames.sustain[:, 39] = 1.0
    assert decode(frames, CONFIG, RATE)[0, 1] > 6
    assert decode(frames, DecodeConfig(onset=0.5, sustain=0.5, offset=0.6), RATE)[0, 1] == pytest.approx(1.0, abs=1 / RATE)


def test_thresholds_decide_and_silence_is_nothing():
    frames = said([(0.5, 1.0, 60, 80)])
    quiet = frames._replace(onset=frames.onset * 0.4)
    assert len(decode(quiet, CONFIG, RATE)) == 0
    assert len(decode(quiet, DecodeConfig(onset=0.2), RATE)) == 1
    assert len(decode(said([]), CONFIG, RATE)) == 0
    with pytest.raises(ConfigError, match="onset: 1.5 is out of range"):
        DecodeConfig(onset=1.5)


def test_the_pedal_is_followed():
    decoder = Decoder(CONFIG, RATE)
    decoder.feed(said([], pedal=np.array([[0.5, 1.5], [2.0, 99.0]])))
    decoder.finish()
    np.testing.assert_allclose(decoder.pedal, [(0.5, 1.5), (2.0, 200 / RATE)], atol=1 / RATE)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 60), max_size=12), st.integers(0, 2**31))
def test_any_cut_of_the_stream_gives_the_same_notes(sizes, seed):
    random = np.random.default_rng(seed)
    shape = (120, 88)
    frames = Frames(*(random.random(shape).astype(np.float32) for _ in range(5)), random.random((120, 1)).astype(np.float32))
    config = DecodeConfig(onset=0.95, sustain=0.3, offset=0.97)
    decoder, parts, start = Decoder(config, RATE), [], 0
    for size in [*sizes, 120]:
        if start < 120:
            parts.append(decoder.feed(Frames(*(f[start : start + size] for f in frames))))
        start += size
    parts.append(decoder.finish())
    whole = decode(frames, config, RATE)
    np.testing.assert_array_equal(make_notes(np.concatenate(parts)), whole)
    assert len(whole) and (whole[:, 1] > whole[:, 0]).all()
    for pitch in np.unique(whole[:, 2]):  # no key sounds twice at once
        of_key = whole[whole[:, 2] == pitch]
        assert (of_key[1:, 0] >= of_key[:-1, 1] - 1e-9).all()

import shutil

import numpy as np
import pytest
import soundfile

from melodia.audio import normalised, trimmed
from melodia.errors import AudioError, ConfigError
from melodia.render import SAMPLE_RATE, render
from melodia.score import Note, Part, Score
from melodia.soundfiles import write_sound


def test_a_score_sounds(song, tmp_path):
    waveform = render(song)
    assert waveform.dtype == np.float32 and waveform.shape[1] == 2
    assert 20 * np.log10(np.abs(waveform).max()) == pytest.approx(-1, abs=0.05)
    seconds = len(waveform) / SAMPLE_RATE
    assert song.seconds < seconds < song.seconds + 6.5
    assert np.abs(waveform[-100:]).max() < 0.01
    path = write_sound(tmp_path / "a.wav", waveform, SAMPLE_RATE)
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype) == (44_100, 2, "PCM_16")


def test_a_pitch_sounds_at_its_frequency():
    waveform = render(Score([Part(program=73, notes=[Note(0, 1920, 69, 100)])]))[: 2 * SAMPLE_RATE, 0]
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    frequencies = np.fft.rfftfreq(len(waveform), 1 / SAMPLE_RATE)
    band = (frequencies > 400) & (frequencies < 480)
    assert frequencies[band][spectrum[band].argmax()] == pytest.approx(440, abs=4)


def test_fonts_and_synths_that_cannot_be_used(song, tmp_path):
    with pytest.raises(AudioError, match="cannot be read"):
        render(song, tmp_path / "none.sf2")
    (tmp_path / "bad.sf2").write_bytes(b"x" * 100)
    with pytest.raises(AudioError, match="not a SoundFont"):
        render(song, tmp_path / "bad.sf2")
    (tmp_path / "worse.sf2").write_bytes(b"RIFF\x10\x00\x00\x00sfbk" + b"x" * 100)
    with pytest.raises(AudioError, match="cannot be played"):
        render(song, tmp_path / "worse.sf2")
    with pytest.raises(ConfigError, match="synth: 'moog'"):
        render(song, synth="moog")


def test_fluidsynth_or_a_clear_line(song):
    if shutil.which("fluidsynth"):
        assert np.abs(render(song, synth="fluidsynth")).max() > 0.5
    else:
        with pytest.raises(AudioError, match="not installed"):
            render(song, synth="fluidsynth")


def test_silence_stays_silence():
    nothing = np.zeros((100, 2), dtype=np.float32)
    assert (normalised(nothing) == 0).all()
    assert len(trimmed(nothing)) == 0

"""Sound files of each kind, written whole or not at all."""

import io

import numpy as np
import pytest
import soundfile

from melodia.audio import read_audio
from melodia.errors import AudioError, ConfigError
from melodia.soundfiles import STDOUT, check_kind, sound_written, write_sound

RATE = 24_000
WAVE = np.sin(np.arange(50_000) / 20).astype(np.float32)


@pytest.mark.parametrize(
    "suffix, kind, loose", [(".wav", "WAV", 1e-4), (".FLAC", "FLAC", 1e-4), (".ogg", "OGG", 0.1), (".mp3", "MP3", 0.1)]
)
def test_what_is_written_is_what_is_read(tmp_path, suffix, kind, loose):
    path = write_sound(str(tmp_path / f"a{suffix}"), 0.5 * WAVE, RATE)
    info = soundfile.info(path)
    assert (info.format, info.samplerate, info.channels) == (kind, RATE, 1)
    found = read_audio(path, RATE)
    assert abs(len(found) - len(WAVE)) < 2500 and np.abs(found[5000:45_000] - 0.5 * WAVE[5000:45_000]).max() < loose


def test_stereo_and_what_is_too_loud(tmp_path):
    path = write_sound(tmp_path / "a.wav", np.stack([3 * WAVE, -WAVE / 2], axis=1), RATE)
    left, right = soundfile.read(path)[0].T
    assert soundfile.info(path).subtype == "PCM_16" and np.allclose(right, -WAVE / 2, atol=1e-4)
    assert np.allclose(left, np.clip(3 * WAVE, -1, 1), atol=1e-4)  # and does not wrap around


def test_pieces_are_one_file_that_has_its_name_in_the_end(tmp_path):
    path = tmp_path / "new" / "a.wav"
    with sound_written(path, RATE) as write:
        for piece in np.array_split(WAVE, 7):
            write(piece)
        assert not path.exists()
    assert np.allclose(read_audio(path, RATE), WAVE, atol=1e-4) and list(path.parent.iterdir()) == [path]


def test_what_is_given_up_leaves_what_was_there(tmp_path):
    write_sound(tmp_path / "a.wav", WAVE, RATE)
    before = (tmp_path / "a.wav").read_bytes()
    with pytest.raises(ZeroDivisionError), sound_written(tmp_path / "a.wav", RATE) as write:
        write(WAVE[:100])
        raise ZeroDivisionError
    assert (tmp_path / "a.wav").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_stream_is_wav_of_unknown_length(monkeypatch):
    class Out:
        buffer = io.BytesIO()

    monkeypatch.setattr("sys.stdout", Out)
    with sound_written(STDOUT, RATE) as write:
        write(WAVE)
    found, rate = soundfile.read(io.BytesIO(Out.buffer.getvalue()))
    assert rate == RATE and np.allclose(found, WAVE, atol=1e-4)


def test_refusals(tmp_path):
    (tmp_path / "file.wav").write_bytes(b"")
    for path, error, message in (
        (tmp_path, ConfigError, "is a folder"),
        (tmp_path / "a.doc", ConfigError, "does not end in .wav, .flac, .ogg or .mp3"),
        (tmp_path / "file.wav" / "a.wav", AudioError, "cannot be written"),
    ):
        with pytest.raises(error, match=message):
            write_sound(path, WAVE, RATE)
    check_kind(tmp_path / "a.OGG")

import numpy as np
import pytest
import soundfile

from melodia.checkpoint import DEFAULTS
from melodia.detection.checkpoint import load_detector
from melodia.detection.detect import detect, places
from melodia.errors import AudioError
from melodia.files import shipped
from tests.detection.conftest import RATE, talk, tune


def written(tmp_path, audio, rate=RATE):
    soundfile.write(tmp_path / "clip.wav", audio, rate, subtype="FLOAT")
    return tmp_path / "clip.wav"


def test_music_and_speech_are_told_apart(tmp_path, small):
    for sound, kind in ((tune, "music"), (talk, "speech")):
        found = detect(written(tmp_path, sound(8.0, 30)), small)
        assert found.kind == kind and found.sureness > 0.7 and found.unsure == (found.sureness < 0.9)


def test_a_span_alone_is_heard(tmp_path, small):
    path = written(tmp_path, np.concatenate([tune(10.0), talk(10.0)]))
    assert detect(path, small, end=10.0).kind == "music" and detect(path, small, start=10.0).kind == "speech"


def test_silence_is_passed_over(tmp_path, small):
    long = np.zeros(300 * RATE, np.float32)
    long[200 * RATE : 230 * RATE] = talk(30.0)
    assert detect(written(tmp_path, long), small).kind == "speech"
    quiet = detect(written(tmp_path, 0.003 * talk(6.0)), small)
    assert quiet.kind == "speech"  # softer than a pause may be, and still all there is


def test_nothing_to_hear_is_unsure(tmp_path, small):
    assert detect(written(tmp_path, np.zeros(8 * RATE, np.float32)), small) == ("music", 0.5, True)


def test_a_long_recording_is_heard_here_and_there():
    assert list(places(2.0, 9.0)) == [(2.0, 9.0)] and list(places(0.0, 0.3)) == [(0.0, 0.3)]
    assert [round(b - a, 3) for a, b in places(0.0, 28.0)] == [4.667] * 6
    found = list(places(100.0, 3700.0))
    assert len(found) == 24 and len(set(found)) == 24
    assert all(a >= 100 and b <= 3700 and b - a == 5 for a, b in found)
    assert max(a for a, _ in found[:6]) > 3000 and min(a for a, _ in found[:6]) < 500


def test_what_cannot_be_heard_is_refused(tmp_path, small):
    with pytest.raises(AudioError, match="no such file"):
        detect(tmp_path / "nothing.wav", small)
    with pytest.raises(AudioError, match="no sound in it"):
        detect(written(tmp_path, np.zeros(0, np.float32)), small)
    with pytest.raises(AudioError, match="lasts 2.00 s; from 3 s on is no span"):
        detect(written(tmp_path, tune(2.0)), small, start=3.0)


def test_the_shipped_model_knows_a_piano():
    found = detect(shipped("corpora") / "examples" / "piano.flac", load_detector(DEFAULTS["detection"]))
    assert found.kind == "music" and not found.unsure

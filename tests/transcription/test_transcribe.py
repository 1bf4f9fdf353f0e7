import numpy as np
import pytest
import soundfile

from melodia.errors import AudioError, ConfigError
from melodia.transcription.evaluate import score_notes
from melodia.transcription.picture import draw_transcription
from melodia.transcription.transcribe import TranscribeConfig, transcribe
from tests.transcription.conftest import RATE, played, scale


@pytest.fixture
def clip(tmp_path):
    soundfile.write(tmp_path / "clip.wav", played(scale(), 8.0), RATE, subtype="FLOAT")
    return tmp_path / "clip.wav"


def test_what_was_learnt_is_heard(clip, small):
    seen = []
    found = transcribe(clip, small, TranscribeConfig(), lambda done, total: seen.append((done, total)))
    assert score_notes(scale(), found.notes)["onset_50"] > 0.95
    assert found.seconds == 8.0 and seen[-1] == (8.0, 8.0)
    assert found.score.num_notes == len(found.notes) and found.score.tempos[-1].tempo_bpm == pytest.approx(150, rel=0.02)


def test_the_window_makes_no_difference(tmp_path, small):
    long = np.concatenate([played(scale(), 8.0)] * 4)
    soundfile.write(tmp_path / "long.wav", long, RATE, subtype="FLOAT")
    whole = transcribe(tmp_path / "long.wav", small, TranscribeConfig(window_seconds=60)).notes
    assert len(whole) > 60
    for window in (1, 3.7, 10):
        found = transcribe(tmp_path / "long.wav", small, TranscribeConfig(window_seconds=window)).notes
        assert found.shape == whole.shape
        np.testing.assert_array_equal(found[:, 2], whole[:, 2])
        np.testing.assert_allclose(found[:, :2], whole[:, :2], atol=0.002)
        np.testing.assert_allclose(found[:, 3], whole[:, 3], atol=1)


def test_a_span_is_heard_as_if_it_were_the_whole(clip, small):
    found = transcribe(clip, small, TranscribeConfig(start=2.0, end=5.0))
    assert found.seconds == 3.0 and found.start == 2.0
    wanted = scale()[(scale()[:, 0] > 2.0) & (scale()[:, 0] < 5.0)]
    wanted[:, :2] -= 2.0
    assert score_notes(wanted, found.notes)["onset_100"] > 0.8


def test_a_higher_threshold_hears_no_more(clip, small):
    counts = [len(transcribe(clip, small, TranscribeConfig(threshold=t)).notes) for t in (0.05, 0.5, 0.99)]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[2]


def test_silence_is_no_notes_and_a_line(tmp_path, small):
    soundfile.write(tmp_path / "silent.wav", np.zeros(3 * RATE, np.float32), RATE)
    found = transcribe(tmp_path / "silent.wav", small, TranscribeConfig())
    assert len(found.notes) == 0 and found.messages == ["silence: the MIDI file is empty"]
    draw_transcription(found, tmp_path / "silent.png")
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(AudioError, match="no sound in it"):
        transcribe(tmp_path / "nothing.wav", small, TranscribeConfig())


def test_a_picture_is_drawn(clip, small, tmp_path):
    from PIL import Image

    found = transcribe(clip, small, TranscribeConfig(pedal=True))
    path = draw_transcription(found, tmp_path / "roll.png")
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    orange = (pixels[:, 0] - pixels[:, 2] > 80).sum()
    assert orange > 500  # notes are there


@pytest.mark.parametrize("bad", [{"start": -1.0}, {"start": 2.0, "end": 1.0}, {"threshold": 2.0}])
def test_bad_settings_are_named(bad):
    with pytest.raises(ConfigError, match=list(bad)[-1]):
        TranscribeConfig(**bad)

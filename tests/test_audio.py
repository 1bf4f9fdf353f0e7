"""Sound files of all kinds in, mono at one rate out; bad ones are one line."""

import numpy as np
import pytest
import soundfile

from melodia.audio import audio_info, read_audio, read_blocks
from melodia.errors import AudioError
from melodia.mp3 import mp3_seconds


def tone(rate, seconds=1.0, hertz=440.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


@pytest.mark.parametrize("suffix, rate, channels", [
    (".wav", 44_100, 2), (".flac", 48_000, 1), (".ogg", 22_050, 2), (".mp3", 44_100, 1), (".wav", 8_000, 1), (".aiff", 16_000, 5),
])  # fmt: skip
def test_any_format_rate_and_channels(tmp_path, suffix, rate, channels):
    path = tmp_path / f"tone{suffix}"
    soundfile.write(path, np.repeat(tone(rate)[:, None], channels, axis=1), rate)
    assert audio_info(path)[:2] == (rate, channels)
    waveform = read_audio(path, 16_000)
    assert waveform.dtype == np.float32 and abs(len(waveform) - 16_000) < 2000
    middle = waveform[4000:12_000]
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 220  # of 8000 samples: 440 Hz
    assert 0.4 < np.abs(middle).max() < 0.6


def test_blocks_are_short_and_make_up_the_file(tmp_path):
    path = tmp_path / "long.wav"
    whole = tone(11_025, 35.0)
    soundfile.write(path, whole, 11_025, subtype="FLOAT")
    blocks = list(read_blocks(path, 11_025))
    assert max(map(len, blocks)) <= 11_025 * 10
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert abs(sum(map(len, read_blocks(path, 16_000))) - 35 * 16_000) <= 1


def test_a_span_is_what_lies_between(tmp_path):
    path = tmp_path / "steps.wav"
    steps = np.repeat(np.array([0.1, 0.2, 0.3], np.float32), 8000)
    soundfile.write(path, steps, 8000, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(path, 8000, 1.0, 2.0), 0.2, atol=1e-6)
    np.testing.assert_allclose(read_audio(path, 8000, 2.0), 0.3, atol=1e-6)
    assert len(read_audio(path, 8000, 2.5, 99.0)) == 4000
    for start, end in ((3.5, None), (2.0, 1.0), (-1.0, None)):
        with pytest.raises(AudioError, match="lasts 3.00 s; .* is no span of it"):
            read_audio(path, 8000, start, end)


def test_what_is_no_sound_is_one_line(tmp_path):
    (tmp_path / "text.wav").write_text("not a sound at all")
    (tmp_path / "empty.wav").write_bytes(b"")
    for path, message in ((tmp_path / "text.wav", "no sound file"), (tmp_path / "empty.wav", "empty"),
                          (tmp_path, "not a file"), (tmp_path / "gone.wav", "no such file")):  # fmt: skip
        with pytest.raises(AudioError, match=message) as found:
            read_audio(path, 16_000)
        assert str(path) in str(found.value) and "\n" not in str(found.value)


def test_numbers_that_are_none_and_files_cut_short(tmp_path):
    broken = tone(8000)
    broken[100] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, 8000, subtype="FLOAT")
    with pytest.raises(AudioError, match="no numbers"):
        read_audio(tmp_path / "nan.wav", 16_000)
    soundfile.write(tmp_path / "whole.flac", tone(8000, 5.0), 8000)
    data = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match="damaged|cut short"):
        read_audio(tmp_path / "cut.flac", 16_000)


def test_zero_channels_are_refused(tmp_path):
    path = tmp_path / "none.wav"
    soundfile.write(path, tone(8000), 8000)
    data = bytearray(path.read_bytes())
    data[22:24] = b"\0\0"
    path.write_bytes(bytes(data))
    with pytest.raises(AudioError, match=str(path)):
        read_audio(path, 16_000)


def test_an_empty_sound_is_no_samples(tmp_path):
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0, np.float32), 8000)
    assert len(read_audio(tmp_path / "nothing.wav", 16_000)) == 0


def without_its_header(path):
    """The file without the frame that tells its length."""
    data = path.read_bytes()
    at = data.find(b"Info") if b"Info" in data[:400] else data.find(b"Xing")
    first = data.rfind(b"\xff\xfb", 0, at)
    return data[data.find(b"\xff\xfb", at) :] if first >= 0 else data


def test_an_mp3_that_can_be_read_in_part_alone_is_refused(tmp_path):
    path = tmp_path / "tone.mp3"
    soundfile.write(path, tone(44_100, 20.0), 44_100, bitrate_mode="CONSTANT")
    bare = tmp_path / "bare.mp3"
    bare.write_bytes(without_its_header(path))
    assert len(bare.read_bytes()) < len(path.read_bytes())
    assert mp3_seconds(path) == pytest.approx(20.0, abs=0.2) and mp3_seconds(bare) == pytest.approx(20.0, abs=0.2)
    with pytest.raises(AudioError, match="holds 20 s, of which .* convert it to WAV"):  # its first frame misleads the decoder
        read_audio(bare, 16_000)


def test_an_mp3_that_lacks_its_last_frame_is_read_and_one_that_lacks_more_is_not(tmp_path):
    soundfile.write(tmp_path / "whole.mp3", tone(44_100, 20.0), 44_100)
    data = (tmp_path / "whole.mp3").read_bytes()
    (tmp_path / "cut.mp3").write_bytes(data[:-300])
    assert len(read_audio(tmp_path / "cut.mp3", 16_000)) == pytest.approx(20 * 16_000, rel=0.02)
    (tmp_path / "half.mp3").write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match="cut short|damaged"):
        read_audio(tmp_path / "half.mp3", 16_000)


def test_a_wav_that_is_cut_short_is_refused_and_one_written_as_a_stream_is_not(tmp_path):
    soundfile.write(tmp_path / "whole.wav", tone(8000, 4.0), 8000)
    data = bytearray((tmp_path / "whole.wav").read_bytes())
    (tmp_path / "half.wav").write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match="cut short"):
        read_audio(tmp_path / "half.wav", 16_000)
    size = data.find(b"data") + 4
    data[size : size + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "stream.wav").write_bytes(data)
    assert len(read_audio(tmp_path / "stream.wav", 8000)) == 32_000


def test_paths_that_lead_nowhere_are_one_line(tmp_path):
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    for path in (tmp_path / "loop.wav", tmp_path / ("n" * 300), tmp_path / "bad\udcff.wav"):
        with pytest.raises(AudioError):
            read_audio(path, 16_000)


def test_endless_spans_are_refused(tmp_path):
    soundfile.write(tmp_path / "tone.wav", tone(8000), 8000)
    assert len(read_audio(tmp_path / "tone.wav", 8000, 0.5, np.inf)) == 4000
    with pytest.raises(AudioError, match="no span of it"):
        read_audio(tmp_path / "tone.wav", 8000, np.inf)


@pytest.mark.parametrize("codec", ["VORBIS", "OPUS"])
def test_an_ogg_that_is_cut_short_is_refused(tmp_path, codec):
    whole = tmp_path / "whole.ogg"
    soundfile.write(whole, np.random.default_rng(0).normal(size=48_000 * 5) * 0.1, 48_000, format="OGG", subtype=codec)
    assert len(read_audio(whole, 16_000)) == 80_000
    (tmp_path / "cut.ogg").write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.raises(AudioError, match="cut short: the end of it is missing"):
        read_audio(tmp_path / "cut.ogg", 16_000)


def test_channels_that_cancel_each_other_are_heard(tmp_path):
    tone = np.sin(np.arange(16_000) / 10) * 0.5
    soundfile.write(tmp_path / "anti.wav", np.stack([tone, -tone], axis=1), 16_000)
    assert np.abs(read_audio(tmp_path / "anti.wav", 16_000)).max() > 0.4
    soundfile.write(tmp_path / "left.wav", np.stack([tone, 0 * tone], axis=1), 16_000)
    assert np.abs(read_audio(tmp_path / "left.wav", 16_000)).max() == pytest.approx(0.25, abs=0.01)


def test_the_decoder_says_nothing_of_its_own(tmp_path, capfd):
    soundfile.write(tmp_path / "a.mp3", np.random.default_rng(0).normal(size=44_100 * 4) * 0.1, 44_100, format="MP3")
    data = bytearray((tmp_path / "a.mp3").read_bytes())
    random = np.random.default_rng(1)
    for place in random.integers(2000, len(data), size=60):
        data[place] = random.integers(256)
    (tmp_path / "b.mp3").write_bytes(data)
    try:
        read_audio(tmp_path / "b.mp3", 16_000)
    except AudioError as error:
        assert "export it again" in str(error)
    assert capfd.readouterr().err == ""

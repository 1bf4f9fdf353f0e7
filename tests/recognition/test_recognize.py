"""From a sound file to words with their times."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import soundfile

import melodia
from melodia.errors import AudioError, ConfigError
from melodia.recognition.recognize import RecognizeConfig, recognize, timed
from melodia.recognition.words import WordList
from melodia.text import letters_of
from tests.recognition.conftest import LETTER, RATE, said, sentence


@pytest.fixture
def clip(tmp_path):
    soundfile.write(tmp_path / "clip.wav", said("face bed"), RATE)
    return tmp_path / "clip.wav"


def test_words_stand_where_they_are_said(reader, clip):
    found = recognize(clip, reader, RecognizeConfig())
    assert found.text == "face bed" and len(found.segments) == 1 and not found.messages
    face, bed = found.words
    each = LETTER + 0.02
    assert face.onset == pytest.approx(0.1, abs=0.09) and face.offset == pytest.approx(0.1 + 4 * each, abs=0.12)
    assert bed.onset == pytest.approx(0.1 + 5 * each, abs=0.09) and bed.offset == pytest.approx(0.1 + 8 * each, abs=0.12)
    assert 0.5 < face.confidence <= 1 and found.seconds == pytest.approx(0.2 + 8 * each, abs=0.01)


def test_words_are_timed_by_their_letters(reader):
    reader = copy.deepcopy(reader)
    reader.config = replace(reader.config, word_margins=(0.05, 0.05))
    log_probs = np.full((12, 29), np.log(1e-4), np.float32)
    for frame, letter in enumerate([3, 4, 1, 0, 0, 0, 0, 5, 5, 0, 0, 6]):  # ab cd
        log_probs[frame, letter] = np.log(0.5)
    first, second = timed(log_probs, letters_of("ab cd"), 10.0, 0.35, reader)
    assert first.onset == 10.0 and first.offset == pytest.approx(10 + 2 * 0.03 + 0.05)
    assert second.onset == pytest.approx(10 + 7 * 0.03 - 0.05) and second.offset == pytest.approx(10.35)  # not past the end
    assert first.confidence == pytest.approx(0.5)
    tight = timed(log_probs[[0, 1, 2, 7, 11]], letters_of("ab cd"), 0.0, 0.15, reader)
    assert tight[0].offset <= tight[1].onset


def test_a_long_pause_before_speech_changes_nothing(reader, tmp_path):
    soundfile.write(tmp_path / "late.wav", said("face bed", before=3.0, after=3.0), RATE)
    found = recognize(tmp_path / "late.wav", reader, RecognizeConfig())
    assert found.text == "face bed" and found.words[0].onset == pytest.approx(3.0, abs=0.09)


def test_a_span_keeps_the_times_of_the_recording(reader, tmp_path):
    parts = [said("bed bad fed dab cab"), np.zeros(RATE), said("cab")]
    soundfile.write(tmp_path / "two.wav", np.concatenate(parts), RATE)
    whole = recognize(tmp_path / "two.wav", reader, RecognizeConfig())
    assert whole.text == "bed bad fed dab cab cab" and len(whole.segments) == 2
    late = recognize(tmp_path / "two.wav", reader, RecognizeConfig(start=3.0))
    assert late.text == "cab" and late.words[0].onset == pytest.approx(whole.words[5].onset, abs=0.07)
    assert late.seconds == pytest.approx(whole.seconds) and late.start == 3.0
    assert recognize(tmp_path / "two.wav", reader, RecognizeConfig(end=2.8)).text == "bed bad fed dab cab"
    with pytest.raises(AudioError, match="is no span of it"):
        recognize(tmp_path / "two.wav", reader, RecognizeConfig(start=99))


def test_times_go_up_whatever_is_said(reader, tmp_path):
    words = " ".join(sentence(i) for i in range(8))
    soundfile.write(tmp_path / "long.wav", said(words), RATE)
    found = recognize(tmp_path / "long.wav", reader, RecognizeConfig())
    times = [t for word in found.words for t in (word.onset, word.offset)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= found.seconds
    assert all(word.offset > word.onset for word in found.words)


@pytest.mark.parametrize("rate, channels, kind", [(8000, 1, "wav"), (44_100, 2, "flac"), (48_000, 1, "ogg"), (22_050, 2, "wav")])
def test_any_rate_and_channels(reader, tmp_path, rate, channels, kind):
    import soxr

    waveform = soxr.resample(said("dad fed"), RATE, rate)
    path = tmp_path / f"clip.{kind}"
    soundfile.write(path, np.stack([waveform] * channels, axis=1), rate)
    assert recognize(path, reader, RecognizeConfig()).text == "dad fed"


def test_greedy_beam_and_words(reader, clip):
    assert recognize(clip, reader, RecognizeConfig(width=0)).text == "face bed"
    assert recognize(clip, reader, RecognizeConfig(width=64)).text == "face bed"
    only = recognize(clip, reader, RecognizeConfig(), words=WordList(["bed", "face", "gab"], only=True))
    assert only.text == "face bed"
    with pytest.raises(ConfigError, match="beam: 0 takes the likeliest"):
        recognize(clip, reader, RecognizeConfig(width=0), words=WordList(["bed"]))


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_is_no_text(reader, tmp_path, level):
    soundfile.write(tmp_path / "still.wav", np.random.default_rng(0).normal(size=RATE * 20) * level, RATE, "FLOAT")
    found = recognize(tmp_path / "still.wav", reader, RecognizeConfig())
    assert found.text == "" and not found.segments and found.messages == ["silence: the text is empty"]


def test_bad_files_and_settings(reader, tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not a sound")
    soundfile.write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, "FLOAT")
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0), RATE)
    for name, what in (("empty", "empty"), ("text", "no sound file"), ("nan", "no numbers"), ("nothing", "no sound in it")):
        with pytest.raises(AudioError, match=what):
            recognize(tmp_path / f"{name}.wav", reader, RecognizeConfig())
    whole = said("face bed")
    soundfile.write(tmp_path / "cut.wav", whole, RATE)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:-4000])
    with pytest.raises(AudioError, match="cut short"):
        recognize(tmp_path / "cut.wav", reader, RecognizeConfig())
    with pytest.raises(ConfigError, match="end: 1 is out of range"):
        RecognizeConfig(start=2, end=1)


def test_from_python(reader, reader_checkpoint, clip):
    assert melodia.recognize(clip, model=reader_checkpoint, lm=None).text == "face bed"
    assert melodia.recognize(clip, model=reader, lm="none", words=["bed", "face"], only_words=True).text == "face bed"
    assert melodia.recognize(clip, model=reader, lm=None, words="bed,face", only_words=True).text == "face bed"
    with pytest.raises(ConfigError, match="lm: means nothing with --beam 0"):
        melodia.recognize(clip, model=reader, lm="english", beam=0)
    with pytest.raises(ConfigError, match="lm: Recognizer is no language model"):
        melodia.recognize(clip, model=reader, lm=reader)
    assert type(melodia.load_checkpoint(reader_checkpoint)) is type(reader)

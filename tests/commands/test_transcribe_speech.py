"""`melodia transcribe` of speech, and how it tells speech from music."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from jiwer import wer

from melodia.render import SAMPLE_RATE as MUSIC_RATE
from melodia.render import render
from melodia.score import PPQ, Note, Part, Score, Tempo
from melodia.text import spoken
from tests.commands.conftest import run
from tests.recognition.conftest import RATE, said, speech  # noqa: F401
from tests.recognition.conftest import reader as reader
from tests.recognition.conftest import reader_checkpoint as reader_checkpoint

EXAMPLES = Path(__file__).parents[2] / "corpora" / "examples"


@pytest.fixture
def voice(tmp_path):
    soundfile.write(tmp_path / "voice.wav", said("face bed"), RATE)
    return tmp_path / "voice.wav"


@pytest.fixture
def plain(reader_checkpoint):
    return ["--model", reader_checkpoint, "--lm", "none"]


def test_a_text_beside_the_recording(voice, plain, tmp_path):
    done = run("transcribe", voice, *plain)
    assert done.stdout.split() == [str(tmp_path / "voice.txt")] and (tmp_path / "voice.txt").read_text() == "face bed\n"
    assert "2 words in" in done.stderr and "face bed" in done.stderr
    again = run("transcribe", voice, *plain, "--quiet")
    assert again.stdout.strip().endswith("voice-take2.txt") and not again.stderr


@pytest.mark.parametrize("suffix, begins", [
    (".txt", "face bed"), (".srt", "1\n00:00:00,"), (".vtt", "WEBVTT"), (".json", "{"), (".TextGrid", 'File type = "ooTextFile"'),
])  # fmt: skip
def test_the_suffix_tells_the_kind(voice, plain, tmp_path, suffix, begins):
    run("transcribe", voice, "-o", tmp_path / f"out{suffix}", *plain, "--quiet")
    text = (tmp_path / f"out{suffix}").read_text()
    assert text.startswith(begins) and ("face bed" in text or '"face"' in text)


def test_words_have_times_and_confidence(voice, plain, tmp_path):
    done = run("transcribe", voice, "-o", tmp_path / "out.json", *plain, "--json", "--quiet")
    row = json.loads(done.stdout)
    assert row["task"] == "speech" and row["text"] == "face bed" and row["words"] == 2
    words = json.loads((tmp_path / "out.json").read_text())["words"]
    assert [w["text"] for w in words] == ["face", "bed"] and words[0]["offset"] <= words[1]["onset"]
    assert all(0 < w["confidence"] <= 1 for w in words)


def test_many_files_into_a_folder(speech, plain, tmp_path):  # noqa: F811
    (speech / "bad.wav").write_text("x")
    done = run("transcribe", speech / "*.wav", "-o", tmp_path / "out", "--format", "srt", *plain, "--jobs", 2, code=1)
    assert len(list((tmp_path / "out").glob("*.srt"))) == 13 and "1 of 14 recordings" in done.stderr
    assert "bad.wav: no sound file" in done.stderr
    run("transcribe", speech / "00.wav", speech / "01.wav", "-o", tmp_path / "a.srt", *plain, code=1)


def test_a_name_that_is_too_long_ends_no_batch(voice, plain, tmp_path):
    long = tmp_path / ("n" * 251 + ".wav")
    long.write_bytes(voice.read_bytes())
    done = run("transcribe", long, voice, *plain, "--format", "TextGrid", "--json", "--quiet", code=1)
    rows = json.loads(done.stdout)
    assert "File name too long" in rows[0]["error"] and rows[1]["text"] == "face bed"
    assert "1 of 2 recordings could not be transcribed" in done.stderr


def test_several_go_into_a_folder_each_once(voice, plain, tmp_path):
    (tmp_path / "b.wav").write_bytes(voice.read_bytes())
    several = [voice, tmp_path / "b.wav", tmp_path / "nowhere" / ".." / "voice.wav"]
    (tmp_path / "nowhere").mkdir()
    done = run("transcribe", *several, *plain, "-o", tmp_path / "new.v1", "--quiet")
    assert done.stdout.split() == [str(tmp_path / "new.v1" / f"{name}.txt") for name in ("voice", "b")]


def test_words_and_beams(voice, plain, tmp_path):
    (tmp_path / "list.txt").write_text("# of one of us\nBed\nface\n")
    for words in ("bed,face", tmp_path / "list.txt"):
        row = json.loads(run("transcribe", voice, *plain, "--words", words, "--only-words", "--json", "--quiet").stdout)
        assert row["text"] == "face bed"
    for beam in (0, 1, 8):
        assert json.loads(run("transcribe", voice, *plain, "--beam", beam, "--json", "--quiet").stdout)["text"] == "face bed"
    row = json.loads(run("transcribe", voice, *plain, "--words", "gab", "--only-words", "--json", "--quiet").stdout)
    assert set(row["text"].split()) <= {"gab"}


def test_silence_is_an_empty_text_and_a_line(plain, tmp_path):
    soundfile.write(tmp_path / "still.wav", np.zeros(2 * RATE), RATE)
    done = run("transcribe", tmp_path / "still.wav", *plain)
    assert (tmp_path / "still.txt").read_text() == "" and "silence: the text is empty" in done.stderr


@pytest.mark.parametrize("options, message", [
    (["--only-words"], "needs the words"), (["--words", ""], "there are none"), (["--words", "no/list.txt"], "no such file"),
    (["--beam", -1], "beam: -1 is out of range"), (["--lm", "nobody"], "no such model"), (["--lm", "band"], "not for language"),
    (["--start", 50], "no span"), (["-o", "x.doc"], "does not end in .txt"), (["--beam", 0, "--words", "a"], "beam: 0"),
    (["--words", "x" * 300 + ",yes", "--start", 50], "no span"), (["--words", "missing.csv"], "no such file"),
    (["-o", "-"], "is no file"), (["--end", "1e9"], "end: 1000000000.0 is out of range; it must be from 0 to 10000000"),
])  # fmt: skip
def test_what_cannot_be_done_is_one_line(voice, reader_checkpoint, options, message):
    lm = [] if "--lm" in options else ["--lm", "none"]
    done = run("transcribe", voice, "--model", reader_checkpoint, *lm, *options, code=1)
    assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_options_that_contradict_each_other(voice, plain):
    for options in (["--task", "music", *plain], [*plain, "--wav"], ["--words", "a", "--threshold", 0.5], ["-o", "x.mid", *plain]):
        assert "leave one of them out" in run("transcribe", voice, *options, code=2).stderr


def test_speech_is_found_by_listening(tmp_path):
    from melodia.detection.checkpoint import load_detector
    from melodia.detection.detect import detect

    for name, kind in (("voice", "speech"), ("piano", "music")):
        found = detect(EXAMPLES / f"{name}.flac", load_detector("detector"))
        assert found.kind == kind and found.sureness > 0.9 and not found.unsure
        assert detect(EXAMPLES / f"{name}.flac", load_detector("detector"), 1.0, 4.0).kind == kind


def test_music_is_found_by_listening(tmp_path):
    chords = [Note(i * PPQ, i * PPQ + 400, 48 + (i * 5) % 12 + k, 80) for i in range(24) for k in (0, 4, 7, 12)]
    waveform = render(Score([Part("Piano", 0, notes=chords)], [Tempo(0, 120.0)]))
    soundfile.write(tmp_path / "piano.wav", waveform, MUSIC_RATE)
    row = json.loads(run("transcribe", tmp_path / "piano.wav", "--json").stdout)
    assert row["task"] == "music" and row["sureness"] > 0.9 and row["midi"].endswith("piano.mid")
    done = run("transcribe", tmp_path / "piano.wav")
    assert re.search(r"sounds like music \(\d+%\); --task speech takes it for that", done.stderr)


def test_the_shipped_models_write_down_the_example(tmp_path):
    (tmp_path / "voice.flac").write_bytes((EXAMPLES / "voice.flac").read_bytes())
    text = (EXAMPLES / "voice.txt").read_text().strip()
    row = json.loads(run("transcribe", tmp_path / "voice.flac", "-o", tmp_path / "voice.json", "--json").stdout)
    assert row["task"] == "speech" and wer(spoken(text), row["text"]) < 0.3
    words = json.loads((tmp_path / "voice.json").read_text())["words"]
    onsets = [word["onset"] for word in words]
    assert onsets == sorted(onsets) and onsets[0] >= 0 and words[-1]["offset"] <= row["seconds"] + 0.05
    plain = json.loads(run("transcribe", tmp_path / "voice.flac", "--beam", 0, "--json", "--quiet").stdout)
    assert wer(spoken(text), plain["text"]) < 0.6
    (tmp_path / "voice.txt").write_text(text)
    report = json.loads(run("evaluate", tmp_path, "--json", "--quiet").stdout)
    assert report["recordings"] == 1 and report["wer"] == pytest.approx(wer(spoken(text), row["text"]), abs=1e-6)


def test_the_shipped_recogniser_takes_a_vocabulary(tmp_path):
    words = "rain,lamps,piano,house"
    options = ["--words", words, "--only-words", "-o", tmp_path / "voice.txt"]
    row = json.loads(run("transcribe", EXAMPLES / "voice.flac", *options, "--json").stdout)
    assert set(row["text"].split()) <= set(words.split(",")) and "rain" in row["text"]

"""`melodia speak` and `melodia sing`, with a small voice that has learnt nothing."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

import melodia
from melodia.audio import read_audio
from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.commands import main
from melodia.config import to_json
from melodia.errors import ConfigError, MelodiaError
from melodia.loudness import loudness
from melodia.synthesis.analysis import FEATURES, analyse
from melodia.synthesis.model import Voice, VoiceConfig
from melodia.synthesis.reading import Unit
from melodia.synthesis.song import set_to
from melodia.synthesis.spoken import words_of
from tests.commands.conftest import run

EXAMPLES = Path(__file__).parents[2] / "corpora" / "examples"


@pytest.fixture(scope="session")
def voice(tmp_path_factory):
    torch.manual_seed(0)
    config = VoiceConfig(reader_size=6, teller_size=8, painter_size=8, embedding_size=8, num_layers=(1, 1, 1))
    folder = tmp_path_factory.mktemp("voices") / "small"
    info = CheckpointInfo(domain="synthesis", model=to_json(config), title="untrained")
    save_checkpoint(folder, info, Voice(config).state_dict(), "# Untrained\n")
    return folder


@pytest.fixture
def speak(voice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, code=0: run("speak", "--voice", voice, *arguments, code=code)


def test_a_text_is_spoken(speak, tmp_path):
    done = speak("Hello, cat. A dog?", "-o", "out.wav", "--random-seed", 1, "--timings", "words.json", "--picture")
    assert done.stdout.split() == ["out.wav", "words.json", "out.png"] and done.stderr == ""
    info = soundfile.info("out.wav")
    assert (info.samplerate, info.channels, info.subtype) == (24_000, 1, "PCM_16")
    told = json.loads(Path("words.json").read_text())
    assert [w["text"] for w in told["words"]] == ["hello", "cat", "a", "dog"] and told["words"][0]["phonemes"] == "həlˈO"
    times = [t for w in told["words"] for t in (w["onset"], w["offset"])]
    assert times == sorted(times) and times[-1] < told["seconds"] == pytest.approx(info.duration, abs=0.001)
    assert Path("out.png").read_bytes()[:4] == b"\x89PNG"


def test_the_random_seed_is_told_and_repeats_the_file(speak):
    told = speak("A cat", "-o", "a.wav").stderr.split()
    assert told[:2] == ["random", "seed"]
    assert "random seed" not in speak("A cat", "-o", Path("a.wav") / "b.wav", code=1).stderr  # nothing was made
    speak("A cat", "-o", "b.wav", "--random-seed", told[2])
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


def test_takes_are_numbered_and_differ(speak):
    (one, two) = json.loads(
        speak("A cat", "-o", "o.flac", "--count", 2, "--timings", "t.json", "--json", "--random-seed", 4).stdout
    )
    assert (one["sound"], two["timings"], two["random_seed"]) == ("o-1.flac", "t-2.json", 5)
    assert Path("o-1.flac").read_bytes() != Path("o-2.flac").read_bytes()


def test_where_texts_come_from_and_where_speech_goes(speak, voice):
    Path("story.txt").write_text("\ufeffA cat", "utf-8")
    assert (
        speak("story.txt", "--quiet").stdout == "story.wav\n" and speak("--file", "story.txt", "-q").stdout == "story-take2.wav\n"
    )
    assert speak("A cat", "-q").stdout == "spoken.wav\n"
    piped = CliRunner().invoke(main, ["speak", "--voice", str(voice), "-q", "-o", "p.ogg"], input="A cat")
    assert piped.exit_code == 0 and soundfile.info("p.ogg").format == "OGG"
    streamed = CliRunner().invoke(main, ["speak", "A cat", "--voice", str(voice), "-q", "-o", "-", "--random-seed", "1"])
    speak("A cat", "-o", "same.wav", "--random-seed", 1)
    Path("streamed.wav").write_bytes(streamed.stdout_bytes)
    assert np.abs(read_audio("streamed.wav", 24_000) - read_audio("same.wav", 24_000)).max() < 2 / 2**15
    assert soundfile.read(io.BytesIO(streamed.stdout_bytes))[1] == 24_000


def test_phonemes_are_printed_and_read(speak):
    printed = speak("The light rain fell. A *cat*!", "--phonemes").stdout
    assert printed == "ðə lˈIt ɹˈAn fˈɛl.\nɐ *kˈæt*!\n"
    (row, _) = json.loads(speak("The light. A cat!", "--phonemes", "--json").stdout)
    assert row == {"text": "The light.", "words": ["the", "light"], "phonemes": "ðə lˈIt."}
    assert speak(printed, "--read-phonemes", "--phonemes").stdout == printed
    assert json.loads(speak(printed, "--read-phonemes", "--json").stdout)[0]["sentences"] == 2
    assert not Path("spoken-take2.wav").exists()


def test_markup_pauses_and_notices(speak):
    short, long = (
        json.loads(speak(text, "--json", "--temperature", 0).stdout)[0] for text in ("A cat. A dog", "A cat. [pause 5s] A dog")
    )
    assert long["seconds"] > short["seconds"] + 2
    done = speak("<speak>A <foo>cat</foo> мир</speak>", "--emphasis", "cat", "--emphasis", "dog", "--random-seed", 1)
    assert "<foo> is not known" in done.stderr and "left out" in done.stderr and "emphasis: 'dog' is not in the text" in done.stderr
    assert "'cat'" not in done.stderr
    assert speak("<p>cat</p>", "--no-markup", "--phonemes").stdout == speak("p cat p", "--phonemes").stdout


def test_how_it_is_said_makes_a_difference(speak):
    said = {}
    for name, options in {
        "": [],
        "rate": ["--rate", 2],
        "pitch": ["--pitch", 5],
        "cold": ["--temperature", 0],
        "word": ["--emphasis", "cat"],
    }.items():
        speak("A cat and a dog", "-o", f"x{name}.wav", "--random-seed", 1, *options)
        said[name] = soundfile.read(f"x{name}.wav")[0]
    silence = 0.35 * 24_000  # around it
    assert len(said["rate"]) - silence < 0.8 * (len(said[""]) - silence)
    assert all(len(said[k]) != len(said[""]) or not np.array_equal(said[k], said[""]) for k in said if k)


@pytest.mark.parametrize("arguments, message", [
    (["..."], "nothing in it that can be read aloud"), (["A", "--rate", 5], "rate: 5.0"), (["A", "--pitch", -25], "pitch: -25"),
    (["A", "--count", 0], "count"), (["A", "--temperature", 9], "temperature"), (["A", "-o", "x.doc"], "does not end in .wav"),
    (["A", "-o", "."], "is a folder"), (["no.txt"], "no.txt: cannot be read"), (["A", "-o", "-", "--count", 2], "stdout"),
    (["<speak>A</b>"], "line 1, column"), (["q7", "--read-phonemes"], "no phoneme"), (["A", "--random-seed", -1], "random_seed"),
    (["A", "--device", "warp"], "device"), (["A", "--timings", "."], "timings: . is a folder"), (["A", "--timings", "-"], "timings: -"),
    (["A", "-o", "o.wav", "--timings", "o.wav"], "the name of the sound"), (["A", "-o", "x.txt/y.wav"], "x.txt"),
])  # fmt: skip
def test_refusals_are_one_line_and_leave_no_file(speak, arguments, message):
    Path("x.txt").write_bytes(b"\xff\x00")
    before = sorted(Path().iterdir())
    done = speak(*arguments, "-q", code=1)
    assert message in done.stderr and len(done.stderr.splitlines()) == 1 and sorted(Path().iterdir()) == before


def test_no_text_in_utf8(speak):
    Path("x.txt").write_bytes(b"caf\xe9")
    assert "no text in UTF-8 (byte 4)" in speak("x.txt", code=1).stderr
    Path("x.txt").write_text("A cat", "utf-16")
    assert speak("x.txt", "--phonemes").stdout == "ɐ kˈæt.\n"


def test_an_interruption_leaves_what_was_there(voice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("out.wav").write_bytes(b"before")

    def interrupted(*_):
        raise KeyboardInterrupt

    import melodia.synthesis.spoken as spoken

    monkeypatch.setattr(spoken, "speak_sentence", interrupted)
    assert CliRunner().invoke(main, ["speak", "A cat", "-o", "out.wav", "--voice", str(voice)]).exit_code == 1
    assert Path("out.wav").read_bytes() == b"before" and [p.name for p in Path().iterdir()] == ["out.wav"]


def test_sing(voice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    common = ["sing", EXAMPLES / "lyrics.txt", "--melody", EXAMPLES / "tune.mid", "--voice", voice, "--random-seed", 3]
    done = run(*common, "--json", "--timings", "w.json", "--picture")
    row = json.loads(done.stdout)
    assert (row["sound"], row["notes"], row["words"], row["picture"]) == ("lyrics.wav", 32, 23, "lyrics.png")
    words = json.loads(Path("w.json").read_text())["words"]
    assert words[0]["text"] == "morning" and words[0]["phonemes"] == "mˈɔɹnɪŋ" and "later" in done.stderr
    assert row["seconds"] == pytest.approx(melodia.Score.read(EXAMPLES / "tune.mid").seconds + row["lead"] + 0.3, abs=0.05)
    higher = json.loads(run(*common, "--json", "--transpose", 2, "-o", "b.wav", "--tempo", 192, "-q").stdout)
    assert higher["transposed"] == 2 and higher["seconds"] < 0.6 * row["seconds"]
    for wrong, message in (
        (["--part", "flute"], "the parts are: 1 Melody"),
        (["--vibrato", 900], "vibrato"),
        (["--tempo", 1], "tempo"),
    ):
        assert message in run(*common, *wrong, code=1).stderr
    assert "random seed" not in run(*common[:-2], "-o", "lyrics.wav/x.wav", code=1).stderr
    assert "syllables for 32 notes" in run("sing", "la " * 40, "--melody", EXAMPLES / "tune.mid", "--voice", voice, code=1).stderr


def test_the_library_speaks_and_sings(voice, tmp_path):
    speech = melodia.speak("A cat. Мир!", voice=voice, emphasis=["cat"], random_seed=2)
    assert speech.waveform.dtype == np.float32 and speech.sample_rate == 24_000 and "left out" in speech.messages[0]
    assert [w.text for w in speech.words] == ["a", "cat"] and speech.write(tmp_path / "a.mp3").stat().st_size > 1000
    score = melodia.Score.read(EXAMPLES / "jig.mid")
    song = melodia.sing("la la la __", score, voice=voice)
    assert [w.text for w in song.words] == ["la", "la", "la"] and "no words; --repeat begins" in song.messages[-1]
    pretty = melodia.sing("la la la __", score.to_pretty_midi(), voice=voice)
    assert len(pretty.waveform) == len(song.waveform) and pretty.messages == song.messages
    for work in (melodia.sing, lambda _, seed: melodia.generate(seed)):
        with pytest.raises(ConfigError, match="list is none; give a file, a Score or a PrettyMIDI"):
            work("la", [60, 62])
    with pytest.raises(MelodiaError, match="cannot be read"):
        melodia.speak(tmp_path / "no.txt", voice=voice)
    with pytest.raises(ConfigError, match="rate"):
        melodia.speak("A", voice=voice, rate=100)


def test_words_that_are_held_have_their_phonemes_once():
    units = [Unit("l", word=0), Unit("ɑ", 1, 0), Unit("ɑ", 1, 0), Unit(","), Unit("ɑ", 1, 0), Unit("l", word=1), Unit("ɑ", 1, 1)]
    spans = [(float(i), i + 1.0) for i in range(7)]
    found = words_of(["la", "la"], units, spans, later=10.0)
    assert [(w.phonemes, w.onset, w.offset) for w in found] == [("lˈɑ", 10, 15), ("lˈɑ", 15, 17)]


def test_the_recogniser_hears_what_the_voice_says(tmp_path):
    text = "The old man walked slowly down to the river, and nobody saw him again."
    run("speak", text, "-o", tmp_path / "said.wav", "--random-seed", 1, "--quiet")
    run("transcribe", tmp_path / "said.wav", "-o", tmp_path / "said.txt", "--task", "speech", "--quiet")
    heard = (tmp_path / "said.txt").read_text().split()
    wanted = text.lower().replace(",", "").replace(".", "").split()
    assert jiwer.wer(" ".join(wanted), " ".join(heard)) < 0.35
    assert loudness(read_audio(tmp_path / "said.wav", 24_000), 24_000) == pytest.approx(-23, abs=0.5)


def test_takes_of_the_voice_differ_and_the_likeliest_does_not():
    lively = [melodia.speak("Was it you?", temperature=1.0, random_seed=seed) for seed in (0, 1)]
    plain = [melodia.speak("Was it you?", temperature=0.0, random_seed=seed) for seed in (0, 1)]
    assert [w.text for w in lively[0].words] == [w.text for w in lively[1].words]
    assert [w.onset for w in lively[0].words] != [w.onset for w in lively[1].words]
    frames = min(len(speech.pitch) for speech in plain)  # the noise in the voice moves its end by a frame or two
    assert abs(plain[0].seconds - plain[1].seconds) < 0.05
    assert [word[:3] for word in plain[0].words] == [word[:3] for word in plain[1].words]
    assert np.array_equal(plain[0].pitch[:frames], plain[1].pitch[:frames])


def test_the_voice_sings_the_notes(tmp_path):
    run(
        "sing",
        EXAMPLES / "lyrics.txt",
        "--melody",
        EXAMPLES / "tune.mid",
        "-o",
        tmp_path / "sung.wav",
        "--random-seed",
        1,
        "--quiet",
    )
    waveform = read_audio(tmp_path / "sung.wav", 24_000)
    song = set_to((EXAMPLES / "lyrics.txt").read_text("utf-8"), melodia.Score.read(EXAMPLES / "tune.mid"))
    right = []
    for note in song.notes[:12]:
        hertz = 440 * 2 ** ((note.pitch - 69) / 12)
        heard = analyse(waveform, np.full(FEATURES.num_frames(len(waveform)), hertz, np.float32)).pitch
        heard = heard[round((note.onset + 0.02) * 100) : round((note.offset - 0.15) * 100)]
        right += list(np.abs(1200 * np.log2(np.maximum(heard, 1) / hertz)) < 30)
    assert np.mean(right) > 0.8


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process")
def test_a_signal_leaves_nothing_half_said(voice, tmp_path):
    command = [sys.executable, str(EXAMPLES.parents[1] / "cli.py"), "speak", "--file", "-", "--voice", str(voice), "-o", "long.wav"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdin.write("It rained and rained. " * 20_000)
        process.stdin.close()
        for _ in range(600):
            if any(tmp_path.iterdir()):
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        told = process.stderr.read()
        assert process.wait(timeout=60) == 1 and "Traceback" not in told and not any(tmp_path.iterdir())

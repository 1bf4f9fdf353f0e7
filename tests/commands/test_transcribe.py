"""`melodia transcribe`, with the model that ships on a rendered piano and with a small one on tones."""

import csv
import json

import numpy as np
import pytest
import soundfile

from melodia.render import SAMPLE_RATE, render
from melodia.score import PPQ, Note, Part, Score, Tempo
from melodia.soundfiles import write_sound
from melodia.transcription.evaluate import score_notes
from melodia.transcription.notes import read_notes
from tests.commands.conftest import run
from tests.transcription.conftest import RATE, played, scale


@pytest.fixture
def clip(tmp_path):
    soundfile.write(tmp_path / "clip.wav", played(scale(), 8.0), RATE)
    return tmp_path / "clip.wav"


@pytest.fixture(scope="session")
def piano(tmp_path_factory):
    """Eight bars for two hands, played by the synthesiser that comes along."""
    right = [Note(i * PPQ // 2, i * PPQ // 2 + 220, 64 + (i * 5) % 13, 60 + (i * 7) % 40) for i in range(64)]
    left = [Note(i * PPQ * 2, i * PPQ * 2 + 900, 43 + (i * 7) % 12 + k, 70) for i in range(16) for k in (0, 4, 7)]
    score = Score([Part("Piano", 0, notes=right + left)], [Tempo(0, 112.0)])
    path = tmp_path_factory.mktemp("piano") / "piano.wav"
    write_sound(path, render(score), SAMPLE_RATE)
    score.write(path.with_suffix(".mid"))
    return path


def test_a_piano_is_written_down(piano, tmp_path):
    done = run("transcribe", piano, "-o", tmp_path / "out.mid", "--json")
    row = json.loads(done.stdout)
    scores = score_notes(read_notes(piano.with_suffix(".mid")), read_notes(tmp_path / "out.mid"))
    assert scores["onset_50"] > 0.9 and scores["frames"] > 0.6, scores
    assert row["tempo_bpm"] == pytest.approx(112, rel=0.02) and row["notes"] > 90
    score = Score.read(tmp_path / "out.mid")
    late = [n.onset_ticks % 240 for n in score.parts[0].notes]
    assert np.median(np.minimum(late, 240 - np.array(late))) < 20  # the grid fits


def test_every_output_at_once(clip, small_checkpoint, tmp_path):
    arguments = ["--model", small_checkpoint, "--wav", "--picture", "--notes", tmp_path / "clip.csv"]
    done = run("transcribe", clip, *arguments)
    midi, wav, picture, _ = done.stdout.splitlines()
    assert midi == str(tmp_path / "clip.mid") and read_notes(tmp_path / "clip.mid").shape[0] > 10
    assert soundfile.info(wav).samplerate == 44_100 and wav.endswith("clip-rendered.wav")
    assert picture.endswith("clip.png") and (tmp_path / "clip.png").read_bytes()[:4] == b"\x89PNG"
    with (tmp_path / "clip.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 10 and set(rows[0]) == {"onset", "offset", "pitch", "velocity"}
    assert "quarter notes a minute" in done.stderr
    again = run("transcribe", clip, "--model", small_checkpoint, "--quiet")
    assert again.stdout.strip() == str(tmp_path / "clip-take2.mid") and not again.stderr  # the first is kept


def test_options_change_what_they_say(clip, small_checkpoint, tmp_path):
    def heard(*options):
        run("transcribe", clip, "--model", small_checkpoint, "-o", tmp_path / "o.mid", "--quiet", *options)
        return Score.read(tmp_path / "o.mid")

    assert heard("--tempo", 75).tempos[-1].tempo_bpm == pytest.approx(75, abs=0.01)
    assert heard("--tempo", "auto").tempos[-1].tempo_bpm == pytest.approx(150, rel=0.03)
    assert {n.onset_ticks % 120 for n in heard("--quantize", "1/16").parts[0].notes} == {0}
    assert heard("--start", 4, "--end", 6).num_notes < heard().num_notes / 2
    assert heard("--threshold", 0.9).num_notes < heard("--threshold", 0.05).num_notes


def test_the_pedal_is_written_if_asked_for(clip, small_checkpoint, tmp_path, monkeypatch):
    from melodia.transcription import decode

    plain = decode.Decoder.finish

    def finish(self):
        notes = plain(self)
        self.pedal[:] = [(1.0, 2.0)]
        return notes

    monkeypatch.setattr(decode.Decoder, "finish", finish)
    for flag, wanted in (("--pedal", [127, 0]), ("--no-pedal", [])):
        run("transcribe", clip, "--model", small_checkpoint, "-o", tmp_path / "o.mid", flag)
        controls = [c.value for c in Score.read(tmp_path / "o.mid").parts[0].controls if c.number == 64]
        assert controls[:2] == wanted


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_at_once_and_a_bad_one_among_them(clip, small_checkpoint, tmp_path, jobs):
    soundfile.write(tmp_path / "other.flac", played(scale(5.0, 50), 5.0), RATE)
    (tmp_path / "bad.wav").write_text("no sound")
    paths = [tmp_path / "bad.wav", clip, tmp_path / "other.flac"]
    done = run("transcribe", *paths, "-o", tmp_path / "out", "--model", small_checkpoint, "--jobs", jobs, "--json", code=1)
    rows = json.loads(done.stdout)
    assert "no sound file" in rows[0]["error"] and "1 of 3 recordings" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["clip.mid", "other.mid"]
    assert all(row["notes"] > 5 for row in rows[1:])


def test_patterns_and_names_that_clash(clip, small_checkpoint, tmp_path):
    soundfile.write(tmp_path / "clip.flac", played(scale(), 8.0), RATE)
    run("transcribe", str(tmp_path / "clip.*"), "--model", small_checkpoint, "--quiet")
    assert {p.name for p in tmp_path.glob("*.mid")} == {"clip.mid", "clip-take2.mid"}
    assert "nothing fits" in run("transcribe", str(tmp_path / "*.ogg"), code=1).stderr


def test_what_was_there_is_kept(clip, small_checkpoint, tmp_path):
    for name in ("x.png", "x-rendered.wav"):
        (tmp_path / name).write_text("precious")
    done = run("transcribe", clip, "-o", tmp_path / "x.mid", "--picture", "--wav", "--model", small_checkpoint, "--quiet")
    assert (tmp_path / "x.png").read_text() == (tmp_path / "x-rendered.wav").read_text() == "precious"
    assert sorted(done.stdout.split()) == sorted(str(tmp_path / n) for n in ("x.mid", "x-take2.png", "x-rendered-take2.wav"))


def test_one_path_that_leads_nowhere_does_not_end_the_others(clip, small_checkpoint, tmp_path):
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    done = run("transcribe", tmp_path / "loop.wav", clip, "--model", small_checkpoint, code=1)
    assert (tmp_path / "clip.mid").is_file() and "1 of 2 recordings" in done.stderr


def test_silence_is_an_empty_file_and_a_line(small_checkpoint, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(2 * RATE, np.float32), RATE)
    done = run(
        "transcribe", tmp_path / "silent.wav", "--model", small_checkpoint, "--wav", "--picture", "--notes", tmp_path / "n.tsv"
    )
    assert "silence" in done.stderr
    import mido

    assert not [m for m in mido.MidiFile(tmp_path / "silent.mid") if m.type == "note_on"]
    assert read_notes(tmp_path / "n.tsv").shape == (0, 4)


@pytest.mark.parametrize("options, message", [
    (["--start", 9], "lasts 8.00 s"), (["--end", -1], "end"), (["--threshold", 3], "threshold"), (["--tempo", "fast"], "tempo: 'fast'"),
    (["--quantize", "1/5"], "quantize: '1/5'"), (["-o", "x.xyz"], "does not end in .mid"), (["--notes", "n.xls"], "name a file that ends in .csv"),
    (["--model", "band"], "must be for transcription or recognition"), (["--model", "nobody"], "no such model"), (["--jobs", 0], "jobs"),
])  # fmt: skip
def test_what_cannot_be_done_is_one_line(clip, small_checkpoint, tmp_path, options, message):
    model = [] if "--model" in options else ["--model", small_checkpoint]
    done = run("transcribe", clip, *model, *options, code=1)
    assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("*.mid"))


def test_a_recording_is_never_written_over(clip, small_checkpoint, tmp_path):
    rendered = clip.with_name("new-rendered.wav")
    clip.rename(rendered)
    before = rendered.read_bytes()
    run("transcribe", rendered, "-o", tmp_path / "new.mid", "--wav", "--model", small_checkpoint)
    assert rendered.read_bytes() == before and (tmp_path / "new-rendered-take2.wav").is_file()
    assert "name a folder" in run("transcribe", rendered, tmp_path / "b.wav", "-o", tmp_path / "x.mid", code=1).stderr
    run("transcribe", rendered, "-o", tmp_path / "new", "--model", small_checkpoint, "--quiet")
    assert (tmp_path / "new" / "new-rendered.mid").is_file()  # a name without suffix is a folder


def test_tables_of_recordings_of_one_name_stay_apart(clip, small_checkpoint, tmp_path):
    (tmp_path / "b").mkdir()
    soundfile.write(tmp_path / "b" / "clip.wav", played(scale(5.0, 50), 5.0), RATE)
    run("transcribe", clip, tmp_path / "b" / "clip.wav", "--notes", tmp_path / "tables", "--model", small_checkpoint, "--quiet")
    tables = sorted((tmp_path / "tables").iterdir())
    assert len(tables) == 2 and tables[0].read_text() != tables[1].read_text()


def test_what_was_written_before_a_failure_is_told(clip, small_checkpoint, tmp_path, monkeypatch):
    from melodia.errors import AudioError

    def fail(score):
        raise AudioError("no synthesiser")

    monkeypatch.setattr("melodia.render.render", fail)
    done = run("transcribe", clip, "--wav", "--model", small_checkpoint, code=1)
    assert done.stdout.strip() == str(tmp_path / "clip.mid") and "no synthesiser" in done.stderr


def test_a_recording_is_a_seed(clip, tiny_checkpoint, small_checkpoint, tmp_path, monkeypatch):
    from melodia.transcription.checkpoint import load_transcriber

    monkeypatch.setattr("melodia.api.listening.load_transcriber", lambda name: load_transcriber(small_checkpoint))
    run("generate", "--seed", clip, "--bars", 2, "--model", tiny_checkpoint, "-o", tmp_path / "on.mid", "--random-seed", 1)
    score = Score.read(tmp_path / "on.mid")
    assert {60, 62, 64} <= {n.pitch for part in score.parts for n in part.notes}
    soundfile.write(tmp_path / "silent.wav", np.zeros(2 * RATE, np.float32), RATE)
    assert "nothing to continue" in run("generate", "--seed", tmp_path / "silent.wav", "--model", tiny_checkpoint, code=1).stderr

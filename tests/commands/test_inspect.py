import json
import shutil

import pytest
from click.testing import CliRunner

from melodia.commands import main
from melodia.score import Note, Part, Score


def run(*arguments, code=0):
    outcome = CliRunner().invoke(main, ["inspect", *map(str, arguments)])
    assert outcome.exit_code == code, outcome.output + repr(outcome.exception)
    return outcome


@pytest.fixture
def piece(song, tmp_path):
    return song.write(tmp_path / "song.mid")


def test_page_pictures_and_table(piece, tiny_checkpoint, tmp_path):
    outcome = run(tiny_checkpoint, piece, "-o", tmp_path / "look")
    paths = [tmp_path / "look" / name for name in ("index.html", "overview.png", "units.png")]
    assert outcome.stdout.split()[:3] == [str(path) for path in paths] and outcome.stderr == ""
    assert sorted(path.name for path in (tmp_path / "look").iterdir()) == sorted(path.name for path in paths)
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in paths[1:])
    assert "place in the bar" in outcome.stdout and "nats a note over 40 notes" in outcome.stdout
    assert ">tiny<" not in paths[0].read_text("utf-8")  # names are data


def test_as_json(piece, tiny_checkpoint, tmp_path):
    content = json.loads(run(tiny_checkpoint, piece, "-o", tmp_path / "look", "--json", "--top", 2, "--layer", 2).stdout)
    assert content["page"] == str(tmp_path / "look" / "index.html")
    follows = content["units"]["place in the bar"]
    assert len(follows["units"]) == 2 and 0 < follows["chance"] <= 1 and follows["units"][0]["layer"] in (1, 2)
    assert len(content["notes"]) == 40
    mean = sum(note["nats"] for note in content["notes"]) / 40
    assert mean == pytest.approx(content["nats_a_note"], abs=1e-3)
    assert sum(content["nats_by_attribute"].values()) == pytest.approx(mean, abs=1e-3)
    assert content["nats_a_note_with_bars_and_parts"] > mean


def test_bars_and_a_name_that_is_a_script(tiny_checkpoint, tmp_path):
    part = Part("<script>alert(1)</script>", notes=[Note(i * 480, i * 480 + 400, 60 + i % 5, 90) for i in range(24)])
    path = Score([part]).write(tmp_path / "evil.mid")
    content = json.loads(run(tiny_checkpoint, path, "-o", tmp_path / "look", "--bars", "2-3", "--json").stdout)
    assert content["facts"][0] == "bars 2–3" and len(content["notes"]) == 8
    text = (tmp_path / "look" / "index.html").read_text("utf-8")
    assert "<script>alert" not in text and "\\u003cscript>alert" in text


def test_the_folder_has_a_name_by_default(piece, tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(tiny_checkpoint, piece, "--quiet", "--bars", 4, "--layer", 1)
    assert (tmp_path / "song-inspect" / "index.html").is_file()


@pytest.mark.parametrize(
    "options, message",
    [
        (["--bars", "9"], "bars: 9 is past the end; there are 4 bars"),
        (["--bars", "3-2"], "bars: 3-2 is no range"),
        (["--bars", "x"], "bars: 'x' is no range of bars"),
        (["--layer", "3"], "layer: 3 is out of range"),
        (["--top", "0"], "top: 0 is out of range"),
        (["--device", "cuda:99"], "device: 'cuda:99' cannot be used"),
    ],
)
def test_bad_options_are_one_line_and_write_nothing(piece, tiny_checkpoint, tmp_path, options, message):
    outcome = run(tiny_checkpoint, piece, "-o", tmp_path / "look", *options, code=1)
    assert outcome.stderr.startswith("melodia: ") and outcome.stderr.count("\n") == 1 and message in outcome.stderr
    assert outcome.stdout == "" and not (tmp_path / "look").exists()


def test_what_cannot_be_read(piece, tiny_checkpoint, tmp_path):
    wave, text = tmp_path / "clip.wav", tmp_path / "text.mid"
    wave.write_bytes(b"RIFF")
    shutil.copy(__file__, text)
    assert "clip.wav: a sound file" in run(tiny_checkpoint, wave, code=1).stderr
    assert "reads MIDI" in run(tiny_checkpoint, wave, code=1).stderr
    assert "not a MIDI file" in run(tiny_checkpoint, text, "-o", tmp_path / "look", code=1).stderr
    assert "nobody: no such model" in run("nobody", piece, code=1).stderr
    assert "is a file; name a folder" in run(tiny_checkpoint, piece, "-o", text, code=1).stderr
    assert not (tmp_path / "look").exists()

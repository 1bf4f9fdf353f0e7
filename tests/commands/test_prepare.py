import json
import tarfile

import pytest

from melodia.corpus import Corpus
from tests.commands.conftest import run
from tests.composition.test_prepare import tune


def test_it_counts_and_takes_up_what_is_there(corpus, tmp_path):
    again = json.loads(run("prepare", tmp_path / "music", "-o", corpus, "--held-out", 0.3, "--json").stdout)
    assert (again["pieces"], again["rejected"], again["read"]) == (12, 1, 0)
    assert sum(again["splits"].values()) == 12 and again["notes"] == 12 * 60
    tune(50).write(tmp_path / "music" / "new.mid")
    outcome = run("prepare", tmp_path / "music", "-o", corpus, "--as", "events", "--quiet")
    assert outcome.stdout.startswith(f"{corpus}: 13 pieces (") and outcome.stdout.endswith("; 1 files read\n")
    assert outcome.stderr == ""


def test_an_archive_and_a_list(corpus, tmp_path):
    with tarfile.open(tmp_path / "music.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "music", arcname="music")
    counts = json.loads(run("prepare", tmp_path / "music.tar.gz", "-o", tmp_path / "a", "--json").stdout)
    assert (counts["pieces"], counts["rejected"]) == (12, 1)
    (tmp_path / "best.txt").write_text("music/1.mid\nmusic/2.mid\nmusic/3.mid\n")
    counts = json.loads(run("prepare", f"best={tmp_path / 'best.txt'}", "-o", tmp_path / "b", "--json").stdout)
    assert counts["splits"] == {"train": 1, "valid": 1, "test": 1}
    assert {r.source for r in Corpus(tmp_path / "b").records()} == {"best"}


def test_a_recipe_that_is_not_on_the_disk_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODIA_CORPORA", str(tmp_path / "corpora"))
    monkeypatch.chdir(tmp_path)
    outcome = run("prepare", "maestro", "-o", tmp_path / "out", code=1)
    assert "maestro" in outcome.stderr and "https://" in outcome.stderr and len(outcome.stderr.splitlines()) == 1
    tune(1).write(tmp_path / "corpora" / "pop909" / "POP909" / "001" / "001.mid")
    assert json.loads(run("prepare", "pop909", "-o", tmp_path / "out", "--json").stdout)["pieces"] == 1


@pytest.mark.parametrize(
    "options, code, message",
    [
        (["--held-out", 2], 1, "held_out: 2.0 is out of range"),
        (["--jobs", 0], 1, "jobs: 0 is out of range"),
        (["--bands", 99], 1, "bands: 99 is out of range"),
        (["--engine", "spark"], 1, "engine: 'spark' is not known"),
        (["--as", "pictures"], 2, "'pictures' is not"),
        (["--bands", 1], 1, "prepared, but without arrangements: --bands needs songs and drum takes; there are no drums in 4/4"),
    ],
)
def test_refusals(corpus, tmp_path, options, code, message):
    assert message in run("prepare", tmp_path / "music", "-o", tmp_path / "out", *options, code=code).stderr


def test_folders_of_other_files_are_never_touched(corpus, tmp_path):
    music = tmp_path / "music"
    before = sorted(music.iterdir())
    for target in (music, tmp_path, music / "1.mid"):
        assert "name a new folder" in run("prepare", music, "-o", target, code=1).stderr
    assert sorted(music.iterdir()) == before
    assert (
        "fsdd: a corpus for recognition; events are made for composition"
        in run("prepare", f"fsdd={music}", "-o", tmp_path / "x", code=1).stderr
    )
    assert "no such folder or file" in run("prepare", tmp_path / "gone", "-o", tmp_path / "x", code=1).stderr
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "a.wav").write_bytes(b"RIFF")
    assert (
        "no files of .kar, .mid, .midi in it, but 1 others (.wav)"
        in run("prepare", tmp_path / "sounds", "-o", tmp_path / "x", code=1).stderr
    )

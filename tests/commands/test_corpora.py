import json

import pytest
from click.testing import CliRunner

from melodia.commands import main
from melodia.recipe import recipe_names
from tests.test_fetch import ZIP, server  # noqa: F401


def run(*arguments, code=0):
    outcome = CliRunner().invoke(main, ["corpora", *(str(a) for a in arguments)])
    assert outcome.exit_code == code, outcome.output + repr(outcome.exception)
    return outcome


@pytest.fixture(autouse=True)
def corpora(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODIA_CORPORA", str(tmp_path / "corpora"))
    return tmp_path / "corpora"


@pytest.fixture
def mine(server, tmp_path):  # noqa: F811
    archive = server.archive("set.zip", ZIP)
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "Mine"\ndomain = "composition"\nlicence = "CC0-1.0"\nsuffixes = [".mid"]\n[[archive]]\n'
        f'url = "{archive.url}"\nsha256 = "{archive.sha256}"\nbytes = {archive.bytes}\n'
    )
    return path


def test_the_list(corpora):
    text = run().stdout
    assert all(name in text for name in recipe_names()) and str(corpora) in text
    assert "yes" not in text and "CC-BY-NC-SA-4.0" in text and "OpenScore Lieder" in text
    assert max(len(line) for line in text.splitlines()[:-1]) <= 110
    (corpora / "jsb" / "train").mkdir(parents=True)
    (corpora / "jsb" / "train" / "a.mid").write_text("MThd")
    assert "jsb          yes" in run().stdout


def test_the_list_as_json():
    rows = json.loads(run("--json").stdout)
    assert [row["name"] for row in rows] == recipe_names()
    assert all(row["on_disk"] is False and row["prepare"] and row["get"] for row in rows)


@pytest.mark.parametrize("name", recipe_names())
def test_all_about_one(name, corpora):
    text = run(name).stdout
    assert str(corpora / name) in text and f"melodia prepare {name}={corpora / name} -o prepared-{name}" in text
    row = json.loads(run(name, "--json").stdout)
    assert row["name"] == name and row["licence"] in text and all(a["sha256"] in text for a in row["archives"])


def test_fetch_into_a_folder(mine, server, tmp_path):  # noqa: F811
    outcome = run(mine, "--fetch", "--into", tmp_path / "there")
    assert outcome.stdout == f"{tmp_path / 'there' / 'mine'}\n"
    assert outcome.stderr.splitlines() == [
        "licence CC0-1.0.",
        f"next: melodia prepare mine={tmp_path / 'there' / 'mine'} -o prepared-mine",
    ]
    assert (tmp_path / "there" / "mine" / "set" / "set" / "a.mid").is_file()
    row = json.loads(run(mine, "--fetch", "--into", tmp_path / "there", "--json").stdout)
    assert row["on_disk"] is True and row["parts_on_disk"] == ["set"] and server.requests == ["/set.zip"]
    assert f"here    yes, in {tmp_path / 'there' / 'mine'}" in run(mine, "--into", tmp_path / "there").stdout


def test_fetch_quietly_into_the_default_folder(mine, corpora):
    outcome = run(mine, "--fetch", "--quiet")
    assert outcome.stdout == f"{corpora / 'mine'}\n" and outcome.stderr == ""


def test_failures_are_one_line_and_exit_1(mine, server, tmp_path, corpora):  # noqa: F811
    server.files["/set.zip"] = b"something else"
    outcome = run(mine, "--fetch", code=1)
    assert outcome.stderr.count("\n") == 1 and "instead of" in outcome.stderr and outcome.stdout == ""
    server.files.clear()
    assert "404" in run(mine, "--fetch", code=1).stderr
    assert not corpora.exists() or not list(corpora.iterdir())
    words = run("commonvoice", "--fetch", code=1).stderr
    assert words.count("\n") == 1 and "mozilladatacollective.com" in words and str(corpora / "commonvoice") in words
    assert "pip install music21" in run("music21", "--fetch", code=1).stderr
    assert "no such recipe; there are" in run("nothing", code=1).stderr
    assert "no part 'x'; there are midi, audio" in run("maestro", "--fetch", "--part", "x", code=1).stderr
    mine.write_text("title = 3")
    assert "mine.toml: title: 3 must be a text" in run(mine, code=1).stderr


def test_misuse_is_exit_2():
    assert "--fetch needs a NAME" in run("--fetch", code=2).stderr
    assert "--part needs --fetch" in run("maestro", "--part", "midi", code=2).stderr

"""Error rates by hand, and of a folder."""

import json

import numpy as np
import pytest
import soundfile

from melodia.errors import CorpusError
from melodia.features import MelConfig
from melodia.recognition.evaluate import Item, aligned, error_rates, evaluate, items_of_folder
from tests.commands.conftest import run


def test_rates_are_of_all_words_together():
    rates = error_rates(["the cat sat on the mat", "no"], ["the cat sat on mat now", "no"])
    assert rates["wer"] == pytest.approx(2 / 7)
    assert error_rates(["cat", "dog"], ["cut", "dogs"])["cer"] == pytest.approx(2 / 6)
    assert error_rates(["a b c"], ["a b c"]) == {"wer": 0.0, "cer": 0.0}
    assert error_rates(["a b"], [""])["wer"] == 1.0
    assert error_rates(["", "a"], ["b", "a"])["wer"] == 1.0  # a word where nothing was said


def test_an_alignment_shows_what_was_heard_for_what():
    row = {"recording": "x", "wer": 0.5, "reference": "the cat sat on", "hypothesis": "a cat sat on now"}
    theirs, ours, marks = aligned(row)["alignment"]
    assert theirs.split() == ["the", "cat", "sat", "on", "***"] and ours.split() == ["a", "cat", "sat", "on", "now"]
    assert marks.split() == ["S", "I"] and len(marks) <= len(ours)
    assert marks.index("S") == ours.index("a") and ours.index("now") <= marks.index("I") < ours.index("now") + 3


def test_what_cannot_be_heard_is_told_and_the_rest_counts(speech):
    (speech / "broken.wav").write_text("x")
    (speech / "broken.txt").write_text("bed")
    items = items_of_folder(speech, MelConfig())

    def hear(item):
        list(item.spectrogram())
        return item.reference

    report = evaluate(hear, items)
    assert report["wer"] == 0 and report["right"] == 1 and report["recordings"] == 12 and report["worst"] == []
    assert [row["recording"] for row in report["rows"] if "error" in row] == ["broken.wav"]


def test_a_folder_without_texts(tmp_path):
    with pytest.raises(CorpusError, match="no recordings with their texts beside them"):
        items_of_folder(tmp_path, MelConfig())


def test_nothing_that_can_be_heard_is_no_score(tmp_path, reader_checkpoint):
    (tmp_path / "a.wav").write_text("x")
    soundfile.write(tmp_path / "b.wav", np.zeros(0), 16_000)
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("bed")
    done = run("evaluate", tmp_path, "--model", reader_checkpoint, "--lm", "none", "--json", "--quiet", code=1)
    assert not done.stdout and "a.wav: no sound file" in done.stderr and "b.wav: there is no sound in it" in done.stderr
    done = run("evaluate", tmp_path, "--model", reader_checkpoint, "--only-words", code=1)
    assert "needs the words" in done.stderr
    for place, what in (("nowhere", "no such folder"), ("a.wav", "no folder")):
        assert what in run("evaluate", tmp_path / place, code=1).stderr
    (tmp_path / "empty").mkdir()
    assert "neither a prepared corpus, nor recordings" in run("evaluate", tmp_path / "empty", code=1).stderr


def test_from_the_command_line(speech, reader_checkpoint):
    done = run("evaluate", speech, "--model", reader_checkpoint, "--lm", "none", "--json", "--quiet")
    report = json.loads(done.stdout)
    assert report["recordings"] == 12 and report["wer"] < 0.3 and report["compute"] > 0
    assert len(report["rows"]) == 12 and report["rows"][0]["reference"]
    done = run("evaluate", speech, "--model", reader_checkpoint, "--lm", "none", "--beam", 0)
    assert "words wrong" in done.stdout and "seconds of compute a second of audio" in done.stdout


def test_the_worst_come_first():
    items = [Item(str(i), "a b c d", lambda: [], 1.0) for i in range(12)]
    report = evaluate(lambda item: "a b c d"[: 2 * int(item.name)], items)
    assert [row["recording"] for row in report["worst"]] == ["0", "1", "2", "3"] and report["worst"][0]["wer"] == 1.0
    assert report["seconds"] == 12 and report["right"] == pytest.approx(8 / 12)
    empty = evaluate(lambda item: "", [])
    assert empty["recordings"] == 0 and empty["wer"] == 0


def test_a_prepared_corpus(speech, reader_checkpoint, tmp_path):
    run("prepare", speech, "-o", tmp_path / "corpus", "--as", "words", "--held-out", 0.2, "--quiet")
    done = run("evaluate", tmp_path / "corpus", "--model", reader_checkpoint, "--lm", "none", "--quiet", code=1)
    assert "prepared with other features" in done.stderr
    done = run("evaluate", speech, "--split", "test", code=2)
    assert "--split is of prepared corpora" in done.stderr
    done = run("evaluate", speech, "--seeds", 3, code=2)
    assert "--seeds is of composition" in done.stderr

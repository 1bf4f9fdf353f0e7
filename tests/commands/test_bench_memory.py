import json
import math

import pytest
from click.testing import CliRunner

from melodia.commands import main
from melodia.probes import gradients, train

QUICK = ["--tasks", "recall", "--lengths", "6,12", "--parameters", "3000", "--iterations", "60"]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(train, "HELD_OUT", 200)
    monkeypatch.setattr(gradients, "EXPLODING_LENGTH", 8)
    monkeypatch.setattr(gradients, "EXPLODING_HIDDEN", 16)


def run(*arguments, code=0):
    outcome = CliRunner().invoke(main, ["bench-memory", *map(str, arguments)])
    assert outcome.exit_code == code, outcome.output + repr(outcome.exception)
    return outcome


def test_json_and_pictures(tmp_path):
    outcome = run(*QUICK, "-o", tmp_path / "new" / "memory", "--json", "--quiet")
    report = json.loads(outcome.stdout)
    assert outcome.stderr == ""
    assert report == json.loads((tmp_path / "new" / "memory" / "memory.json").read_text())
    for name in ("memory.png", "gradients.png"):
        assert (tmp_path / "new" / "memory" / name).read_bytes()[:4] == b"\x89PNG"
    assert len(report["results"]) == 2 * 3
    assert {r["cell"] for r in report["results"]} == {"lstm", "gru", "rnn"}
    assert all(r["baseline"] == pytest.approx(math.log(8)) for r in report["results"])
    assert report["config"]["iterations"] == 60 and report["config"]["forget_bias"] == "chrono"
    assert set(report["versions"]) == {"melodia", "torch", "python"}
    assert (report["gradient_task"], report["gradient_length"]) == ("recall", 12)
    assert [len(g["norms"]) for g in report["gradients"]] == [13] * 7  # three untrained, three trained, an LSTM with bias 1
    assert [c["clip_norm"] for c in report["clipping"]] == [0.0, 1.0]


def test_the_table_has_the_baseline_beside_the_result(tmp_path):
    outcome = run(*QUICK, "--cells", "lstm,rnn", "-o", tmp_path, "--forget-bias", "1", "--clip-norm", 0)
    lines = outcome.stdout.splitlines()
    assert lines[0].split() == ["task", "delay", "no", "memory", "lstm", "rnn"]
    assert lines[1].split()[:3] == ["recall", "6", "2.0794"] and len(lines[1].split()) >= 5
    assert "clipped at 1" in outcome.stdout and "not clipped" in outcome.stdout
    assert "gradients.png" in outcome.stderr


def test_all_tasks_at_tiny_delays_can_be_drawn(tmp_path):
    run("--lengths", "2,3,4,5,6", "--cells", "rnn", "--parameters", 500, "--iterations", 1, "-o", tmp_path, "-q")
    assert len(json.loads((tmp_path / "memory.json").read_text())["results"]) == 3 * 5


def test_what_diverges_is_null_in_json_and_can_be_drawn(tmp_path):
    options = ["--cells", "rnn", "--tasks", "adding", "--lengths", 30, "--iterations", 60, "--clip-norm", 0]
    outcome = run(*options, "--parameters", 500, "--learning-rate", 1e35, "-o", tmp_path, "--json", "-q")
    (row,) = json.loads(outcome.stdout, parse_constant=pytest.fail)["results"]
    assert row["loss"] is None and row["solved_at"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tasks", "sorting"], "tasks: 'sorting' is not known"),
        (["--tasks", ","], "tasks: name at least one"),
        (["--cells", "lstm,transformer"], "cells: 'transformer' is not known"),
        (["--lengths", "0"], "lengths: 0 is out of range"),
        (["--lengths", "50,10001"], "lengths: 10001 is out of range"),
        (["--lengths", "many"], "lengths: 'many' is not a whole number"),
        (["--parameters", "30"], "parameters: 30 is too few"),
        (["--parameters", "0"], "parameters: 0 is out of range"),
        (["--forget-bias", "wide"], "forget_bias: 'wide' is not a number, or chrono"),
        (["--device", "abacus"], "device: 'abacus' cannot be used here"),
    ],
)
def test_refusals_are_one_line(tmp_path, options, message):
    outcome = run(*options, "-o", tmp_path / "out", code=1)
    assert outcome.stdout == "" and outcome.stderr.count("\n") == 1
    assert f"melodia: {message}" in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "file is a file; name a folder" in run(*QUICK, "-o", tmp_path / "file", code=1).stderr
    assert "Traceback" not in run(*QUICK, "-o", tmp_path / "file" / "below", code=1).output
    assert (tmp_path / "file").read_text() == "mine"

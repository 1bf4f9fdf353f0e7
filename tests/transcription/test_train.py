import json

import pytest

import melodia
from melodia.checkpoint import read_info
from melodia.errors import ConfigError
from tests.commands.conftest import run

SMALL = ["--hidden-size", 8, "--batch-size", 2, "--length", 40, "--validate-every", 3, "--quiet"]


@pytest.fixture
def prepared(folder, tmp_path):
    run("prepare", folder, "-o", tmp_path / "corpus", "--as", "notes", "--held-out", 0.2, "--quiet")
    return tmp_path / "corpus"


def test_from_recordings_to_a_model_that_transcribes(prepared, folder, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "model", "--iterations", 6, *SMALL)
    assert "nats a frame on valid" in done.output
    info = read_info(tmp_path / "model")
    assert info.domain == "transcription" and info.training["iterations"] == 6
    assert "Stacked LSTMs" in (tmp_path / "model" / "README.md").read_text()
    rows = [json.loads(line) for line in (tmp_path / "model" / "metrics.jsonl").read_text().splitlines()]
    assert [r["iteration"] for r in rows] == [3, 6] and rows[-1]["valid"] < rows[0]["train"]
    run("transcribe", folder / "0.flac", "-o", tmp_path / "0.mid", "--model", tmp_path / "model", "--quiet")
    assert (tmp_path / "0.mid").is_file()
    report = json.loads(run("evaluate", prepared, "--model", tmp_path / "model", "--split", "train", "--json", "--quiet").stdout)
    assert report["recordings"] >= 3 and len(report["rows"]) == report["recordings"]
    assert set(info.metrics["valid"]) >= {"onset_50", "frames"} and "F1: frames" in (tmp_path / "model" / "README.md").read_text()
    run("train", "transcription", "--corpus", prepared, "-o", tmp_path / "tuned", "--from", tmp_path / "model", "--iterations", 2,
        "--batch-size", 2, "--length", 40, "--validate-every", 1, "--quiet")  # fmt: skip
    tuned = read_info(tmp_path / "tuned")
    assert {k: v for k, v in tuned.model.items() if k != "decode"} == {k: v for k, v in info.model.items() if k != "decode"}
    assert tuned.training["from"] == str(tmp_path / "model") and "beginning from" in (tmp_path / "tuned" / "README.md").read_text()


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(prepared, tmp_path):
    small = {"hidden_size": 8, "batch_size": 2, "length": 40, "validate_every": 2}

    def stop_at_4(progress, trainer):
        if progress.iteration == 4:
            trainer.stop()

    melodia.train(prepared, tmp_path / "whole", iterations=6, **small)
    melodia.train(prepared, tmp_path / "parts", iterations=6, report=stop_at_4, **small)
    melodia.train(prepared, tmp_path / "parts", iterations=6, resume=True, **small)
    losses = [
        [json.loads(line)["valid"] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    ]
    assert losses[0] == losses[1]


def test_settings_of_another_domain_are_refused(prepared, tmp_path, small_checkpoint):
    with pytest.raises(ConfigError, match="whole: has no meaning for a corpus of recordings"):
        melodia.train(prepared, tmp_path / "x", whole=True)
    with pytest.raises(ConfigError, match="hidden_size: the network is that of"):
        melodia.train(prepared, tmp_path / "x", start=small_checkpoint, hidden_size=8)
    done = run("train", "composition", "--corpus", prepared, "-o", tmp_path / "x", code=1)
    assert "was prepared for transcription" in done.stderr
    assert "cannot be trained" in run("train", "speaking", "--corpus", prepared, "-o", tmp_path / "x", code=1).stderr


def test_a_live_corpus_makes_a_live_model(folder, tmp_path):
    run("prepare", folder, "-o", tmp_path / "live", "--as", "notes", "--live", "--held-out", 0.2, "--quiet")
    run("train", "--corpus", tmp_path / "live", "-o", tmp_path / "model", "--iterations", 2, *SMALL)
    assert read_info(tmp_path / "model").model["features"]["live"] is True
    run("transcribe", folder / "0.flac", "-o", tmp_path / "0.mid", "--model", tmp_path / "model", "--quiet")
    assert "live: is of notes and words" in run("prepare", folder, "-o", tmp_path / "x", "--live", code=1).stderr

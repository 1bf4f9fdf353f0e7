import json
import shutil

import pytest

import melodia
from melodia.checkpoint import read_info
from melodia.detection.checkpoint import load_detector
from melodia.errors import ConfigError, CorpusError
from tests.commands.conftest import run

SMALL = ["--hidden-size", 8, "--batch-size", 4, "--length", 60, "--validate-every", 5, "--quiet"]


@pytest.fixture
def prepared(folder, tmp_path):
    run("prepare", folder, "-o", tmp_path / "corpus", "--as", "kinds", "--held-out", 0.25, "--quiet")
    return tmp_path / "corpus"


def test_from_recordings_to_a_model_that_tells(prepared, folder, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "model", "--iterations", 20, *SMALL)
    assert "clips of 5 s of valid are right" in done.output
    info = read_info(tmp_path / "model")
    assert info.domain == "detection" and info.training["iterations"] == 20 and info.model["temperature"] != 1
    rows = [json.loads(line) for line in (tmp_path / "model" / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["valid"] < rows[0]["train"] and rows[0]["unit"] == "nats a window"
    card = (tmp_path / "model" / "README.md").read_text()
    assert "Stacked LSTMs" in card and "| all |" in card
    assert isinstance(melodia.load_checkpoint(tmp_path / "model"), type(load_detector(tmp_path / "model")))
    run("train", "detection", "--corpus", prepared, "-o", tmp_path / "tuned", "--from", tmp_path / "model", "--iterations", 2,
        "--batch-size", 4, "--length", 60, "--validate-every", 1, "--quiet")  # fmt: skip
    assert "beginning from" in (tmp_path / "tuned" / "README.md").read_text()


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(prepared, tmp_path):
    small = {"hidden_size": 8, "batch_size": 4, "length": 60, "validate_every": 2}

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
    assert "prepared for detection" in run("train", "composition", "--corpus", prepared, "-o", tmp_path / "x", code=1).stderr


def test_a_corpus_of_one_kind_is_refused(folder, tmp_path):
    shutil.rmtree(folder / "speech")
    corpus = melodia.prepare(folder, tmp_path / "corpus", made_of="kinds", held_out=0.2)
    with pytest.raises(CorpusError, match="no speech among"):
        melodia.train(corpus, tmp_path / "x", iterations=1)


def test_a_corpus_whose_valid_split_cannot_be_heard_is_refused_before_the_training(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr("melodia.detection.evaluate.SHORTEST_SECONDS", 1e6)  # no clip is long enough
    done = run("train", "--corpus", prepared, "-o", tmp_path / "x", "--iterations", 2, code=1)
    assert "nothing in its valid split is loud and long enough" in done.stderr
    assert not (tmp_path / "x").exists()

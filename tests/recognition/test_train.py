"""From recordings with their texts to a recogniser, by the commands."""

import json

import pytest

import melodia
from melodia.checkpoint import read_info
from melodia.errors import ConfigError
from tests.commands.conftest import run

SMALL = ["--hidden-size", 8, "--num-layers", 2, "--batch-size", 4, "--validate-every", 3, "--quiet"]


@pytest.fixture
def prepared(speech, tmp_path):
    run("prepare", speech, "-o", tmp_path / "corpus", "--as", "words", "--held-out", 0.2, "--quiet")
    return tmp_path / "corpus"


def test_from_recordings_to_a_model_that_reads(prepared, speech, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "model", "--iterations", 6, *SMALL)
    assert "nats a letter on valid" in done.output and "of words" in done.output
    info = read_info(tmp_path / "model")
    assert info.domain == "recognition" and info.model["num_layers"] == [1, 1] and info.model["hidden_size"] == 8
    assert set(info.metrics["valid"]) == {"wer", "cer"}
    card = (tmp_path / "model" / "README.md").read_text()
    assert "connectionist temporal classification" in card and "word error rate" in card
    run("transcribe", speech / "00.wav", "-o", tmp_path / "0.txt", "--model", tmp_path / "model", "--lm", "none", "--quiet")
    assert (tmp_path / "0.txt").is_file()
    run("train", "recognition", "--corpus", prepared, "-o", tmp_path / "tuned", "--from", tmp_path / "model", "--iterations", 2,
        "--batch-size", 4, "--validate-every", 1, "--quiet")  # fmt: skip
    tuned = read_info(tmp_path / "tuned")
    assert tuned.model == info.model and tuned.training["from"] == str(tmp_path / "model")


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(prepared, tmp_path):
    small = {"hidden_size": 8, "num_layers": 2, "batch_size": 4, "validate_every": 2}

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


def test_settings_of_others_are_refused(prepared, tmp_path, reader_checkpoint):
    for name in ("whole", "length"):
        with pytest.raises(ConfigError, match=f"{name}: has no meaning"):
            melodia.train(prepared, tmp_path / "x", **{name: 1})
    with pytest.raises(ConfigError, match="hidden_size: the network is that of"):
        melodia.train(prepared, tmp_path / "x", start=reader_checkpoint, hidden_size=8)
    with pytest.raises(ConfigError, match="prepared for another kind of model"):
        melodia.train(prepared, tmp_path / "x", start=reader_checkpoint)  # which hears 40 bands


def test_a_live_corpus_makes_a_live_model(speech, tmp_path):
    run("prepare", speech, "-o", tmp_path / "live", "--as", "words", "--live", "--held-out", 0.2, "--quiet")
    run("train", "--corpus", tmp_path / "live", "-o", tmp_path / "model", "--iterations", 2, *SMALL)
    assert read_info(tmp_path / "model").model["live"] is True
    run("transcribe", speech / "00.wav", "-o", tmp_path / "0.json", "--model", tmp_path / "model", "--lm", "none", "--quiet")
    assert json.loads((tmp_path / "0.json").read_text())["seconds"] > 0.2

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from melodia.checkpoint import read_info
from melodia.training import Trainer
from tests.commands.conftest import run

ROOT = Path(__file__).parents[2]
SMALL = ["--hidden-size", 16, "--batch-size", 2, "--length", 20, "--validate-every", 4]


def test_prepare_train_generate_evaluate(corpus, tmp_path):
    model = tmp_path / "model"
    outcome = run("train", "composition", "--corpus", corpus, "-o", model, "--iterations", 8, *SMALL, "--json", "--quiet")
    assert json.loads(outcome.stdout)["valid_bits_a_note"] > 0
    assert {p.name for p in model.iterdir()} >= {"config.json", "model.safetensors", "README.md", "metrics.jsonl", "curve.png"}
    run("generate", "--model", model, "--bars", 1, "-o", tmp_path / "x.mid")
    report = json.loads(run("evaluate", corpus, "--model", model, "--seeds", 0, "--json").stdout)
    assert report["bits"]["bits_a_note"] == pytest.approx(json.loads(outcome.stdout)["valid_bits_a_note"], rel=0.02)
    assert report["event_5gram_bits"] > 0 and report["unigram_bits"] > 0
    few = run("evaluate", corpus, "--model", model)
    assert "bits a note" in few.stdout and "no continuations: 0 pieces have more than 24 bars" in few.stderr


@pytest.mark.parametrize(
    "options, settings",
    [
        (["--cell", "gru"], {"cell": "gru"}),
        (["--cell", "rnn"], {"cell": "rnn"}),
        (["--residual", "--layer-norm", "--num-layers", 3], {"residual": True, "layer_norm": True, "num_layers": 3}),
        (["--whole"], {"whole": True}),
        (["--accumulate", 2], {"accumulate": 2}),
        (["--tensorboard"], {}),
        (["--precision", "bfloat16"], {"precision": "bfloat16"}),
    ],
    ids=lambda o: " ".join(map(str, o)),
)
def test_options_train_and_the_model_plays(corpus, tmp_path, options, settings):
    model = tmp_path / "model"
    run("train", "--corpus", corpus, "-o", model, "--iterations", 4, *SMALL, *options, "--quiet")
    run("generate", "--model", model, "--bars", 1, "-o", tmp_path / "x.mid", "--quiet")
    config = json.loads((model / "config.json").read_text())
    found = config["model"] | config["training"]["trainer"] | config["training"]["data"]
    assert settings.items() <= found.items()
    assert (model / "tensorboard").is_dir() == ("--tensorboard" in options)


def test_fine_tuning_begins_from_a_model_and_tells_what_it_won(corpus, tiny_checkpoint, tmp_path):
    model = tmp_path / "model"
    options = ["--iterations", 60, "--batch-size", 4, "--length", 40, "--validate-every", 10, "--learning-rate", 0.01]
    outcome = run("train", "--from", tiny_checkpoint, "--corpus", corpus, "-o", model, *options)
    rows = [json.loads(line) for line in (model / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["iteration"] == 0 and rows[0]["train"] is None
    metrics = read_info(model).metrics
    assert metrics["before"]["valid"] == pytest.approx(rows[0]["valid"], rel=1e-3)
    assert metrics["after"]["valid"] <= min(row["valid"] for row in rows) + 1e-3
    assert 0.5 <= read_info(model).training["share_of_new_weights"] <= 1
    for split in ("valid", "test"):
        assert metrics["after"][split] < 0.9 * metrics["before"][split]
        assert f"{split} {metrics['before'][split]:.3f} -> {metrics['after'][split]:.3f}" in outcome.stdout
        report = json.loads(run("evaluate", corpus, "--model", model, "--split", split, "--seeds", 0, "--json").stdout)
        assert report["bits"]["bits_a_note"] == pytest.approx(metrics["after"][split], rel=0.01)
    card = (model / "README.md").read_text()
    assert "beginning from the checkpoint `tiny`" in card and "| test |" in card
    assert "note: only" in outcome.stderr and "(3,000 notes are a beginning)" in outcome.stderr
    assert read_info(model).model == read_info(tiny_checkpoint).model | {"dropout": 0.1}


def weights(model):
    return (model / "model.safetensors").read_bytes()


@pytest.mark.parametrize("options", [[], ["--whole"]])
def test_a_run_is_resumed_where_it_was(corpus, tmp_path, options, monkeypatch):
    options = ["--corpus", corpus, *SMALL, *options, "--iterations", 12, "--quiet"]
    run("train", *options, "-o", tmp_path / "whole")
    stopped = Trainer._update

    def stop_at_seven(self, loaded):
        if self.iteration == 6:
            self.stop()
        return stopped(self, loaded)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_update", stop_at_seven)
        run("train", *options, "-o", tmp_path / "cut", code=130)
    assert torch.load(tmp_path / "cut" / "resume.pt", weights_only=True)["counters"][0] == 7
    assert weights(tmp_path / "cut") != weights(tmp_path / "whole")
    run("train", *options, "-o", tmp_path / "cut", "--resume")
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


def test_the_network_of_a_start_cannot_be_changed(corpus, tmp_path, tiny_checkpoint):
    for options in (["--cell", "gru"], ["--hidden-size", 24], ["--residual"]):
        outcome = run("train", "--from", tiny_checkpoint, "--corpus", corpus, "-o", tmp_path / "m", *options, code=1)
        assert "the network is that of" in outcome.stderr and "leave it out" in outcome.stderr


def test_minutes(corpus, tmp_path):
    run("train", "--corpus", corpus, "-o", tmp_path / "m", "--minutes", 0.05, "--patience", 9999, *SMALL, "--quiet")
    assert json.loads((tmp_path / "m" / "config.json").read_text())["training"]["iterations"] > 4


def test_refusals(corpus, tmp_path, tiny_checkpoint):
    def refused(*options, code=1):
        return run("train", "--corpus", corpus, "-o", tmp_path / "m", *options, code=code).stderr

    assert "not a prepared corpus" in run("train", "--corpus", tmp_path, "-o", tmp_path / "m", code=1).stderr
    assert "nothing to resume" in refused("--resume")
    assert "domain: 'painting' cannot be trained; it must be composition" in refused("painting")
    assert "nobody: no such model" in refused("--from", "nobody")
    for option, value in (
        ("--hidden-size", -1),
        ("--random-seed", -1),
        ("--learning-rate", -1),
        ("--minutes", 0),
        ("--batch-size", 0),
    ):
        assert f"{option.strip('-').replace('-', '_')}: {value}" in refused(option, value)
    assert "batch_size: 2 cannot be cut into 4 equal parts" in refused(*SMALL, "--accumulate", 4)
    assert "'lstmm' is not one of" in refused("--cell", "lstmm", code=2)
    assert "would be lost" in run("train", "--corpus", corpus, "-o", tmp_path / "music", code=1).stderr
    manifest = corpus / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"domain": "composition"', '"domain": "recognition"'))
    assert "prepared for recognition, not for composition" in refused("composition")


def test_a_damaged_shard_is_one_line(corpus, tmp_path):
    for shard in (corpus / "shards").glob("*.events.npy"):
        shard.write_bytes(shard.read_bytes()[:-2] + b"\7\7")
    outcome = run("train", "--corpus", corpus, "-o", tmp_path / "m", *SMALL, "--quiet", code=1)
    assert "this shard is damaged; run the same `melodia prepare` again" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def started(*arguments):
    command = [sys.executable, str(ROOT / "cli.py"), *arguments]
    return subprocess.Popen([str(c) for c in command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process group")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_resumable_state(corpus, tmp_path, number):
    endless = ["--iterations", 100_000, *SMALL, "--patience", 99_999]
    process = started("train", "--corpus", corpus, "-o", tmp_path / "m", *endless)
    for _ in range(600):
        if (tmp_path / "m" / "metrics.jsonl").is_file():
            break
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume" in errors and "Traceback" not in errors
    assert (tmp_path / "m" / "model.safetensors").is_file()  # the best so far
    done = torch.load(tmp_path / "m" / "resume.pt", weights_only=True)["counters"][0]
    run("train", "--corpus", corpus, "-o", tmp_path / "m", "--iterations", done + 4, *SMALL, "--resume", "--quiet")
    assert json.loads((tmp_path / "m" / "config.json").read_text())["training"]["iterations"] == done + 4


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process group")
def test_a_signal_to_two_processes_leaves_a_resumable_state(corpus, tmp_path):
    options = ["--corpus", corpus, "-o", tmp_path / "m", *SMALL, "--patience", 99_999, "--dropout", 0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    command = [str(a) for a in [sys.executable, ROOT / "cli.py", "train", "--iterations", 100_000, *options]]
    both = [subprocess.Popen(command, env=os.environ | shared | {"RANK": r}, stderr=subprocess.PIPE, text=True) for r in "01"]
    for _ in range(900):
        if (tmp_path / "m" / "metrics.jsonl").is_file():
            break
        time.sleep(0.1)
    for process in both * 2:  # torchrun sends them twice
        process.send_signal(signal.SIGINT)
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [130, 130], errors
    assert "Traceback" not in errors[0] + errors[1] and "go on with the same command and --resume" in errors[0]
    done = torch.load(tmp_path / "m" / "resume.pt", weights_only=True)["counters"][0]
    run("train", *options, "--iterations", done + 4, "--accumulate", 2, "--resume", "--quiet")  # one process goes on


def test_torchrun(corpus, tmp_path):
    options = ["--corpus", corpus, "--iterations", 8, *SMALL, "--dropout", 0, "--quiet"]
    run("train", *options, "-o", tmp_path / "one")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "melodia", "train"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    arguments = [str(a) for a in [*command, *options, "-o", tmp_path / "two", "--json"]]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["iterations"] == 8  # one process alone reports
    rows = [
        [json.loads(line)["valid"] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    assert rows[1] == pytest.approx(rows[0], rel=1e-4)

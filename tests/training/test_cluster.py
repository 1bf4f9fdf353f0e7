"""Two processes on this machine, over gloo, started as torchrun starts them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from melodia.errors import ConfigError
from melodia.training import TrainingConfig, join_cluster
from melodia.training.trainer import Trainer
from tests.training.echo import EchoTask

ROOT = Path(__file__).parents[2]
WORKER = """
import json, sys
from pathlib import Path
import torch
from melodia.training import Trainer, TrainingConfig, join_cluster
from tests.training.echo import EchoTask
torch.set_num_threads(1)
cluster = join_cluster(torch.device("cpu"))
folder, iterations = Path(sys.argv[1]), int(sys.argv[2])
config = TrainingConfig(iterations=40, learning_rate=0.02, warmup=5, validate_every=10, save_minutes=100)
trainer = Trainer(EchoTask(dropout=0), config, folder, cluster)
if (folder / "resume.pt").exists():
    trainer.resume()
rows = []
for progress in trainer.run():
    rows.append([progress.iteration, progress.train_loss, progress.valid_loss])
    if progress.iteration == iterations and cluster.leads:
        trainer.stop()
(folder / f"rows-{cluster.rank}.json").write_text(json.dumps(rows))
cluster.leave()
"""


def torchrun(folder, iterations):
    folder.mkdir(exist_ok=True)
    script = folder / "worker.py"
    script.write_text(WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run([*command, str(folder), str(iterations)], capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"rows-{rank}.json").read_text()) for rank in range(2)]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_two_processes_have_the_losses_of_one_with_the_same_batch(tmp_path):
    config = TrainingConfig(iterations=40, learning_rate=0.02, warmup=5, validate_every=10, save_minutes=100)
    alone = Trainer(EchoTask(dropout=0), config, tmp_path)
    expected = [[p.iteration, p.train_loss, p.valid_loss] for p in alone.run()]
    first, second = torchrun(tmp_path / "two", 100)
    assert first == second
    for found, wanted in zip(first, expected, strict=True):
        assert found[0] == wanted[0]
        assert found[1] == pytest.approx(wanted[1], rel=2e-4)
        assert (found[2] is None) == (wanted[2] is None)
        assert found[2] is None or found[2] == pytest.approx(wanted[2], rel=2e-4)


def test_two_processes_stop_together_and_go_on(tmp_path):
    whole, _ = torchrun(tmp_path / "whole", 100)
    begun, also = torchrun(tmp_path / "cut", 13)
    assert begun == also and begun[-1][0] == 14  # asked for after 13, agreed on with 14
    rest, _ = torchrun(tmp_path / "cut", 100)
    assert begun + rest == whole


def test_one_alone_by_default(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    cluster = join_cluster(torch.device("cpu"))
    assert (cluster.rank, cluster.size, cluster.leads) == (0, 1, True)
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(ConfigError, match="start the processes with torchrun"):
        join_cluster(torch.device("cpu"))

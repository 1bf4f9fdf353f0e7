"""Two processes on this machine, over gloo, in the environment that torchrun gives them."""

import json
import os
import socket
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
tasks = Path("/proc/self/task")  # Linux
left = [(task / "comm").read_text().strip() for task in tasks.iterdir()] if tasks.is_dir() else []
assert not [name for name in left if "gloo" in name or "tcpstore" in name], left
"""


def two_processes(folder, iterations):
    folder.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WORKER, str(folder), str(iterations)]
    processes = [
        subprocess.Popen(command, env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    return [json.loads((folder / f"rows-{rank}.json").read_text()) for rank in range(2)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return two_processes(tmp_path_factory.mktemp("whole"), 100)


def test_two_processes_have_the_losses_of_one_with_the_same_batch(whole, tmp_path):
    config = TrainingConfig(iterations=40, learning_rate=0.02, warmup=5, validate_every=10, save_minutes=100)
    alone = Trainer(EchoTask(dropout=0), config, tmp_path)
    expected = [[p.iteration, p.train_loss, p.valid_loss] for p in alone.run()]
    assert whole[0] == whole[1]
    for found, wanted in zip(whole[0], expected, strict=True):
        assert found[0] == wanted[0]
        assert found[1] == pytest.approx(wanted[1], rel=2e-4)
        assert (found[2] is None) == (wanted[2] is None)
        assert found[2] is None or found[2] == pytest.approx(wanted[2], rel=2e-4)


def test_two_processes_stop_together_and_go_on(whole, tmp_path):
    begun, also = two_processes(tmp_path, 13)
    assert begun == also and begun[-1][0] == 14  # asked for after 13, agreed on with 14
    rest, _ = two_processes(tmp_path, 100)
    assert begun + rest == whole[0]


def test_one_alone_by_default(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    cluster = join_cluster(torch.device("cpu"))
    assert (cluster.rank, cluster.size, cluster.leads) == (0, 1, True)
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(ConfigError, match="start the processes with torchrun"):
        join_cluster(torch.device("cpu"))

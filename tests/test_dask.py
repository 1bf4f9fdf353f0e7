"""Preparation on a Dask cluster of two processes on this machine, through the command line."""

import json
import os

import pytest
from click.testing import CliRunner

from melodia.commands import main
from melodia.corpus import Corpus
from melodia.engine import in_parallel
from melodia.score import PPQ, Note, Part, Score


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True) as cluster:
        yield cluster.scheduler_address


def shards(folder):
    return {p.name: p.read_bytes() for p in sorted((folder / "shards").iterdir())}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")  # joblib on how large a task's arguments are
def test_a_cluster_makes_the_same_bytes(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("melodia.composition.prepare.EventsRepresentation.files_a_shard", 3)
    for i in range(11):
        notes = [Note(j * PPQ, (j + 1) * PPQ, 50 + (i * 7 + j * (i + 3)) % 30, 80) for j in range(24)]
        Score([Part(notes=notes)]).write(tmp_path / "songs" / f"{i}.mid")
    (tmp_path / "songs" / "bad.mid").write_bytes(b"rubbish")
    for name, options in (("here", []), ("there", ["--engine", f"dask:{cluster}"])):
        command = ["prepare", str(tmp_path / "songs"), "-o", str(tmp_path / name), "--json", *options]
        outcome = CliRunner().invoke(main, command, catch_exceptions=False)
        assert outcome.exit_code == 0, outcome.output
        counts = json.loads(outcome.stdout)
        assert (counts["pieces"], counts["rejected"], counts["read"]) == (11, 1, 12)
    assert shards(tmp_path / "here") == shards(tmp_path / "there")
    assert len(Corpus(tmp_path / "there").pieces("train")) >= 8


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_work_is_done_by_the_cluster(cluster):
    processes = set(in_parallel(os.getpid, [()] * 16, 1, f"dask:{cluster}"))
    assert os.getpid() not in processes and processes

import itertools
import json

import pytest
import torch

from melodia.errors import ConfigError
from melodia.training import Cluster, RunConfig, TrainingConfig, train
from melodia.training.run import verdict
from tests.training.echo import EchoTask

CPU = Cluster(torch.device("cpu"))


def config(**settings):
    return TrainingConfig(
        **{"iterations": 20, "learning_rate": 0.02, "warmup": 2, "validate_every": 5, "save_minutes": 10, **settings}
    )


def rows(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_metrics_and_a_curve(tmp_path):
    result = train(EchoTask(), config(), RunConfig(output=tmp_path / "run", measure_start=True), CPU)
    found = rows(tmp_path / "run")
    assert [r["iteration"] for r in found] == [0, 5, 10, 15, 20]
    assert found[0]["train"] is None and {r["unit"] for r in found} == {"bits"}
    assert min(r["valid"] for r in found) == pytest.approx(result.best_loss * 1.4427)
    assert (tmp_path / "run" / "curve.png").read_bytes()[:4] == b"\x89PNG"


def test_metrics_are_whole_after_a_resume(tmp_path):
    output = tmp_path / "run"
    train(EchoTask(), config(), RunConfig(output=tmp_path / "whole"), CPU)

    def stop(progress, trainer):
        if progress.iteration == 12:
            trainer.stop()

    stopped = train(EchoTask(), config(), RunConfig(output=output), CPU, stop)
    assert stopped.stopped and stopped.iteration == 13
    train(EchoTask(), config(), RunConfig(output=output, resume=True), CPU)
    fixed = [{k: v for k, v in r.items() if k != "seconds"} for r in rows(output)]
    assert fixed[-2:] == [{k: v for k, v in r.items() if k != "seconds"} for r in rows(tmp_path / "whole")][-2:]
    assert len(fixed) == 4


def test_tensorboard(tmp_path):
    train(EchoTask(), config(), RunConfig(output=tmp_path, tensorboard=True), CPU)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert {"loss/train", "loss/valid", "learning rate"} <= set(log.Tags()["scalars"])
    assert len(log.Scalars("loss/train")) == 20


def test_without_tensorboard_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        train(EchoTask(), config(), RunConfig(output=tmp_path / "x", tensorboard=True), CPU)
    assert not (tmp_path / "x").exists()


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="other files in it"):
        train(EchoTask(), config(), RunConfig(output=tmp_path, tensorboard=True), CPU)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_training_that_could_go_on_is_not_begun_anew(tmp_path):
    train(EchoTask(), config(), RunConfig(output=tmp_path), CPU)
    state = (tmp_path / "resume.pt").read_bytes()
    with pytest.raises(ConfigError, match="holds a training already; go on with --resume, or name a new folder"):
        train(EchoTask(), config(), RunConfig(output=tmp_path), CPU)
    assert (tmp_path / "resume.pt").read_bytes() == state
    (tmp_path / ".resume.pt.half").mkdir()
    train(EchoTask(), config(iterations=25), RunConfig(output=tmp_path, resume=True), CPU)
    assert not (tmp_path / ".resume.pt.half").exists()


def history(*points):
    return [{"iteration": i, "train": t, "valid": v} for i, t, v in points]


def test_the_verdict_says_when_it_overfits():
    (line,) = verdict(history((0, None, 3.0), (10, 2.0, 2.5), (20, 1.0, 2.9)), "nats", 1.0)
    assert line == (
        "it overfits from iteration 10 on: valid rose from 2.500 to 2.900 nats while train fell; the weights of 10 are kept"
    )
    (line,) = verdict(history((0, None, 3.0), (10, 2.0, 3.5), (20, 1.0, 3.9)), "nats", 1.0)
    assert "never got better" in line
    assert verdict(history((0, None, 3.0), (10, 2.0, 2.5), (20, 1.9, 2.501)), "nats", 1.0) == []
    assert verdict(history((10, 2.0, 2.5), (20, 2.4, 2.9)), "nats", 1.0) == []  # train rose too: not that


def test_prefetched_batches_come_in_order_and_errors_in_their_place():
    from melodia.training.prefetch import prefetched

    def numbers():
        yield from range(5)
        raise ValueError("the sixth")

    with prefetched(numbers()) as found:
        assert list(itertools.islice(found, 5)) == [0, 1, 2, 3, 4]
        with pytest.raises(ValueError, match="the sixth"):
            next(found)
    with prefetched(iter(range(3))) as found:
        assert list(found) == [0, 1, 2]

import itertools
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from melodia.errors import CheckpointError, ConfigError, CorpusError, MelodiaError
from melodia.training import Trainer, TrainingConfig
from tests.training.echo import EchoTask, batch

ROOT = Path(__file__).parents[2]


def trainer(folder, task=None, **settings):
    config = {"iterations": 60, "learning_rate": 0.02, "warmup": 5, "validate_every": 15, "save_minutes": 0, **settings}
    return Trainer(task or EchoTask(), TrainingConfig(**config), folder)


def seen(run, count=None):
    return [(p.iteration, p.train_loss, p.valid_loss) for p in itertools.islice(run.run(), count)]


def test_it_learns_and_keeps_the_best(tmp_path):
    run = trainer(tmp_path, iterations=150)
    losses = [p.valid_loss for p in run.run() if p.valid_loss is not None]
    assert losses[-1] < 0.8 * losses[0]
    assert run.measure() == pytest.approx(min(losses), abs=1e-5)
    assert [row["valid"] for row in run.history] == losses and run.best_iteration % 15 == 0


def test_the_same_seed_gives_the_same_curve(tmp_path):
    assert seen(trainer(tmp_path / "a")) == seen(trainer(tmp_path / "b"))
    assert seen(trainer(tmp_path / "c", random_seed=1)) != seen(trainer(tmp_path / "a"))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_resumed_run_goes_on_as_if_it_had_never_stopped(tmp_path, accumulate):
    whole = seen(trainer(tmp_path / "whole", accumulate=accumulate))
    first = seen(trainer(tmp_path / "cut", accumulate=accumulate), 37)
    second = trainer(tmp_path / "cut", accumulate=accumulate)
    second.resume()
    assert first + seen(second) == whole
    assert len(second.history) == 4


def test_accumulated_parts_are_the_whole_batch(tmp_path):
    losses = []
    for accumulate in (1, 2, 8):
        run = trainer(tmp_path / str(accumulate), EchoTask(dropout=0), accumulate=accumulate)
        losses.append([p.train_loss for p in run.run()])
    torch.testing.assert_close(losses[1], losses[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(losses[2], losses[0], atol=1e-4, rtol=1e-4)


def test_the_state_is_carried_only_where_the_batch_says_so(tmp_path):
    carried = trainer(tmp_path / "a", EchoTask(dropout=0))
    whole = trainer(tmp_path / "b", EchoTask(dropout=0, carried=False))
    first, second = seen(carried, 2), seen(whole, 2)
    assert first[0][1] == second[0][1]  # both begin with zeros
    assert first[1][1] != second[1][1]
    assert carried.states[0] is not None and whole.states[0] is None


def test_the_gradients_are_those_of_a_bare_loop(tmp_path):
    run = trainer(tmp_path, EchoTask(dropout=0), iterations=5, warmup=0, weight_decay=0)
    reference = EchoTask(dropout=0).model
    optimizer = torch.optim.AdamW(reference.parameters(), lr=1, betas=(0.9, 0.98), weight_decay=0)
    state = None
    for i, progress in enumerate(run.run()):
        rate = 0.02 * (0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * i / 5)))
        nats, count, state = reference.loss(batch(i), state)
        state = tuple(s.detach() for s in state)
        assert progress.train_loss == pytest.approx(float(nats.detach() / count), abs=1e-5)
        optimizer.zero_grad()
        (nats / count).backward()
        assert progress.gradient_norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(reference.parameters(), 1.0)), rel=1e-4)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()


def test_minutes_fit_the_schedule_to_the_time(tmp_path):
    run = trainer(tmp_path, minutes=0.05, iterations=1, validate_every=1000, patience=1000, save_minutes=10)
    progress = list(run.run())
    assert run.seconds > 2.5
    assert len(progress) > 1 and progress[-1].valid_loss is not None
    assert progress[-1].learning_rate < 0.05 * max(p.learning_rate for p in progress)


def test_a_short_schedule_warms_up_for_a_tenth_of_it_and_then_falls(tmp_path):
    rates = [p.learning_rate for p in trainer(tmp_path, iterations=50, warmup=200, patience=99).run()]
    assert rates.index(max(rates)) <= 6 and max(rates) > 0.9 * 0.02
    assert rates[-1] < 0.01 * max(rates)


def test_a_run_that_was_over_is_over(tmp_path):
    run = trainer(tmp_path, iterations=1000, learning_rate=1e-8, validate_every=5, patience=2)
    list(run.run())
    again = trainer(tmp_path, iterations=1000, learning_rate=1e-8, validate_every=5, patience=2)
    again.resume()
    assert list(again.run()) == [] and again.iteration == run.iteration


def test_a_flipped_bit_in_the_state_is_noticed(tmp_path):
    seen(trainer(tmp_path), 15)
    data = bytearray((tmp_path / "resume.pt").read_bytes())
    data[len(data) // 2] ^= 4
    (tmp_path / "resume.pt").write_bytes(data)
    with pytest.raises(CheckpointError, match="resume.pt: damaged"):
        trainer(tmp_path).resume()


def test_it_stops_early(tmp_path):
    assert len(seen(trainer(tmp_path, iterations=1000, learning_rate=1e-8, validate_every=5, patience=2))) < 1000


def test_it_stops_when_asked_to_and_has_saved(tmp_path):
    run = trainer(tmp_path, save_minutes=100)
    steps = run.run()
    next(steps)
    run.stop()
    assert [p.iteration for p in steps] == [2]
    again = trainer(tmp_path)
    again.resume()
    assert again.iteration == 2


def test_the_start_is_kept_where_nothing_beats_it(tmp_path):
    run = trainer(tmp_path, iterations=20, learning_rate=1.0, warmup=0, clip_norm=1e6)
    start = run.measure_start()
    before = run.weights()
    list(run.run())
    assert run.best_iteration == 0 and run.best_loss == start
    torch.testing.assert_close(run.weights(), before)


def test_a_loss_that_is_no_number_is_one_line_and_leaves_the_state(tmp_path):
    run = trainer(tmp_path)
    steps = run.run()
    next(steps)
    with torch.no_grad():
        run.model.head.bias.fill_(math.nan)
    with pytest.raises(MelodiaError, match=r"iteration 2: the loss is nan.*--resume"):
        next(steps)
    again = trainer(tmp_path)
    again.resume()
    assert again.iteration == 1 and math.isfinite(again.measure())


class Damaged(EchoTask):
    def batches(self, part, num_parts, position):
        for loaded in super().batches(part, num_parts, position):
            if loaded.position[0][0] == 20:
                raise CorpusError("shard 7 is damaged")
            yield loaded


def test_a_damaged_shard_ends_the_run_with_what_was_learnt(tmp_path):
    run = trainer(tmp_path, Damaged(), save_minutes=100)
    with pytest.raises(MelodiaError, match="iteration 19: shard 7 is damaged; then go on with --resume"):
        list(run.run())
    mended = trainer(tmp_path)
    mended.resume()
    whole = trainer(tmp_path / "whole")
    assert seen(mended) == seen(whole)[19:]


FULL = """
import resource, sys
from pathlib import Path
from melodia.errors import MelodiaError
from tests.training.test_trainer import trainer
folder = Path(sys.argv[1])
run = trainer(folder, save_minutes=100)
steps = run.run()
next(steps)
run.save()
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    run.stop()
    next(steps)
except MelodiaError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs file size limits")
def test_a_full_disk_is_one_line_and_leaves_the_state_before(tmp_path):
    # a limit on the size of files stands for the full disk
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert "resume.pt: iteration 2 cannot be saved" in done.stdout, done.stderr
    assert "the state saved before is untouched" in done.stdout
    again = trainer(tmp_path)
    again.resume()
    assert again.iteration == 1
    assert [p.name for p in tmp_path.iterdir()] == ["resume.pt"]


def test_refusals(tmp_path):
    with pytest.raises(CheckpointError, match="nothing to resume"):
        trainer(tmp_path).resume()
    list(itertools.islice(trainer(tmp_path).run(), 1))
    other = EchoTask()
    other.identity = "another corpus"
    with pytest.raises(CheckpointError, match="made with another corpus"):
        trainer(tmp_path, other).resume()
    with pytest.raises(CheckpointError, match="cut into 1 parts, now it is 1 processes x --accumulate 2"):
        trainer(tmp_path, accumulate=2).resume()
    (tmp_path / "resume.pt").write_bytes(b"rubbish")
    with pytest.raises(CheckpointError, match="resume.pt: damaged"):
        trainer(tmp_path).resume()
    for settings, message in (({"precision": "int3"}, "precision"), ({"minutes": -1}, "minutes: -1"), ({"accumulate": 0}, "accum")):
        with pytest.raises(ConfigError, match=message):
            TrainingConfig(**settings)

import pytest

from melodia.engine import in_parallel
from melodia.errors import ConfigError, MelodiaError


def square(x):
    return x * x


def die(x):
    import os

    os._exit(1)


def fail(x):
    raise MelodiaError("told by the worker")


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order(jobs):
    assert list(in_parallel(square, ((i,) for i in range(20)), jobs)) == [i * i for i in range(20)]


def test_jobs_are_taken_a_few_at_a_time():
    taken = []

    def jobs():
        for i in range(1000):
            taken.append(i)
            yield (i,)

    results = in_parallel(square, jobs(), 1)
    assert next(results) == 0
    assert len(taken) < 50
    results.close()


def test_errors_of_a_worker_are_told():
    with pytest.raises(MelodiaError, match="told by the worker"):
        list(in_parallel(fail, [(1,)], 2))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_worker_that_dies_is_one_line():
    with pytest.raises(MelodiaError, match="a process died"):
        list(in_parallel(die, [(1,), (2,)], 2))


@pytest.mark.parametrize(
    "engine, match",
    [
        ("spark:x", "'spark:x' is not known; write dask:"),
        ("dask", "has no address"),
        ("dask:tcp://127.0.0.1:9", "nothing answers at tcp://127.0.0.1:9"),
    ],
)
def test_refusals(engine, match, monkeypatch):
    monkeypatch.setattr("melodia.engine.CONNECT_SECONDS", 1)
    with pytest.raises(ConfigError, match=match):
        list(in_parallel(square, [(1,)], 1, engine))


def test_an_engine_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ConfigError, match="ray is not installed; pip install ray"):
        list(in_parallel(square, [(1,)], 1, "ray:auto"))

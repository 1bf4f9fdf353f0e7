"""The same work on one process, on several, or on a cluster that is there already.

joblib runs it, with its own processes or with the Dask or Ray that is named: one code path, and Dask's
and Ray's schedulers do what they are good at. Ray Data was not chosen, as it would want the work written
as its datasets. Jobs go out a few at a time and results come back in order, so memory stays flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any, TypeVar

from melodia.errors import ConfigError, MelodiaError

T = TypeVar("T")
CONNECT_SECONDS = 10
JOBS_A_SLICE = 256


def in_parallel(work: Callable[..., T], jobs: Iterable[tuple[Any, ...]], num_processes: int, engine: str = "") -> Iterator[T]:
    """`work(*job)` of each job, in their order.

    Args:
        work: a function that other processes can import.
        jobs: its arguments, picklable.
        num_processes: on this machine; an engine has its own.
        engine: nothing, or `dask:ADDRESS` of a scheduler, or `ray:ADDRESS` (or `ray:auto`); on several
            machines all must see the same folders.

    Raises:
        ConfigError: the engine is not known, not installed or not there.
        MelodiaError: a process died.
    """
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with ExitStack() as stack:
        if engine:
            stack.enter_context(_engine(engine, stack))
        by_slices = engine.startswith("ray")  # its backend gives no result before it has all
        parallel = joblib.Parallel(n_jobs=-1 if engine else num_processes, return_as="list" if by_slices else "generator")
        calls = (joblib.delayed(work)(*job) for job in jobs)
        try:
            while by_slices and (some := list(islice(calls, JOBS_A_SLICE))):
                yield from parallel(some)
            yield from () if by_slices else parallel(calls)
        except TerminatedWorkerError as error:
            raise MelodiaError(
                "a process died, perhaps for want of memory: what was done is kept; run the same again with fewer --jobs"
            ) from error


def _engine(engine: str, stack: ExitStack) -> Any:
    import joblib

    name, _, address = engine.partition(":")
    if name not in ("dask", "ray"):
        raise ConfigError(f"engine: '{engine}' is not known; write dask:tcp://HOST:8786 or ray:auto")
    if not address:
        raise ConfigError(f"engine: '{engine}' has no address; write dask:tcp://HOST:8786 or ray:auto")
    try:
        if name == "dask":
            from distributed import Client

            client = stack.enter_context(Client(address, timeout=CONNECT_SECONDS))  # type: ignore[no-untyped-call]
            return joblib.parallel_config("dask", client=client)
        import ray
        from ray.util.joblib import register_ray

        ray.init(address=address, ignore_reinit_error=True)
        register_ray()
        return joblib.parallel_config("ray")
    except ImportError as error:
        package = "distributed" if name == "dask" else "ray"
        raise ConfigError(f"engine: {name} is not installed; pip install {package}") from error
    except (OSError, ConnectionError, ValueError) as error:
        raise ConfigError(f"engine: nothing answers at {address} ({error}); start the scheduler first") from error

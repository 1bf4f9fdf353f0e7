"""The next batches, made by a thread while the device works on this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def prefetched(batches: Iterator[T], depth: int = 2) -> Iterator[Iterator[T]]:
    """The same batches in the same order, `depth` of them ahead; errors come where their batch would."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
    try:
        waiting: deque[Future[T]] = deque(pool.submit(next, batches) for _ in range(depth))

        def ahead() -> Iterator[T]:
            while True:
                future = waiting.popleft()
                waiting.append(pool.submit(next, batches))
                try:
                    yield future.result()
                except StopIteration:
                    return

        yield ahead()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

"""Photos are read while those before them are on their way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

READERS = 2
"""Reading waits for the disk or the network, hashing for a processor: two keep both busy."""
AHEAD = 4
"""Photos that are read, or being read, beyond the one that is asked for."""

Item = TypeVar("Item")
Read = TypeVar("Read")


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Read]
) -> Iterator[tuple[Item, Callable[[], Read]]]:
    """Reads some items ahead, on threads.

    Args:
        items: What is to be read; at most `AHEAD` more of them are taken than were asked for.
        read: Reads one of them; two are read at a time.

    Yields:
        Each item, in its order, with what waits for its reading to end and then gives the
        outcome, or raises what the reading raised.
    """
    waiting: deque[tuple[Item, Future[Read]]] = deque()
    coming = iter(items)
    pool = ThreadPoolExecutor(READERS, thread_name_prefix="reading-ahead")
    try:
        while True:
            taken = islice(coming, 1 + AHEAD - len(waiting))
            waiting.extend((item, pool.submit(read, item)) for item in taken)
            if not waiting:
                return
            item, future = waiting.popleft()
            yield item, future.result
    finally:
        pool.shutdown(cancel_futures=True)

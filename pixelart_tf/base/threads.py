"""Work on threads, a few items ahead of who takes it."""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor


def ahead(
    function: Callable, items: Iterable, *, num_threads: int | None = None, depth: int | None = None
) -> Iterator:
    """`map(function, items)` on threads; results are in order.

    Args:
        function: what is done to each item; its exception is raised where its result would have come.
        items: read no further ahead than `depth`, as what has been read takes memory.
        num_threads: None is one a core.
        depth: items that may be under way or wait to be taken; None is four a thread.
    """
    num_threads = num_threads or os.cpu_count() or 1
    depth = depth or 4 * num_threads
    pool, waiting = ThreadPoolExecutor(num_threads), collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

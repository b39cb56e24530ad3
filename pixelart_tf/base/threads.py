"""Work on threads, a few items ahead of who takes it."""

import collections
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from pixelart_tf.base import limits


def ahead(
    function: Callable, items: Iterable, *, num_threads: int | None = None, depth: int | None = None
) -> Iterator:
    """`map(function, items)` on threads; results are in order.

    Args:
        function: what is done to each item; its exception is raised where its result would have come.
        items: read no further ahead than `depth`, as what has been read takes memory.
        num_threads: None is one a core.
        depth: items that may be under way or wait to be taken; None is four a thread. They are fewer where the arrays
            that wait have over `limits.AHEAD_BYTES`.
    """
    num_threads = num_threads or os.cpu_count() or 1
    depth = depth or 4 * num_threads
    pool, waiting = ThreadPoolExecutor(num_threads), collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            while waiting and _is_enough(waiting, depth, num_threads):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _is_enough(waiting: Collection[Future], depth: int, num_threads: int) -> bool:
    """Whether nothing more should be begun before something is taken."""
    done = [each for each in waiting if each.done()]
    # What is not done yet may turn out to be large, so that little more is begun than is worked on.
    if len(waiting) >= depth or len(waiting) - len(done) >= 2 * num_threads:
        return True
    return sum(_size(each.result()) for each in done if each.exception() is None) > limits.AHEAD_BYTES


def _size(result: object) -> int:
    if isinstance(result, tuple | list):
        return sum(map(_size, result))
    return len(result) if isinstance(result, bytes) else getattr(result, "nbytes", 0)

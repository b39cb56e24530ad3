"""Work on a Ray cluster, in order, a few items ahead of who takes it: what `base.threads` does on one machine.

Ray's core alone, not Ray Data. An item here is a shard or some batches, a function gets it and writes files itself, and
what comes back is small. Ray Data would add Arrow, blocks of rows and writers of its own, would want all items at the
start, where those out of a zip are read as the work goes on, and gives no order.

Every machine needs this package and sees the same files by the same paths. Whoever can reach a cluster can run code on
it, so that it belongs in a network of one's own.
"""

import argparse
import collections
import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.stderr import quiet

ENGINES = ("local", "ray")
TRIES = 4   # how often an item is begun, as what ends one worker after the other, such as too little memory, is its own


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Adds `--engine` and `--address`, the arguments of `opened`."""
    add("--engine", choices=ENGINES, help='local (default): on this machine; ray: by the workers of a '
        'Ray cluster (pip install "pixelart-tf[ray]"), which see the same files; the outputs are the same, and files '
        "that were whole when it was stopped are not made again when it is called again")
    add("--address", metavar="HOST:PORT", help="of the Ray cluster; auto: the one that this machine is part of "
        "(default: one on this machine alone)")


@contextlib.contextmanager
def opened(engine: str | None = None, address: str | None = None) -> Iterator["Cluster | None"]:
    """Gives the cluster, or None where work stays in this process.

    Args:
        engine: one of `ENGINES`; None is local.
        address: `"HOST:PORT"` or `"auto"`; None begins a cluster of this machine, which ends with the block. Where this
            process is connected already, that connection is used and left.

    Raises:
        UserError: Ray is not installed, no cluster answers, or an address without Ray.
    """
    if engine in (None, "local"):
        if address is not None:
            raise UserError(f"--address: is for `--engine ray`. Received: {address}")
        yield None
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")   # else it tells its makers that it is used
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")   # else it warns of how it treats GPUs
    try:
        import ray
    except ImportError:
        raise UserError('--engine ray: takes Ray: pip install "pixelart-tf[ray]"') from None
    if ray.is_initialized():
        yield Cluster(ray)
        return
    with quiet():
        try:
            begin = {"include_dashboard": False} if address is None else {}
            ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **begin)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(f"--address {address}: no Ray cluster there: {' '.join(str(error).split())}") from None
    try:
        yield Cluster(ray)
    finally:
        ray.shutdown()


class Cluster:
    """A Ray cluster that this process is connected to; made by `opened`."""

    def __init__(self, ray: Any):
        self._ray = ray

    def tasks(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """`map(function, items)`, one item a core; results are in order.

        What a worker or a machine that ends was at is done again by another.

        Args:
            function: can be pickled; its exception is raised where its result would have come.
            items: read no further ahead than four a core.

        Raises:
            UserError: one item ended `TRIES` workers.
        """
        task = self._ray.remote(_called).options(num_cpus=1, max_retries=TRIES - 1, scheduling_strategy="SPREAD")
        depth = 4 * max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        waiting = collections.deque()
        try:
            for item in items:
                waiting.append(task.remote(function, item))
                if len(waiting) >= depth:
                    yield self._got(waiting.popleft())
            while waiting:
                yield self._got(waiting.popleft())
        finally:
            for each in waiting:
                self._ray.cancel(each)

    def actors(self, make: Callable[[], Callable[[Any], Any]], items: Iterable[Any]) -> Iterator[Any]:
        """`map(make(), items)` by workers that each call `make` once, such as to open a network; results are in order.

        A worker has a GPU of its own; where the cluster has none, there is one a machine, as a network takes all cores.
        What a worker that ends was at is done again by another, and a new one is begun in its place.

        Args:
            make: can be pickled; gives what is done to each item.
            items: read no further ahead than four a worker.

        Raises:
            UserError: one item ended `TRIES` workers, or as many ended one after the other before they began.
        """
        ray = self._ray
        num_gpus = int(ray.cluster_resources().get("GPU", 0))
        size = num_gpus or sum(node["Alive"] for node in ray.nodes())
        needs = {"num_gpus": 1, "num_cpus": 0} if num_gpus else {"num_cpus": 1}
        kind = ray.remote(_Worker).options(scheduling_strategy="SPREAD", **needs)
        items, again, idle, busy, results = iter(items), collections.deque(), [], {}, {}
        tries, begun, taken = collections.Counter(), 0, 0

        def begin():
            worker = kind.remote(make)
            busy[worker.begin.remote()] = worker, None

        try:
            for _ in range(size):
                begin()
            while True:
                while idle and (again or begun < taken + 4 * size):
                    job = again.popleft() if again else (begun, *itertools.islice(items, 1))
                    if len(job) == 1:
                        if taken == begun:
                            return
                        break   # nothing is left to begin
                    begun = max(begun, job[0] + 1)
                    worker = idle.pop()
                    busy[worker.work.remote(job[1])] = worker, job
                (done, *_), _ = ray.wait([*busy], num_returns=1)
                worker, job = busy.pop(done)
                try:
                    result = self._got(done)
                except ray.exceptions.RayActorError:   # the worker is gone, or its machine
                    number = job and job[0]
                    tries[number] += 1
                    if tries[number] == TRIES:
                        which = "at the same item" if job else "as they began"
                        raise UserError(f"--engine ray: {TRIES} workers ended {which}") from None
                    again.extend([job] if job else [])
                    begin()
                    continue
                idle.append(worker)
                if job:
                    results[job[0]] = result
                while taken in results:
                    yield results.pop(taken)
                    taken += 1
        finally:
            for worker in [*idle, *(each for each, _ in busy.values())]:
                ray.kill(worker)

    def _got(self, reference: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            raise error.cause from None   # as if the function had been called here
        except errors.RayActorError:
            raise
        except errors.RayError as error:
            raise UserError(f"--engine ray: {str(error).strip().splitlines()[0]}") from None


def _called(function: Callable[[Any], Any], item: Any) -> Any:
    """What Ray runs for `tasks`, as it takes no `partial`."""
    return function(item)


class _Worker:
    """What runs in an actor."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]):
        self._make = make

    def begin(self) -> None:
        """Not in `__init__`, whose exception Ray tells as the end of the worker."""
        self._function = self._make()

    def work(self, item: Any) -> Any:
        return self._function(item)

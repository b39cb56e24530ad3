"""Features of pictures by the workers of a cluster, each of which holds the network."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pixelart_tf import devices
from pixelart_tf.base.cluster import Cluster
from pixelart_tf.evaluation.extractor import Extractor
from pixelart_tf.pictures import sources


def on_cluster(
    cluster: Cluster, network: str, *, weights: Path | None = None, backend: str | None = None, **options
) -> Callable[[Iterable[list[sources.Encoded]], str | Path], Iterator[tuple]]:
    """What `Extractor` takes as `elsewhere`: the rows are the same bytes where devices and threads are alike.

    Args:
        cluster: whose workers each open the network once.
        network, weights: see `features.load`; files must be seen by all machines.
        backend: see `devices.select_backend`.
        **options: `size`, `batch_size` and `skip_bad` of the `Extractor`.
    """
    if Path(network).is_file():
        network = str(Path(network).absolute())
    weights = weights and weights.absolute()
    make = partial(_Worker, network, weights, backend, options)

    def elsewhere(chunks: Iterable[list[sources.Encoded]], pattern: str | Path) -> Iterator[tuple]:
        return cluster.actors(make, ((list(map(_whole, items)), pattern) for items in chunks))

    return elsewhere


def _whole(item: sources.Encoded) -> sources.Encoded:
    """The same with a path that holds in any folder."""
    return replace(item, source=item.source.absolute()) if isinstance(item.source, Path) else item


class _Worker:
    """Holds a network, and does chunk after chunk."""

    def __init__(self, network: str, weights: Path | None, backend: str | None, options: dict[str, Any]):
        devices.select_backend(backend)
        chosen = devices.choose(precision="float32", exact=True, join_hosts=False)
        self._extractor = Extractor.open(network, chosen, weights=weights, **options)

    def __call__(self, chunk: tuple[list[sources.Encoded], str | Path]) -> tuple:
        return self._extractor.chunk(*chunk)

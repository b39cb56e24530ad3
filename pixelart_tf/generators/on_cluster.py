"""Picture files -> picture files, through a generator, by the workers of a cluster."""

import functools
import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.cluster import Cluster
from pixelart_tf.generators import pretrained
from pixelart_tf.generators.opening import load_on_devices
from pixelart_tf.generators.picture_files import Translated, chunk_of, write
from pixelart_tf.pictures import outputs, sources
from pixelart_tf.pictures.batch import Batch

# Where the note of a chunk lies, by whose presence it is done; its pictures; and where the output of each goes.
Chunk = tuple[Path, list[sources.Encoded], dict[str, Path]]


def translate_on_cluster(
    cluster: Cluster,
    generator: str | Path,
    pictures: Iterable[str | Path],
    out: str | Path,
    *,
    style: str | None = None,
    backend: str | None = None,
    format: str = "png",
    overwrite: bool = False,
    skip_bad: bool = False,
    batch_size: int = 8,
    tile: int = 512,
    overlap: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> Translated:
    """`translate_files` by workers that each hold the generator and write their pictures themselves.

    The files have the same bytes where the workers have devices and numbers of threads like this machine's. A folder
    that was begun and not ended is gone on with where pictures, outputs, generator and options are the same: what lies
    in it then is replaced, and the chunks that are done are not done again.

    Args:
        generator: the path of one that all machines see, or the name of a bundled one.
        style: see `load_generator`.
        backend: see `devices.select_backend`.
        pictures, out and all others: see `translate_files`.

    Raises:
        UserError: as `translate_files`.
    """
    pictures, out = [*pictures], Path(out)
    path = pretrained.find(generator)
    generator = path.absolute() if Path(generator) == path else generator   # a name is found on each machine
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    options = {"batch_size": batch_size, "tile": tile, "overlap": overlap}
    network = hashlib.sha256(path.read_bytes()).hexdigest()
    job = (*map(str, pictures), str(out), network, style, backend, format, options)
    begun = out.parent / f".begun-{out.name}-{hashlib.sha256(repr(job).encode()).hexdigest()[:32]}"
    targets = outputs.plan(pictures, out, format=format, overwrite=overwrite or begun.exists())
    batch = Batch(pictures, targets)
    begun.mkdir(exist_ok=True)
    make = functools.partial(_Worker, generator, style, backend, skip_bad, options)
    num_done, bad = 0, []
    for count, lines in cluster.actors(make, _chunks(batch, targets, begun.absolute(), chunk_of(batch_size))):
        num_done, bad = num_done + count, bad + lines
        if progress is not None:
            progress(num_done + len(bad), len(targets))
    shutil.rmtree(begun)
    if not num_done:
        raise UserError(f"none of the {len(bad)} pictures can be used; the first: {min(bad)}")
    return Translated(num_pictures=num_done, bad=bad)


def _chunks(batch: Batch, targets: dict[str, Path], begun: Path, size: int) -> Iterator[Chunk]:
    encoded = (item for _, item in batch.encoded())
    while items := list(itertools.islice(encoded, size)):
        digest = hashlib.sha256()
        for item in items:
            on_disk = isinstance(item.source, Path)
            state = item.source.stat() if on_disk else None
            digest.update(repr((item.place, state.st_size, state.st_mtime_ns) if on_disk else item).encode())
        items = [
            replace(item, source=item.source.absolute()) if isinstance(item.source, Path) else item for item in items
        ]
        places = {item.place: targets[item.place].absolute() for item in items}
        yield begun / f"{digest.hexdigest()}.json", items, places


class _Worker:
    """Holds a generator, and does chunk after chunk."""

    def __init__(self, generator: str | Path, style: str | None, backend: str | None, skip_bad: bool, options: dict):
        devices.select_backend(backend)
        self._generator, predict = load_on_devices(generator, style=style)
        self._skip_bad, self._options = skip_bad, {**options, "predict": predict}

    def __call__(self, chunk: Chunk) -> tuple[int, list[str]]:
        """Gives the number of pictures written, and a line for each bad one."""
        note, items, targets = chunk
        if note.exists():
            count, bad = json.loads(note.read_text(encoding="utf-8"))
            if self._skip_bad or not bad:
                return count, bad
        batch = Batch(items, targets, skip_bad=self._skip_bad)
        count = sum(1 for _ in write(batch, targets, self._generator, **self._options))
        files.write_text(note, json.dumps([count, batch.bad]))
        return count, batch.bad

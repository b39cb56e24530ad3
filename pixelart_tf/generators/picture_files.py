"""Picture files -> picture files, through a generator."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base.threads import ahead
from pixelart_tf.generators.translating import translate
from pixelart_tf.pictures import images, outputs, sources
from pixelart_tf.pictures.batch import Batch


@dataclass(frozen=True, kw_only=True)
class Translated:
    """What `translate_files` did.

    Attributes:
        num_pictures: written.
        bad: a line for each bad picture that was skipped.
    """

    num_pictures: int
    bad: list[str]


def translate_files(
    generator: Any,
    pictures: Iterable[str | Path],
    out: str | Path,
    *,
    predict: Callable[[np.ndarray], np.ndarray] | None = None,
    format: str = "png",
    overwrite: bool = False,
    skip_bad: bool = False,
    batch_size: int = 8,
    tile: int = 512,
    overlap: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> Translated:
    """Translates picture files into a folder, or one picture into one file.

    Args:
        generator: a Keras model or the path of one.
        pictures: files, folders, globs, zips and shards (see `sources.read`). A folder's subfolders are kept.
        out: a folder, made where it is not there; for one picture also a file, whose suffix then says the format.
        format: `"png"`, `"jpeg"`, or `"keep"` for each picture's own.
        overwrite: replace what is there. An input is never overwritten.
        skip_bad: go on without the pictures that cannot be read.
        predict, batch_size, tile, overlap: see `translate`.
        progress: called with the numbers of pictures done and to do.

    Raises:
        UserError: no pictures, a bad one, a generator that cannot be used, or outputs that would overwrite something.
        OSError: an output cannot be written.
    """
    pictures = [*pictures]
    targets = outputs.plan(pictures, out, format=format, overwrite=overwrite)
    batch = Batch(pictures, targets, skip_bad=skip_bad, progress=progress)
    written = write(batch, targets, generator, predict=predict, batch_size=batch_size, tile=tile, overlap=overlap)
    return Translated(num_pictures=sum(1 for _ in batch.counted(written)), bad=batch.bad)


def write(
    batch: Batch, targets: dict[str, Path], generator: Any, *, batch_size: int, **options
) -> Iterator[None]:
    """Reads, translates and writes a batch's pictures, and gives None after each good one.

    No batch of the network holds pictures of two chunks of `chunk_of` pictures, so that where a set is divided between
    chunks each part of it is written as in one piece.

    Args:
        batch: see `Batch`.
        targets: the `place` of each picture -> its output.
        generator, batch_size, **options: see `translate`.
    """
    decoded = batch.each(_decoded, batch.encoded(), every=chunk_of(batch_size))
    translated = translate(generator, decoded, batch_size=batch_size, **options)
    return ahead(lambda named: images.write(targets[named[0]], named[1]), translated)


def chunk_of(batch_size: int) -> int:
    """Pictures that a worker of a cluster gets at a time."""
    return 8 * batch_size


def _decoded(place: str, item: sources.Encoded) -> np.ndarray:
    return item.decode()

"""Pictures of any size through a generator."""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.generators import tiling
from pixelart_tf.generators.opening import check_generator, load_generator
from pixelart_tf.pictures import images, outputs, sources


def translate(
    generator: Any,
    named_images: Iterable[tuple[str, np.ndarray]],
    *,
    batch_size: int = 8,
    tile: int = 512,
    overlap: int = 64,
) -> Iterator[tuple[str, np.ndarray]]:
    """Runs a generator over pictures of any size; dropout is off.

    A picture is continued by reflection to a size that the network takes, and the result is cut back. What is larger
    than `tile` (or than the network's own size, where that is fixed) goes through in overlapping tiles. Instance norm
    makes a tile's colors depend on all that is in it, so that neighbours differ, and they are blended over the
    overlap. Cells of pixel art stay whole: tiles and blending keep to the grid of a generator that ends in a nearest
    enlargement. A network of a fixed size whose output has another shape (256x256 -> 128x96) gets the whole picture,
    stretched to its size.

    Args:
        generator: a Keras model or the path of one.
        named_images: pairs of a name and a uint8 image (H, W, 3); read no further ahead than a few batches.
        batch_size: pictures or tiles of one size that go through the network together.
        tile: pixels of a side.
        overlap: pixels that neighbouring tiles share at least, at most half of `tile`.

    Yields:
        The name and the translated uint8 image (h, w, 3), in the order of `named_images`. h is H, or H times the factor
        by which the network enlarges, rounded up. Grey outputs are repeated to three channels.

    Raises:
        UserError: a generator that cannot be used, or an argument out of its range.
        ValueError: an image that is not uint8 (H, W, 3).
    """
    if batch_size < 1:
        raise UserError(f"`batch_size` must be at least 1. Received: {batch_size}")
    if tile < 1:
        raise UserError(f"`tile` must be at least 1. Received: {tile}")
    if not 0 <= overlap <= tile // 2:
        raise UserError(f"`overlap` must be from 0 to half of `tile`. Received: {overlap} with `tile` {tile}")
    if isinstance(generator, str | os.PathLike):
        generator = load_generator(generator)
    else:
        check_generator(generator, "`generator`")
    return _translate(generator, named_images, batch_size, tiling.axes_of(generator, tile, overlap))


def _translate(generator, named_images, batch_size, axes):
    waiting = collections.deque()  # pictures in the order that they came in
    groups = collections.defaultdict(list)  # shape -> (picture, corner, piece) that wait for a full batch
    for name, image in named_images:
        picture = tiling.Pieces(name, image, generator.input_shape, axes)
        waiting.append(picture)
        for corner, piece in picture.pieces():
            groups[piece.shape].append((picture, corner, piece))
            if len(groups[piece.shape]) == batch_size:
                _run(generator, groups.pop(piece.shape), batch_size)
        if len(waiting) >= 8 * batch_size:  # an odd size must not hold up all that follow
            while groups:
                _run(generator, groups.popitem()[1], batch_size)
        while waiting and not waiting[0].num_missing:
            picture = waiting.popleft()
            yield picture.name, picture.result()
    while groups:
        _run(generator, groups.popitem()[1], batch_size)
    for picture in waiting:
        yield picture.name, picture.result()


def _run(generator, group, batch_size):
    import keras

    batch = images.to_float(np.stack([piece for _, _, piece in group]))  # (B, H, W, C)
    if keras.backend.backend() == "tensorflow":
        if not generator.compiled:
            generator.jit_compile = False  # XLA would compile anew for each size of pictures
    else:
        # JAX compiles anew for each size of batch, so there are only powers of two of them.
        fill = min(batch_size, 1 << (len(group) - 1).bit_length()) - len(group)
        batch = np.concatenate([batch, np.repeat(batch[-1:], fill, axis=0)])
    outputs = np.asarray(generator.predict_on_batch(batch), np.float32)
    for (picture, corner, _), output in zip(group, outputs, strict=False):
        picture.add(corner, output)


def translate_files(
    generator: Any,
    pictures: Iterable[str | Path],
    out: str | Path,
    *,
    format: str = "png",
    overwrite: bool = False,
    skip_bad: bool = False,
    batch_size: int = 8,
    tile: int = 512,
    overlap: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Translates picture files into a folder, or one picture into one file.

    Args:
        generator: a Keras model or the path of one.
        pictures: files, folders, globs, zips and shards (see `sources.read`). A folder's subfolders are kept.
        out: a folder, made where it is not there; for one picture also a file, whose suffix then says the format.
        format: `"png"`, `"jpeg"`, or `"keep"` for each picture's own.
        overwrite: replace what is there. An input is never overwritten.
        skip_bad: go on without the pictures that cannot be read.
        batch_size, tile, overlap: see `translate`.
        progress: called with the numbers of pictures done and to do.

    Returns:
        A line for each bad picture that was skipped.

    Raises:
        UserError: no pictures, a bad one, or outputs that would overwrite something.
        OSError: an output cannot be written.
    """
    if isinstance(generator, str | os.PathLike):
        generator = load_generator(generator)
    pictures = [*pictures]
    targets = outputs.plan(pictures, out, format=format, overwrite=overwrite)
    for folder in {target.parent for target in targets.values()}:
        folder.mkdir(parents=True, exist_ok=True)
    bad, left = [], set(targets)

    def encoded():
        for pattern in pictures:
            for item in sources.read(pattern):
                if item.place in left:   # it may be given twice, or be an earlier output
                    left.remove(item.place)
                    yield item

    def read(item):
        try:
            return item.place, item.decode()
        except images.ImageError as error:
            if not skip_bad:
                raise
            bad.append(str(error))
            return None

    def write(named):
        place, image = named
        images.write(targets[place], image)

    named_images = filter(None, ahead(read, encoded()))
    translated = translate(generator, named_images, batch_size=batch_size, tile=tile, overlap=overlap)
    for done, _ in enumerate(ahead(write, translated), 1):
        if progress:
            progress(done + len(bad), len(targets))
    if len(bad) == len(targets):
        raise UserError(f"none of the {len(bad)} pictures can be read; the first: {bad[0]}")
    return bad

"""Pictures of any size through a generator: the one engine of all that does so."""

import collections
import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.generators import tiling
from pixelart_tf.generators.opening import check_generator, load_generator
from pixelart_tf.generators.pieces import Pieces
from pixelart_tf.pictures import images

BATCH_PIXELS = 256**2   # a picture's or a tile's in a full batch; of larger ones fewer go in
PATIENCE = 4   # batches' worth of pictures that may come in before an odd size goes through in a batch that is not full

Batch = list[tuple[Pieces, tuple[int, int]]]   # pictures and the corners of pieces of one size


def translate(
    generator: Any,
    named_images: Iterable[tuple[str, np.ndarray] | None],
    *,
    predict: Callable[[np.ndarray], np.ndarray] | None = None,
    batch_size: int = 8,
    tile: int = 512,
    overlap: int = 64,
) -> Iterator[tuple[str, np.ndarray]]:
    """Runs a generator over pictures of any size; dropout is off.

    A picture is continued by reflection to a size that the network takes, and the result is cut back. What is larger
    than `tile` (or than the network's own size, where that is fixed) goes through in overlapping tiles. A network of
    any size that sees no further than a quarter of a tile gives the same in tiles as in one piece. Instance norm makes
    a tile's colors depend on all that is in it, so that neighbours differ, and they are blended over the overlap. Cells
    of pixel art stay whole: tiles and blending keep to the grid of a generator that ends in a nearest enlargement. A
    network of a fixed size whose output has another shape (256x256 -> 128x96) gets the whole picture, stretched to its
    size.

    One thread does nothing but run the network, and its next batch lies ready; floats are made of pictures and
    pictures of floats on others. `named_images` is read on the thread that takes the results. Of a large picture no
    more is in memory than itself, its result and a row of tiles.

    Args:
        generator: a Keras model or the path of one.
        named_images: pairs of a name and a uint8 image (H, W, 3); read no further ahead than some batches. Where None
            stands among them, no batch holds pictures from both sides of it.
        predict: runs `generator` over a float32 batch (B, H, W, C) and is called on a thread of its own; see
            `Devices.predictor`. None is `generator.predict_on_batch`.
        batch_size: pictures or tiles of one size that go through the network together, if they have at most 256x256
            pixels; of larger ones as many as have no more pixels in all, and one at least.
        tile: pixels of a side.
        overlap: pixels that neighbouring tiles share at least, at most half of `tile`.

    Yields:
        The name and the translated uint8 image (h, w, 3), in the order of `named_images`. h is H, or H times the factor
        by which the network enlarges, rounded up. Grey outputs are repeated to three channels.

    Raises:
        UserError: a generator that cannot be used or gives NaN, or an argument out of its range.
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
    axes = tiling.axes_of(generator, tile, overlap)
    pictures = (each and Pieces(*each, generator.input_shape, axes) for each in named_images)
    return _translate(pictures, _Network(generator, predict), batch_size)


def _translate(
    pictures: Iterator[Pieces | None], network: "_Network", batch_size: int
) -> Iterator[tuple[str, np.ndarray]]:
    waiting = collections.deque()   # pictures in the order that they came in
    made = _batches(pictures, batch_size, waiting)
    stages = (
        (functools.partial(network.prepare, batch_size=batch_size), {"depth": 2}),
        (network.run, {"num_threads": 1, "depth": 3}),   # one runs, one lies ready, one is done
        (_assemble, {"num_threads": 1, "depth": 2}),   # a picture's pieces come in their order
    )
    with contextlib.ExitStack() as stack:
        for stage, options in stages:
            made = stack.enter_context(contextlib.closing(ahead(stage, made, **options)))
        for _ in made:
            while waiting and waiting[0].result is not None:
                yield waiting[0].name, waiting.popleft().result


def _batches(pictures: Iterator[Pieces | None], batch_size: int, waiting: collections.deque) -> Iterator[Batch]:
    """Pieces of one size, together; notes all pictures in `waiting` as they come in."""
    groups = {}   # size of the pieces -> number of the picture that began the group, and the group; in this order
    for number, picture in enumerate(pictures):
        if picture is None:
            yield from (group for _, group in groups.values())
            groups.clear()
            continue
        waiting.append(picture)
        size = picture.piece_shape
        for corner in picture.corners:
            _, group = groups.setdefault(size, (number, []))
            group.append((picture, corner))
            if len(group) == _full(size, batch_size):
                yield groups.pop(size)[1]
        while groups and number - next(iter(groups.values()))[0] >= PATIENCE * batch_size:
            yield groups.pop(next(iter(groups)))[1]   # an odd size must not hold up all that follow
    for _, group in groups.values():
        yield group


def _full(size: tuple[int, int], batch_size: int) -> int:
    """How many pieces of a height and width go through the network together."""
    height, width = size
    return max(1, min(batch_size, batch_size * BATCH_PIXELS // (height * width)))


class _Network:
    """A generator, and what runs it."""

    def __init__(self, generator: Any, predict: Callable[[np.ndarray], np.ndarray] | None):
        import keras

        self._predict = predict or generator.predict_on_batch
        self._compiles = keras.backend.backend() != "tensorflow"
        if not self._compiles and not generator.compiled:
            generator.jit_compile = False   # XLA would compile anew for each size of pictures
        self._distribution = keras.distribution.distribution()

    def prepare(self, batch: Batch, *, batch_size: int) -> tuple[Batch, np.ndarray]:
        """Adds the batch as the network takes it, float32 (B, H, W, C) in [-1, 1]."""
        pieces = np.stack([picture.cut(corner) for picture, corner in batch])   # (B, H, W, C)
        if self._compiles:
            # JAX compiles anew for each size of batch, so there are only powers of two of them, and full ones.
            full = _full(pieces.shape[1:3], batch_size)
            fill = min(full, 1 << (len(batch) - 1).bit_length()) - len(batch)
            pieces = np.concatenate([pieces, np.repeat(pieces[-1:], fill, axis=0)])
        return batch, images.to_float(pieces)

    def run(self, prepared: tuple[Batch, np.ndarray]) -> tuple[Batch, np.ndarray]:
        """Replaces floats by what the network makes of them, float32 (B, h, w, C)."""
        batch, values = prepared
        # Keras keeps the distribution for each thread, and this is another one than it was chosen on.
        with self._distribution.scope() if self._distribution else contextlib.nullcontext():
            return batch, np.asarray(self._predict(values), np.float32)


def _assemble(made: tuple[Batch, np.ndarray]) -> None:
    """Gives each picture what the network made of its pieces."""
    for (picture, corner), output in zip(*made, strict=False):
        picture.add(corner, output)

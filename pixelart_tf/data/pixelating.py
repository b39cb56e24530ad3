"""Picture files -> pixelated picture files, by the functions of the `tf.data` pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.data import feeds
from pixelart_tf.data.loading import Pictures, to_load_size
from pixelart_tf.pictures import images, outputs, sources
from pixelart_tf.pictures.batch import Batch
from pixelart_tf.settings.domain import Domain


@dataclass(frozen=True, kw_only=True)
class Pixelated:
    """What `pixelate_files` did.

    Attributes:
        num_pictures: written.
        bad: a line for each bad picture that was skipped.
    """

    num_pictures: int
    bad: list[str]


def pixelate(
    image: np.ndarray, block: int, *, size: int | tuple[int, int] | None = None, grey: bool = False, fit: str = "crop",
    enlarge: bool = True,
) -> np.ndarray:
    """Makes of a picture what a model gets from `[data.source]` with the same settings.

    Args:
        image: uint8 (H, W, 3).
        block: side of a cell in pixels (`pixelate` there).
        size: what the picture is brought to before, one number or (height, width); None for its own size.
        grey: one channel, Rec. 601 luma.
        fit: how a picture of another shape becomes `size`; see `images.fit`.
        enlarge: False gives one pixel a cell.

    Returns:
        uint8 (height, width, 1 or 3).

    Raises:
        UserError: `block` does not divide the size, or a size that is not possible.
    """
    domain = _domain(image.shape[:2] if size is None else size, block=block, grey=grey, fit=fit, enlarge=enlarge)
    pictures = Pictures(domain=domain, names=("",), data=tf.constant(to_load_size(image, domain)[np.newaxis]))
    return images.to_uint8(feeds.without_augmentation(pictures, [0]).numpy()[0])


def _domain(size: int | tuple[int, int], *, block: int, **options) -> Domain:
    height, width = (size, size) if isinstance(size, int) else size
    if block < 1 or height % block or width % block:
        raise UserError(f"`block` must divide the height, {height}, and the width, {width}. Received: {block}")
    try:
        return Domain(files="", image_size=(height, width), pixelate=block, **options)
    except ValueError as error:
        raise UserError(str(error).replace("`image_size`", "`size`")) from None


def pixelate_files(
    pictures: str | Path,
    out: str | Path,
    *,
    block: int,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
    fit: str = "crop",
    enlarge: bool = True,
    format: str = "keep",
    overwrite: bool = False,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Pixelated:
    """Pixelates picture files into a folder, or one picture into one file.

    Args:
        pictures: what `sources.read` takes. A folder's subfolders are kept.
        out: a folder, made where it is not there; for one picture also a file, whose suffix then says the format.
        block, size, grey, fit, enlarge: see `pixelate`.
        format: `"png"`, `"jpeg"`, or `"keep"` for each picture's own.
        overwrite: replace what is there. An input is never overwritten.
        skip_bad: go on without the pictures that cannot be used.
        progress: called with the numbers of pictures done and to do.

    Raises:
        UserError: no pictures, a bad one, or outputs that would overwrite something.
        OSError: an output cannot be written.
    """
    options = {"block": block, "grey": grey, "fit": fit, "enlarge": enlarge}
    if size is not None:   # a mistake in it is no picture's fault
        _domain(size, **options)
    targets = outputs.plan([pictures], out, format=format, overwrite=overwrite)
    batch = Batch([pictures], targets, skip_bad=skip_bad, progress=progress)

    def work(place: str, item: sources.Encoded) -> np.ndarray:
        return pixelate(item.decode(), size=size, **options)

    written = ahead(
        lambda named: images.write(targets[named[0]], named[1]), batch.each(work, batch.encoded())
    )
    return Pixelated(num_pictures=sum(1 for _ in batch.counted(written)), bad=batch.bad)

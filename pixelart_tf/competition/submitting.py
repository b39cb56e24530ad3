"""Photos -> a generator -> a competition's images.zip."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.base.threads import ahead
from pixelart_tf.competition import zips
from pixelart_tf.generators import tiling
from pixelart_tf.generators.opening import load_generator
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize import art

QUALITY = 95   # of the JPEGs


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """What `submit` wrote.

    Attributes:
        num_pictures: in the zip.
        num_bytes: of the zip.
        num_blank: pictures of one color, as which a network's NaN come out.
        seconds: from the first picture on, the generator's compilation in them.
    """

    num_pictures: int
    num_bytes: int
    num_blank: int
    seconds: float


def submit(
    generator: Any,
    photos: str | Path,
    out: str | Path,
    *,
    size: int = zips.SIZE,
    fit: bool = False,
    limit: int = zips.MOST,
    any_count: bool = False,
    overwrite: bool = False,
    style: art.Style | None = None,
    batch_size: int = 8,
    progress: Callable[[str], Callable[[int, int], None]] = ProgressBar,
) -> Submitted:
    """Translates photos into a zip of JPEGs, in one pass: what is made is never anywhere but in the zip.

    Other threads decode and encode while the network runs. What can be known of the photos is found out before: their
    number, their names and their sizes.

    Args:
        generator: a Keras model or the path of one, of three channels in and out.
        photos: a folder, a glob, a zip or shards (see `sources.read`). A picture's name without folders and suffix,
            and .jpg, is its name in the zip.
        out: the zip. Nothing is seen there before all is written.
        size: pixels of a side, of the photos and of what is made of them.
        fit: cut photos of other sizes to the middle square and resample them; else they are an error.
        limit: take the first so many photos.
        any_count: whether there may be fewer than 7,000 or more than 10,000 pictures.
        overwrite: replace `out`.
        style: makes pixel art of what the generator gives.
        batch_size: pictures that go through the network together.
        progress: makes a function of (done, total) for a piece of work, of its label.

    Raises:
        UserError: photos, a generator or a zip that will not do; one line.
        OSError: the disk does not take the zip.
    """
    out = Path(out)
    _check_options(out, photos, size, limit, batch_size, overwrite, style)
    names = zips.plan(photos, size=None if fit else size, limit=limit, progress=progress("looking at photos"))
    if wrong := not any_count and zips.wrong_count(len(names)):
        raise UserError(f"{photos}: {wrong}")
    called = "`generator`"
    if isinstance(generator, str | Path):
        called, generator = str(generator), load_generator(generator)
    channels = generator.input_shape[-1], generator.output_shape[-1]
    if channels != (3, 3):
        raise UserError(f"{called}: of {channels[0]} channels to {channels[1]}, and a submission needs 3 to 3 (RGB)")
    axes = tiling.axes_of(generator, tile=2 * size, overlap=size // 4)
    num_blank, bar = 0, progress("translating")

    def decode(item):
        image = item.decode()
        if fit:
            image = images.fit(image, size)
        zips.check_size(item.place, image.shape[1::-1], size)
        picture = tiling.Pieces(item.place, image, generator.input_shape, axes)
        return picture, images.to_float(np.stack([piece for _, piece in picture.pieces()]))   # (pieces, h, w, 3)

    def encode(translated):
        picture, outputs = translated
        for corner, output in zip(picture.corners, outputs, strict=True):
            picture.add(corner, output)
        image = picture.result()
        height, width = image.shape[:2]
        if (height, width) != (size, size):
            raise UserError(f"{called}: makes {width}x{height} pictures of {size}x{size} ones, not {size}x{size}")
        if style is not None:
            image = _pixelized(picture.name, image, style)
        is_blank = all((some == image[0, 0]).all() for some in (image[::16, ::16], image))   # the few are quick
        return names[picture.name], images.encode(image, "jpeg", QUALITY), is_blank

    def members() -> Iterator[tuple[str, bytes]]:
        nonlocal num_blank
        done = 0
        # While one batch is in the network, the next is decoded and the one before is encoded.
        depth = 2 * batch_size + 1
        planned = (item for item in sources.read(photos) if item.place in names)
        translated = _translated(generator, ahead(decode, planned, depth=depth), min(batch_size, len(names)))
        for done, (name, encoded, is_blank) in enumerate(ahead(encode, translated, depth=depth), 1):
            num_blank += is_blank
            yield name, encoded
            bar(done, len(names))
        if done < len(names):
            raise UserError(f"{photos}: {len(names) - done:,} of {len(names):,} photos went away meanwhile")

    start = time.monotonic()
    number = zips.write(out, members())
    return Submitted(
        num_pictures=number, num_bytes=out.stat().st_size, num_blank=num_blank, seconds=time.monotonic() - start
    )


def _check_options(
    out: Path, photos: str | Path, size: int, limit: int, batch_size: int, overwrite: bool, style: art.Style | None
) -> None:
    """Raises UserError for what needs no look at the photos."""
    for name, value in {"size": size, "limit": limit, "batch_size": batch_size}.items():
        if value < 1:
            raise UserError(f"`{name}` must be at least 1. Received: {value}")
    if out.suffix.lower() != ".zip":
        raise UserError(f"{out}: must end in .zip")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent}: no such folder")
    if out.is_dir():
        raise UserError(f"{out}: a folder")
    if out.exists() and out.resolve() == Path(photos).resolve():
        raise UserError(f"{out}: the input, which is never overwritten")
    if out.exists() and not overwrite:
        raise UserError(f"{out}: already there; --overwrite replaces it")
    if style is not None:
        for name in ("cell", "width"):
            value = getattr(style, name)
            if isinstance(value, int) and size % value:
                raise UserError(f"`{name}` must divide {size}, so that all cells are equal squares. Received: {value}")


def _translated(
    generator: Any, pictures: Iterator[tuple[tiling.Pieces, np.ndarray]], batch_size: int
) -> Iterator[tuple[tiling.Pieces, np.ndarray]]:
    """Replaces the pieces of each picture by what the network makes of them.

    The network has a thread of its own that does nothing else, and its next batch lies ready. `translate` has it wait
    while pictures are made floats and bytes; here that is other threads' work.
    """

    def run(batch):
        pieces = [pieces for _, pieces in batch]
        pieces += pieces[-1:] * (batch_size - len(batch))   # always one size: JAX and XLA compile for each
        outputs = np.asarray(generator.predict_on_batch(np.concatenate(pieces)), np.float32)
        outputs = np.split(outputs, batch_size)
        return [(picture, output) for (picture, _), output in zip(batch, outputs, strict=False)]

    batches = iter(lambda: [*itertools.islice(pictures, batch_size)], [])
    return itertools.chain.from_iterable(ahead(run, batches, num_threads=1, depth=3))


def _pixelized(place: str, image: np.ndarray, style: art.Style) -> np.ndarray:
    """Pixel art at the size of the picture: uint8 (H, W, 3), each cell where it is in the picture."""
    try:
        grid = art.grid(image, style)
        made = art.finish(art.reduce(image, style, grid), style).image(scale=1)   # (rows, columns, 3)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    # Pixels at the border that belong to no whole cell go to the nearest one.
    rows, columns = (
        np.clip(np.searchsorted(lines, np.arange(side), side="right") - 1, 0, len(lines) - 2)
        for lines, side in zip((grid.rows, grid.columns), image.shape[:2], strict=True)
    )
    return made[rows][:, columns]

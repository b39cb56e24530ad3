"""Photos -> a generator -> a competition's images.zip."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.base.threads import ahead
from pixelart_tf.competition import zips
from pixelart_tf.generators.translating import translate
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize import art
from pixelart_tf.pixelize.style import Style

QUALITY = 95   # of the JPEGs


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """What `submit` wrote.

    Attributes:
        num_pictures: in the zip.
        num_bytes: of the zip.
        num_blank: pictures of one color.
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
    predict: Callable[[np.ndarray], np.ndarray] | None = None,
    called: str = "`generator`",
    size: int = zips.SIZE,
    fit: bool = False,
    limit: int = zips.MOST,
    any_count: bool = False,
    overwrite: bool = False,
    style: Style | None = None,
    batch_size: int = 8,
    progress: Callable[[str], Callable[[int, int], None]] = ProgressBar,
) -> Submitted:
    """Translates photos into a zip of JPEGs, in one pass: what is made is never anywhere but in the zip.

    Other threads decode and encode while the network runs. What can be known of the photos is found out before: their
    number, their names and their sizes.

    Args:
        generator: a Keras model of three channels in and out.
        photos: a folder, a glob, a zip or shards (see `sources.read`). A picture's name without folders and suffix,
            and .jpg, is its name in the zip.
        out: the zip. Nothing is seen there before all is written.
        predict, batch_size: see `translate`.
        called: what a message calls the generator.
        size: pixels of a side, of the photos and of what is made of them.
        fit: cut photos of other sizes to the middle square and resample them; else they are an error.
        limit: take the first so many photos.
        any_count: whether there may be fewer than 7,000 or more than 10,000 pictures.
        overwrite: replace `out`.
        style: makes pixel art of what the generator gives.
        progress: makes a function of (done, total) for a piece of work, of its label.

    Raises:
        UserError: photos, a generator or a zip that will not do; one line.
        OSError: the disk does not take the zip.
    """
    out = Path(out)
    check_options(out, photos, size=size, limit=limit, batch_size=batch_size, overwrite=overwrite, style=style)
    names = zips.plan_names(photos, size=None if fit else size, limit=limit, progress=progress("looking at photos"))
    if wrong := not any_count and zips.wrong_count(len(names)):
        raise UserError(f"{photos}: {wrong}")
    channels = generator.input_shape[-1], generator.output_shape[-1]
    if channels != (3, 3):
        raise UserError(f"{called}: of {channels[0]} channels to {channels[1]}, and a submission needs 3 to 3 (RGB)")
    work = _Work(called, names, size, fit, style)
    start = time.monotonic()
    # While one batch is in the network, the next is decoded and the one before is encoded.
    depth = 2 * batch_size + 1
    decoded = ahead(work.decode, (item for item in sources.read(photos) if item.place in names), depth=depth)
    translated = translate(
        generator, decoded, predict=predict, batch_size=batch_size, tile=2 * size, overlap=size // 4
    )
    with contextlib.closing(translated):
        made = ahead(work.encode, translated, depth=depth)
        number = zips.write_zip(out, _counted(made, len(names), photos, progress("translating")))
    return Submitted(
        num_pictures=number, num_bytes=out.stat().st_size, num_blank=work.num_blank, seconds=time.monotonic() - start
    )


def check_options(
    out: Path, photos: str | Path, *, size: int, limit: int, batch_size: int, overwrite: bool, style: Style | None
) -> None:
    """Raises UserError for what needs no look into the photos; see `submit`."""
    for name, value in {"size": size, "limit": limit, "batch_size": batch_size}.items():
        if value < 1:
            raise UserError(f"`{name}` must be at least 1. Received: {value}")
    files.check_output(out, overwrite=overwrite, suffixes=(".zip",), inputs=(photos,))
    if style is not None:
        for name in ("cell", "width"):
            value = getattr(style, name)
            if value not in (None, "auto") and (isinstance(value, tuple) or size % value):
                raise UserError(f"`{name}` must divide {size}, so that all cells are equal squares. Received: {value}")


class _Work:
    """What is done for each picture before and after the network.

    Args:
        called: what a message calls the generator.
        names: place of each photo -> its name in the zip.
        size, fit, style: see `submit`.

    Attributes:
        num_blank: pictures of one color.
    """

    def __init__(self, called: str, names: dict[str, str], size: int, fit: bool, style: Style | None):
        self.called, self.names, self.size, self.fit, self.style = called, names, size, fit, style
        self.num_blank = 0
        self._lock = threading.Lock()

    def decode(self, item: sources.Encoded) -> tuple[str, np.ndarray]:
        """The photo's place, and the photo as the generator gets it: uint8 (size, size, 3)."""
        image = item.decode()
        if self.fit:
            image = images.fit(image, self.size)
        zips.check_size(item.place, image.shape[1::-1], self.size)
        return item.place, image

    def encode(self, translated: tuple[str, np.ndarray]) -> tuple[str, bytes]:
        """The name in the zip, and the JPEG."""
        (place, image), size = translated, self.size
        height, width = image.shape[:2]
        if (height, width) != (size, size):
            raise UserError(f"{self.called}: makes {width}x{height} pictures of {size}x{size} ones, not {size}x{size}")
        if self.style is not None:
            image = _pixelized(place, image, self.style)
        if all((some == image[0, 0]).all() for some in (image[::16, ::16], image)):   # the few are quick
            with self._lock:
                self.num_blank += 1
        return self.names[place], images.encode(image, "jpeg", QUALITY)


def _counted(made: Iterable, total: int, photos: str | Path, progress: Callable[[int, int], None]) -> Iterator:
    """The same, with a bar. Raises UserError if there are fewer than before."""
    done = 0
    for done, member in enumerate(made, 1):
        yield member
        progress(done, total)
    if done < total:
        raise UserError(f"{photos}: {total - done:,} of {total:,} photos went away meanwhile")


def _pixelized(place: str, image: np.ndarray, style: Style) -> np.ndarray:
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

"""Screenshots -> the pictures in them, as files; and a sheet of what was cut."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.columns import counted
from pixelart_tf.base.files import check_output
from pixelart_tf.base.threads import ahead
from pixelart_tf.data.screenshots import Box, find_pictures
from pixelart_tf.pictures import images, outputs, sources
from pixelart_tf.pictures.batch import Batch
from pixelart_tf.pixelize import cells, find, grid
from pixelart_tf.pixelize.art import SOFT_CORE

SQUARES = ("auto", "crop", "pad", "off")
SHEET_ROWS, SIDE = 24, 240   # screenshots on a sheet, and pixels of a picture's longer side there
FRAME = (255, 0, 80)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """A picture cut out of a screenshot.

    Attributes:
        box: where it was.
        image: uint8 (H, W, 3), square where that was asked for; one pixel a cell where it is pixel art.
        is_native: whether it is.
    """

    box: Box
    image: np.ndarray
    is_native: bool


@dataclass(frozen=True, kw_only=True)
class Made:
    """What `cut_files` did.

    Attributes:
        num_screenshots: that were cut.
        num_pictures: written.
        num_native: of these, pixel art at one pixel a cell.
        bad: a line for each screenshot that was skipped.
        out: the folder.
    """

    num_screenshots: int
    num_pictures: int
    num_native: int
    bad: list[str]
    out: Path

    def __str__(self) -> str:
        counts = f"{counted(self.num_pictures, 'picture')} ({self.num_native} of pixel art at one pixel a cell)"
        lines = [f"skipped {line}" for line in self.bad]
        return "\n".join([*lines, f"{counts} out of {self.num_screenshots} screenshots in {self.out}"])


def cut(image: np.ndarray, *, square: str = "auto", native: bool = True) -> list[Cut]:
    """Cuts the pictures out of a screenshot.

    Args:
        image: uint8 (H, W, 3).
        square: `"crop"` cuts the middle out; `"pad"` fills up with the color that the border mostly has; `"auto"` pads
            pixel art and crops the rest; `"off"` keeps the shape.
        native: bring pixel art to one pixel a cell, by the grid that `pixelize.find` finds.

    Returns:
        The pictures, from top to bottom; none where none is found.

    Reference: how "pixel-art pictures cut out of screenshots" became a training set is the idea; no code is known.
    """
    if square not in SQUARES:
        raise UserError(f"`square` must be one of {', '.join(SQUARES)}. Received: {square!r}")
    made = []
    for box in find_pictures(image):
        inside = np.ascontiguousarray(box.of(image))
        small = _native(inside) if native else None
        picture = inside if small is None else small
        is_art = small is not None or (square == "auto" and not native and find.find(inside) is not None)
        how = ("pad" if is_art else "crop") if square == "auto" else square
        made.append(Cut(box=box, image=_squared(picture, how), is_native=small is not None))
    return made


def _native(image: np.ndarray) -> np.ndarray | None:
    """Pixel art at one pixel a cell; None for what is none."""
    found = find.find(image)
    if found is None:
        return None
    return cells.reduce(image, found.rows, found.columns, how="median", core=1.0 if found.exact else SOFT_CORE)[0]


def _squared(image: np.ndarray, how: str) -> np.ndarray:
    height, width = image.shape[:2]
    if how == "off" or height == width:
        return image
    side = min(height, width) if how == "crop" else max(height, width)
    return grid.framed(image, (side, side))


def cut_files(
    pictures: str | Path,
    out: str | Path,
    *,
    square: str = "auto",
    native: bool = True,
    sheet: str | Path | None = None,
    overwrite: bool = False,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Made:
    """Cuts screenshots into a folder: of `shot.png` come `shot.png`, or `shot-1.png`, `shot-2.png`, ...

    Args:
        pictures: screenshots, as `sources.read` takes them. A folder's subfolders are kept.
        out: a folder, made where it is not there.
        square, native: see `cut`.
        sheet: a picture of what was cut: each screenshot with frames, and what came of it; of the first `SHEET_ROWS`.
        overwrite: replace what is there. An input is never overwritten.
        skip_bad: go on without what cannot be used, screenshots without a picture among them.
        progress: called with the numbers of screenshots done and to do.

    Raises:
        UserError: no screenshots, a bad one, one without a picture, or outputs that would overwrite something.
        OSError: an output cannot be written.
    """
    out = Path(out)
    if out.suffix.lower() in images.SUFFIXES or out.is_file():
        raise UserError(f"{out}: must be a folder, as a screenshot may hold several pictures")
    if sheet is not None:
        check_output(Path(sheet), overwrite=overwrite, suffixes=(".png", ".jpg"))
    targets = outputs.plan([pictures], out, format="png", overwrite=overwrite)
    batch = Batch([pictures], targets, skip_bad=skip_bad, progress=progress)

    def work(place: str, item: sources.Encoded) -> tuple[list[Cut], np.ndarray]:
        image = item.decode()
        found = cut(image, square=square, native=native)
        if not found:
            raise UserError("no picture found in it")
        return found, _row(image, found) if sheet is not None else image[:0]

    def write(named: tuple[str, tuple[list[Cut], np.ndarray]]) -> tuple[list[bool], np.ndarray]:
        place, (found, row) = named
        for path, each in zip(_paths(targets[place], len(found), overwrite), found, strict=True):
            images.write(path, each.image)
        return [each.is_native for each in found], row

    kinds, rows = [], []
    for of_one, row in batch.counted(ahead(write, batch.each(work, batch.encoded()))):
        kinds.append(of_one)
        if sheet is not None and len(rows) < SHEET_ROWS:
            rows.append(row)
    if sheet is not None:
        images.write(Path(sheet), _stacked(rows))
    flat = [each for of_one in kinds for each in of_one]
    return Made(num_screenshots=len(kinds), num_pictures=len(flat), num_native=sum(flat), bad=batch.bad, out=out)


def _paths(target: Path, count: int, overwrite: bool) -> Iterator[Path]:
    if count == 1:
        yield target
        return
    for index in range(1, count + 1):
        path = target.with_name(f"{target.stem}-{index}{target.suffix}")
        if path.exists() and not overwrite:
            raise UserError(f"{path}: already there; --overwrite replaces it")
        yield path


def _row(image: np.ndarray, found: list[Cut]) -> np.ndarray:
    """uint8 (h, w, 3): a screenshot with frames around what was found, and what came of it."""
    shown = Image.fromarray(image)
    pen, thick = ImageDraw.Draw(shown), max(2, max(image.shape) // 150)
    for each in found:
        box = each.box
        pen.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), outline=FRAME, width=thick)
    panels = [_small(np.array(shown))] + [_small(each.image) for each in found]
    height = max(panel.shape[0] for panel in panels)
    page = np.full((height + 8, sum(panel.shape[1] + 8 for panel in panels), 3), 255, np.uint8)
    left = 0
    for panel in panels:
        page[: panel.shape[0], left : left + panel.shape[1]] = panel
        left += panel.shape[1] + 8
    return page


def _small(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    factor = SIDE / max(height, width)
    if factor >= 1:
        return image.repeat(int(factor), axis=0).repeat(int(factor), axis=1)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    return images.fit(image, size, how="stretch", resample="area")


def _stacked(rows: list[np.ndarray]) -> np.ndarray:
    width = max(row.shape[1] for row in rows)
    pads = [((0, 0), (0, width - row.shape[1]), (0, 0)) for row in rows]
    return np.concatenate([np.pad(row, pad, constant_values=255) for row, pad in zip(rows, pads, strict=True)])

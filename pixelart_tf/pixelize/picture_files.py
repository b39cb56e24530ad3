"""Picture files -> pixel art files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base import files, limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.pictures import images, outputs, sources
from pixelart_tf.pictures.batch import Batch
from pixelart_tf.pixelize import art, sheets
from pixelart_tf.pixelize.style import Style

# What keeps every color, and transparency too. PNG and TIFF are written with the palette.
WRITABLE = (".png", ".tif", ".tiff", ".webp")
_INDEXED = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}


@dataclass(frozen=True, kw_only=True)
class Made:
    """What became of one picture.

    Attributes:
        path: the file that was written.
        cells: rows and columns.
        cell: pixels of a cell's side in the picture.
        scale: and in the file.
        num_colors: colors that occur.
    """

    path: Path
    cells: tuple[int, int]
    cell: int
    scale: int
    num_colors: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What became of all pictures.

    Attributes:
        made: in order.
        bad: a line for each picture that was skipped, sorted.
        palette: uint8 (k, 3), the one of all pictures if it was asked for.
        rows: for `sheets.sheet`, the panels of each picture that is to be shown.
    """

    made: list[Made]
    bad: list[str]
    palette: np.ndarray | None
    rows: list[list[sheets.Panel]]


def write(path: Path, made: art.Art, scale: int) -> None:
    """Writes pixel art without loss, as indices into its palette where the format has that.

    Args:
        path: its suffix, of `WRITABLE`, says the format.
        made: the pixel art.
        scale: pixels of a cell's side.

    Raises:
        OSError: the folder or the disk does not take it; names `path`.
    """
    transparent = len(made.palette)   # an entry of its own
    has_room = made.opaque.all() or (transparent < 256 and path.suffix.lower() == ".png")
    if path.suffix.lower() not in _INDEXED or not has_room:
        images.write(path, made.image(scale))
        return
    index = np.where(made.opaque, made.index, transparent).astype(np.uint8)
    picture = Image.fromarray(index.repeat(scale, axis=0).repeat(scale, axis=1))
    picture.putpalette(made.palette.tobytes() + (b"" if made.opaque.all() else bytes(3)))
    options = {} if made.opaque.all() else {"transparency": transparent}
    with files.replacing(path, sync=False) as temporary:
        picture.save(temporary, _INDEXED[path.suffix.lower()], **options)


def pixelize_files(
    pictures: Iterable[str | Path],
    out: str | Path,
    style: Style,
    *,
    scale: int | None = None,
    one_palette: bool = False,
    generate: Callable[[Iterator[tuple[str, np.ndarray]]], Iterator[tuple[str, np.ndarray]]] | None = None,
    show: int = 0,
    overwrite: bool = False,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Makes pixel art of picture files, into a folder, or of one picture into one file.

    Args:
        pictures: files, folders, globs, zips and shards (see `sources.read`). A folder's subfolders are kept.
        out: a folder, made where it is not there; for one picture also a file, whose suffix then says the format.
        style: see `art.pixelize`.
        scale: pixels of a cell's side in the output; None is each picture's own, so that sizes stay about the same.
        one_palette: find one palette over all pictures, which all then use.
        generate: what turns pairs of a place and an image (H, W, 3) into others first, in order: a generator.
        show: of so many pictures panels are kept for a sheet.
        overwrite: replace what is there. An input is never overwritten.
        skip_bad: go on without the pictures that cannot be used.
        progress: called with the numbers of pictures done and to do.

    Raises:
        UserError: no pictures, a bad one, or outputs that would overwrite something.
        OSError: an output cannot be written.
    """
    if scale is not None and (not isinstance(scale, int) or scale < 1):
        raise UserError(f"`scale` must be a whole number of at least 1. Received: {scale!r}")
    pictures, out = [*pictures], Path(out)
    targets = plan(pictures, out, overwrite=overwrite)
    batch = Batch(pictures, targets, skip_bad=skip_bad, progress=progress)
    work = _Work(targets, style, scale, generated=generate is not None, show=show)
    if generate:
        prepared = batch.each(work.reduce, generate(batch.each(work.read, batch.encoded())))
    else:   # at once, so that no more pictures are in memory than threads
        prepared = batch.each(work.read_and_reduce, batch.encoded())
    prepared = batch.counted(prepared)
    if one_palette:
        prepared = [*prepared]
        work.use_one_palette([reduced for _, reduced in prepared])
    made = [*ahead(work.finish, prepared)]
    return Result(
        made=made,
        bad=sorted(batch.bad),
        palette=work.style.palette if one_palette else None,
        rows=[row for row in work.rows.values() if row],
    )


class _Work:
    """What is done for each picture.

    Args:
        targets: place of each picture -> its output.
        style, scale, show: see `pixelize_files`.
        generated: whether a generator makes something of each picture before it is reduced.

    Attributes:
        style: as given, and the palette of all pictures once there is one.
        rows: place of each picture that is shown -> its panels.
    """

    def __init__(self, targets: dict[str, Path], style: Style, scale: int | None, *, generated: bool, show: int):
        self.style, self.rows = style, {place: [] for place in [*targets][:show]}
        self._targets, self._scale, self._generated = targets, scale, generated

    def read(self, place: str, item: sources.Encoded) -> np.ndarray:
        """The picture, uint8 (H, W, 4), or (H, W, 3) for a generator, which knows no transparency."""
        image = images.read(item.data, name=place, mode="RGB" if self._generated else "RGBA")
        self._show(place, "before", image)
        return image

    def reduce(self, place: str, image: np.ndarray) -> art.Cells:
        if self._generated:
            self._show(place, "generator", image)
        with images.alone(*image.shape[:2]):
            return art.reduce(image, self.style)

    def read_and_reduce(self, place: str, item: sources.Encoded) -> art.Cells:
        return self.reduce(place, self.read(place, item))

    def use_one_palette(self, reduced: list[art.Cells]) -> None:
        """Finds the palette of all pictures, unless the style has one."""
        if self.style.palette is None:
            colors = np.concatenate([each.colors[each.opaque] for each in reduced])
            self.style = replace(self.style, palette=art.own_palette(colors, self.style))

    def finish(self, prepared: tuple[str, art.Cells]) -> Made:
        """Writes the pixel art."""
        place, reduced = prepared
        done = art.finish(reduced, self.style)
        path, size, (height, width) = self._targets[place], self._scale or done.cell, done.index.shape
        if height * width * size**2 > limits.PICTURE_PIXELS:
            raise UserError(f"{path}: would have over {limits.PICTURE_PIXELS:,} pixels; give a smaller scale")
        write(path, done, size)
        self._show(place, "after", done.image())
        used = len(np.unique(done.index[done.opaque]))
        return Made(path=path, cells=(height, width), cell=done.cell, scale=size, num_colors=used)

    def _show(self, place: str, title: str, image: np.ndarray) -> None:
        if place in self.rows:
            self.rows[place].append(sheets.Panel.of(image, title))


def plan(pictures: list[str | Path], out: Path, *, overwrite: bool) -> dict[str, Path]:
    """Where the output of each picture goes: `outputs.plan` for files of `WRITABLE`. Raises UserError."""
    suffix = out.suffix.lower()
    if suffix in images.SUFFIXES and suffix not in WRITABLE and not out.is_dir():
        why = "JPEG would ruin the palette" if suffix in (".jpg", ".jpeg") else f"{suffix} is not written"
        raise UserError(f"{out}: {why}; choose one of {' '.join(WRITABLE)}")
    targets = outputs.plan(pictures, out, format="png", overwrite=overwrite)
    if suffix in images.SUFFIXES and len(targets) > 1 and not out.is_dir():
        raise UserError(f"{out}: {len(targets)} pictures need a folder")
    return targets

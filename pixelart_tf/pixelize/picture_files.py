"""Picture files -> pixel art files."""

import io
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pixelart_tf.base import files, limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.pictures import images, opening, outputs, sources
from pixelart_tf.pictures.batch import Batch
from pixelart_tf.pixelize import art, sheets
from pixelart_tf.pixelize.generate import Generate
from pixelart_tf.pixelize.style import Style

# What keeps every color, and transparency too. PNG and TIFF are written with the palette.
WRITABLE = (".png", ".tif", ".tiff", ".webp")
STDOUT = Path("-")   # as an output: standard output, as PNG
_INDEXED = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
_FORMATS = _INDEXED | {".webp": "WEBP"}


@dataclass(frozen=True, kw_only=True)
class Made:
    """What became of one picture.

    Attributes:
        path: the file that was written, or `STDOUT`.
        cells: rows and columns.
        cell: pixels of a cell's side in the picture.
        note: what is to be told about cells that were looked for.
        scale: and in the file.
        num_colors: colors that occur.
    """

    path: Path
    cells: tuple[int, int]
    cell: int
    note: str
    scale: int
    num_colors: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What became of all pictures.

    Attributes:
        made: in order.
        bad: a line for each picture that was skipped, sorted.
        notes: a line for each picture of which there is something to tell.
        palette: uint8 (k, 3), the one of all pictures if it was asked for.
        rows: for `sheets.sheet`, the panels of each picture that is to be shown.
    """

    made: list[Made]
    bad: list[str]
    notes: list[str]
    palette: np.ndarray | None
    rows: list[list[sheets.Panel]]


def write(path: Path, made: art.Art, scale: int) -> None:
    """Writes pixel art without loss, as indices into its palette where the format has that.

    Args:
        path: its suffix, of `WRITABLE`, says the format; or `STDOUT`, for PNG on standard output.
        made: the pixel art.
        scale: pixels of a cell's side.

    Raises:
        OSError: the folder or the disk does not take it; names `path`.
    """
    suffix = ".png" if path == STDOUT else path.suffix.lower()
    content = encoded(made, scale, suffix)
    if path == STDOUT:
        sys.stdout.buffer.write(content)
        return
    with files.replacing(path, sync=False) as temporary:
        temporary.write_bytes(content)


def encoded(made: art.Art, scale: int, suffix: str = ".png") -> bytes:
    """The bytes of a file of pixel art, as `write` writes it."""
    transparent = len(made.palette)   # an entry of its own
    has_room = made.opaque.all() or (transparent < 256 and suffix == ".png")
    if suffix not in _INDEXED or not has_room or made.alpha is not None:
        return images.encode(made.image(scale), _FORMATS[suffix])
    index = np.where(made.opaque, made.index, transparent).astype(np.uint8)
    picture = Image.fromarray(index.repeat(scale, axis=0).repeat(scale, axis=1))
    picture.putpalette(made.palette.tobytes() + (b"" if made.opaque.all() else bytes(3)))
    options = {} if made.opaque.all() else {"transparency": transparent}
    file = io.BytesIO()
    picture.save(file, _INDEXED[suffix], **options)
    return file.getvalue()


def pixelize_files(
    pictures: Iterable[str | Path | sources.Encoded],
    targets: dict[str, Path],
    style: Style,
    *,
    scale: int | None = None,
    one_palette: bool = False,
    generate: Generate | None = None,
    show: int = 0,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Makes pixel art of picture files.

    Args:
        pictures: files, folders, globs, zips and shards (see `sources.read`).
        targets: place of each picture that is meant -> its output; see `plan`.
        style: see `art.pixelize`.
        scale: pixels of a cell's side in the output; None is each picture's own, so that sizes stay about the same.
        one_palette: find one palette over all pictures, which all then use.
        generate: a generator that the pictures go through first.
        show: of so many pictures panels are kept for a sheet.
        skip_bad: go on without the pictures that cannot be used.
        progress: called with the numbers of pictures done and to do.

    Raises:
        UserError: a bad picture.
        OSError: an output cannot be written.
    """
    if scale is not None and (not isinstance(scale, int) or scale < 1):
        raise UserError(f"`scale` must be a whole number of at least 1. Received: {scale!r}")
    if generate and style.sheet is not None:
        raise UserError("`sheet` finds the cells of pixel art, and a generator makes cells of its own: leave one out")
    batch = Batch(pictures, targets, skip_bad=skip_bad, progress=progress)
    work = _Work(targets, style, scale, generate, show=show)
    if generate:
        prepared = batch.each(work.reduce, generate.run(batch.each(work.read_for_generator, batch.encoded())))
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
        notes=sorted(work.notes),
        palette=work.style.palette if one_palette else None,
        rows=[row for row in work.rows.values() if row],
    )


class _Work:
    """What is done for each picture.

    Args:
        targets: place of each picture -> its output.
        style, scale, generate, show: see `pixelize_files`.

    Attributes:
        style: as given, and the palette of all pictures once there is one.
        rows: place of each picture that is shown -> its panels.
        notes: lines `place: what is to be told of it`.
    """

    def __init__(
        self, targets: dict[str, Path], style: Style, scale: int | None, generate: Generate | None, *, show: int
    ):
        self.style, self.rows, self.notes = style, {place: [] for place in [*targets][:show]}, []
        self._targets, self._scale, self._generate = targets, scale, generate

    def read(self, place: str, item: sources.Encoded) -> np.ndarray:
        """The picture, uint8 (H, W, 4)."""
        image = images.read(item.data, name=place, mode="RGBA")
        if isinstance(item.source, bytes) and opening.moves(io.BytesIO(item.source)):
            self.notes.append(f"{place}: moves, and its first frame is taken")
        self._show(place, "before", image)
        return image

    def read_for_generator(self, place: str, item: sources.Encoded) -> Any:
        """The picture as the generator takes it."""
        image = self.read(place, item)
        if not image[..., 3].any():
            raise UserError("all of it is transparent, so that a generator has nothing to see")
        with images.alone(*image.shape[:2]):
            return self._generate.prepare(image)

    def reduce(self, place: str, image: np.ndarray | art.Cells) -> art.Cells:
        """The cells of a picture, or those that a generator has made already."""
        if self._generate:
            self._show(place, "generator", image.colors if isinstance(image, art.Cells) else image)
        if isinstance(image, art.Cells):
            return art.crisped(image, self.style)
        with images.alone(*image.shape[:2]):
            return self._seen(place, image, art.reduce(image, self.style))

    def _seen(self, place: str, image: np.ndarray, reduced: art.Cells) -> art.Cells:
        """The cells; where none would be opaque, those of a threshold that leaves some."""
        if reduced.opaque.any():
            return reduced
        threshold = self.style.alpha_threshold
        if not image[..., 3].any():
            self.notes.append(f"{place}: all of it is transparent")
            return reduced
        while threshold > 1 and not reduced.opaque.any():
            threshold //= 2
            reduced = art.reduce(image, replace(self.style, alpha_threshold=threshold))
        told = f"of {self.style.alpha_threshold} would leave nothing, and {threshold} is taken"
        self.notes.append(f"{place}: nowhere opaque enough: an alpha threshold {told}")
        return reduced

    def read_and_reduce(self, place: str, item: sources.Encoded) -> art.Cells:
        return self.reduce(place, self.read(place, item))

    def use_one_palette(self, reduced: list[art.Cells]) -> None:
        """Finds the palette of all pictures, unless the style has one."""
        if self.style.palette is None:
            colors = np.concatenate([each.colors[each.opaque] for each in reduced])
            exact = all(each.exact for each in reduced)
            self.style = replace(self.style, palette=art.own_palette(colors, self.style, exact=exact))

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
        return Made(path=path, cells=(height, width), cell=done.cell, note=reduced.note, scale=size, num_colors=used)

    def _show(self, place: str, title: str, image: np.ndarray) -> None:
        if place in self.rows:
            self.rows[place].append(sheets.Panel.of(image, title))


def plan(
    pictures: list[str | Path | sources.Encoded], out: str | Path, *, overwrite: bool,
    kind_of: Callable[[str], outputs.Kind | None] = lambda place: None,
) -> dict[str, Path]:
    """Where the output of each picture goes: `outputs.plan` for files of `WRITABLE`, or `STDOUT`. Raises UserError.

    Args:
        kind_of: how what is at a place is written, where that is another way than as a picture; else None.
    """
    if str(out) == str(STDOUT):
        places = [*outputs.named(pictures, STDOUT)]
        if len(places) > 1:
            raise UserError(f"-: {len(places)} pictures need a folder")
        if kind_of(places[0]):
            raise UserError(f"{places[0]}: moves, and only pictures are written to standard output")
        return {places[0]: STDOUT}
    if Path(out).suffix.lower() in (".jpg", ".jpeg") and not Path(out).is_dir():
        raise UserError(f"{out}: JPEG would ruin the palette; choose one of {' '.join(WRITABLE)}")
    return outputs.plan(
        pictures, out, overwrite=overwrite, kind_of=lambda place: kind_of(place) or outputs.Kind(".png", WRITABLE)
    )

"""Picture files -> pixel art files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.base.threads import ahead
from pixelart_tf.pictures import images, outputs, sources
from pixelart_tf.pixelize import art, sheets

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
    style: art.Style,
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
    for folder in {target.parent for target in targets.values()}:
        folder.mkdir(parents=True, exist_ok=True)
    bad, rows = [], {place: [] for place in [*targets][:show]}

    def usable(place, function, *arguments):
        """What the function returns; None for a bad picture that is skipped. Its message names the picture."""
        try:
            return function(*arguments)
        except UserError as error:
            message = str(error) if str(error).startswith(place) else f"{place}: {error}"
            if not skip_bad:
                raise UserError(message) from None
            bad.append(message)
            return None

    def keep(place, title, image):
        if place in rows:
            rows[place].append(sheets.Panel.of(image, title))

    def read(item):
        # A generator knows no transparency.
        image = usable(item.place, lambda: images.read(item.data, name=item.place, mode="RGB" if generate else "RGBA"))
        if image is None:
            return None
        keep(item.place, "before", image)
        return item.place, image

    def prepare(named):
        if named is None:
            return None
        place, image = named
        if generate:
            keep(place, "generator", image)
        reduced = usable(place, art.reduce, image, style)
        return None if reduced is None else (place, reduced)

    def finish(prepared):
        place, reduced = prepared
        done = art.finish(reduced, style)
        path, size, (height, width) = targets[place], scale or done.cell, done.index.shape
        if height * width * size**2 > images.MAX_PIXELS:
            raise UserError(f"{path}: would have over {images.MAX_PIXELS:,} pixels; give a smaller scale")
        write(path, done, size)
        keep(place, "after", done.image())
        used = len(np.unique(done.index[done.opaque]))
        return Made(path=path, cells=(height, width), cell=done.cell, scale=size, num_colors=used)

    items = _encoded(pictures, targets)
    if generate:
        prepared = ahead(prepare, generate(filter(None, ahead(read, items))))
    else:   # at once, so that no more pictures are in memory than threads
        prepared = ahead(lambda item: prepare(read(item)), items)
    prepared = filter(None, _counted(prepared, len(targets), progress))
    if one_palette:
        prepared = [*prepared]
        if style.palette is None and prepared:
            colors = np.concatenate([reduced.colors[reduced.opaque] for _, reduced in prepared])
            style = replace(style, palette=art.own_palette(colors, style))
    made = [*ahead(finish, prepared)]
    if not made:
        raise UserError(f"none of the {len(bad)} pictures can be used; the first: {bad[0]}")
    return Result(
        made=made,
        bad=sorted(bad),
        palette=style.palette if one_palette else None,
        rows=[row for row in rows.values() if row],
    )


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


def _encoded(pictures: list[str | Path], targets: dict[str, Path]) -> Iterator[sources.Encoded]:
    left = set(targets)
    for pattern in pictures:
        for item in sources.read(pattern):
            if item.place in left:   # it may be given twice, or be an earlier output
                left.remove(item.place)
                yield item


def _counted(items: Iterator, total: int, progress: Callable[[int, int], None] | None) -> Iterator:
    for done, item in enumerate(items, 1):
        yield item
        if progress:
            progress(done, total)

"""Sheets of sprites: where each sprite is, and its cells, of its own phase, as sprites are pasted anywhere.

All sprites of a sheet have cells of one size, which those tell that have enough of them to be sure.
"""

import itertools
import re
from dataclasses import dataclass

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures.images import on_white
from pixelart_tf.pixelize import find, native
from pixelart_tf.pixelize.grid import border_color

GAPS = "gaps"
GROUND = 24    # levels by which the ground may differ from its color, as after JPEG
AGREE = 0.05   # of the size: sprites whose cells differ by no more have the same


@dataclass(frozen=True, kw_only=True, eq=False)
class Sprite:
    """One sprite's place and cells.

    Attributes:
        top, left: of the first cell, in cells of the new sheet.
        inside: the picture's rows and columns.
        rows, columns: int64 (rows + 1,) and (columns + 1,), where cells begin and end within these.
        exact: whether all pixels of each cell have one color.
        is_sure: whether they are those that the sprite has told itself.
    """

    top: int
    left: int
    inside: tuple[slice, slice]
    rows: np.ndarray
    columns: np.ndarray
    exact: bool = False
    is_sure: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """Where the sprites of a picture are, in its pixels and in cells.

    Attributes:
        sprites: row by row.
        shape: rows and columns of the new sheet, in cells.
        cell: pixels of a cell's side, not a whole number in general.
        note: what is to be told.
    """

    sprites: list[Sprite]
    shape: tuple[int, int]
    cell: float
    note: str


def parsed(text: str) -> tuple[int, int] | str:
    """`"8x4"` -> (8, 4), columns and rows; what is neither that nor `"gaps"` comes back as it is."""
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    return (int(found[1]), int(found[2])) if found else text


def spans(image: np.ndarray, sheet: tuple[int, int] | str) -> tuple[list[slice], list[slice]]:
    """The rows and the columns of pixels in which sprites are.

    Args:
        image: uint8 (H, W, 3 or 4).
        sheet: (columns, rows) of equal parts; or `GAPS`, where empty rows and columns part them: transparent ones, or
            of the color that most of the border has.

    Raises:
        UserError: sides that cannot be parted so, or a picture without gaps.
    """
    if sheet == GAPS:
        if image.shape[-1] == 4 and image[..., 3].min() < 128:
            filled = image[..., 3] >= 128
        else:
            colors = image[..., :3].astype(np.int16)
            filled = (np.abs(colors - border_color(image[..., :3])) > GROUND).any(axis=-1)
        found = tuple(_runs(filled.any(axis=axis)) for axis in (1, 0))
        if len(found[0]) * len(found[1]) < 2:
            raise UserError("no empty rows or columns part it into sprites; say how many there are, as --sheet 8x4")
        return found
    for name, side, count in zip(("width", "height"), image.shape[1::-1], sheet, strict=True):
        if side % count:
            raise UserError(f"its {name} of {side} pixels has no {count} equal parts, which --sheet asks for")
    (width, height), (columns, rows) = image.shape[1::-1], sheet
    return tuple(
        [slice(side // count * each, side // count * (each + 1)) for each in range(count)]
        for side, count in ((height, rows), (width, columns))
    )


def _runs(filled: np.ndarray) -> list[slice]:
    """bool (n,) -> where it is true without a break."""
    changes = np.flatnonzero(np.diff(filled.astype(np.int8), prepend=0, append=0))
    return [slice(int(first), int(last)) for first, last in changes.reshape(-1, 2)]


def lay_out(image: np.ndarray, sheet: tuple[int, int] | str, cell: float | tuple[float, float] | str | None) -> Sheet:
    """Finds the sprites' cells.

    Args:
        image: uint8 (H, W, 3 or 4).
        sheet: see `spans`.
        cell: pixels of a cell's side, or (height, width); None and `"auto"` find it.

    Raises:
        UserError: no cells are found, or they are larger than a sprite; or as `spans`.
    """
    rows, columns = spans(image, sheet)
    seen = on_white(image)
    guesses = {}
    if cell in (None, "auto"):
        places = itertools.product(enumerate(rows), enumerate(columns))
        guesses = {(i, j): find.find(seen[down, across], is_whole=False) for (i, down), (j, across) in places}
        found = [each for each in guesses.values() if each is not None]
        sizes = _common_size(found or [find.find(seen)]) if found or not native.is_native(seen) else (1.0, 1.0)
    else:
        sizes = cell if isinstance(cell, tuple) else (cell, cell)
    for each in (*rows, *columns):
        if each.stop - each.start < max(sizes):
            raise UserError(f"cells of {max(sizes):g} pixels are larger than a sprite of {each.stop - each.start}")
    counts = tuple([max(1, round((each.stop - each.start) / size)) for each in side]
                   for side, size in zip((rows, columns), sizes, strict=True))
    starts = tuple(_starts(*each) for each in zip((rows, columns), counts, sizes, image.shape, strict=False))
    sprites = []
    for i, down in enumerate(rows):
        for j, across in enumerate(columns):
            own = _own_lines(guesses.get((i, j)), (counts[0][i], counts[1][j]), sizes)
            lines = own or find.lines_of_size(seen[down, across], sizes, (counts[0][i], counts[1][j]))
            sprites.append(Sprite(
                top=starts[0][i], left=starts[1][j], inside=(down, across), rows=lines[0], columns=lines[1],
                exact=_are_exact(image[down, across], *lines), is_sure=own is not None,
            ))
    shape = tuple(starts[axis][-1] for axis in (0, 1))
    sure = sum(each.is_sure for each in sprites)
    how = f", found by {sure} of them alone" if sure else ", found in the whole sheet" if guesses else ""
    note = f"{len(columns)}x{len(rows)} sprites, cells of {sizes[1]:.4g} pixels{how}"
    return Sheet(sprites=sprites, shape=shape, cell=sum(sizes) / 2, note=note)


def _common_size(found: list[find.Found | None]) -> tuple[float, float]:
    """Height and width of the cells of most sprites."""
    if found == [None]:
        raise UserError("no sprite has cells that are sure; give their size, as --cell 8")
    sizes = np.array([(each.cell_height, each.cell_width) for each in found])
    middle = np.median(sizes, axis=0)
    alike = (np.abs(sizes / middle - 1) <= AGREE).all(axis=1)
    if 2 * alike.sum() < len(sizes):
        low, high = sizes.min(), sizes.max()
        raise UserError(f"its sprites have cells of {low:.3g} to {high:.3g} pixels; give one size, as --cell 8")
    return tuple(float(each) for each in sizes[alike].mean(axis=0))


def _starts(spans: list[slice], counts: list[int], size: float, length: int) -> list[int]:
    """Where each span begins in cells, and how many there are in all: gaps keep their sizes, but for fractions."""
    places, end, before = [], 0, 0
    for each, count in zip(spans, counts, strict=True):
        gap = each.start - before
        places.append(end + (max(1, round(gap / size)) if gap and before else round(gap / size)))
        end, before = places[-1] + count, each.stop
    return [*places, end + round((length - before) / size)]


def _own_lines(
    found: find.Found | None, counts: tuple[int, int], sizes: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray] | None:
    """The lines that a sprite tells itself, if they are of the sheet's cells; one torn cell more is left out."""
    if found is None or abs(found.cell_height / sizes[0] - 1) > AGREE or abs(found.cell_width / sizes[1] - 1) > AGREE:
        return None
    lines = []
    for each, count in zip((found.rows, found.columns), counts, strict=True):
        if len(each) == count + 2:
            first, last = each[1] - each[0], each[-1] - each[-2]
            each = each[1:] if first < last else each[:-1]
        if len(each) != count + 1:
            return None
        lines.append(each)
    return tuple(lines)


def _are_exact(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> bool:
    corners = image[np.ix_(rows[:-1], columns[:-1])]
    drawn = corners.repeat(np.diff(rows), axis=0).repeat(np.diff(columns), axis=1)
    return bool((drawn == image[rows[0] : rows[-1], columns[0] : columns[-1]]).all())


def join(sheet: Sheet, parts: list[np.ndarray], around: np.ndarray | int) -> np.ndarray:
    """Values of all sprites' cells, (rows, columns, ...) each, as those of the sheet; `around` where no sprite is."""
    whole = np.empty((*sheet.shape, *parts[0].shape[2:]), parts[0].dtype)
    whole[...] = around
    for sprite, part in zip(sheet.sprites, parts, strict=True):
        whole[sprite.top : sprite.top + len(part), sprite.left : sprite.left + part.shape[1]] = part
    return whole

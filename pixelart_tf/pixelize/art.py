"""Any picture -> true pixel art: cells, a palette, dithering, an outline."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import cells, color, find
from pixelart_tf.pixelize.dither import dither
from pixelart_tf.pixelize.outline import outline
from pixelart_tf.pixelize.palette import MAX_AUTO, extract
from pixelart_tf.pixelize.style import DEFAULT_COUNT, Style

SOFT_CORE = 0.5       # of a cell that was found and has soft borders, the share of its sides whose pixels count


@dataclass(frozen=True, kw_only=True, eq=False)
class Art:
    """Pixel art at one value a cell.

    Attributes:
        index: uint8 (rows, columns) into the palette.
        palette: uint8 (k, 3).
        opaque: bool (rows, columns).
        cell: pixels of a cell's side in the picture that it was made from, rounded.
    """

    index: np.ndarray
    palette: np.ndarray
    opaque: np.ndarray
    cell: int

    def image(self, scale: int = 1) -> np.ndarray:
        """Each cell a square of `scale` pixels: uint8 (H, W, 3), or (H, W, 4) where a cell is transparent."""
        return cells.enlarge(self.palette[self.index], self.opaque, scale)


def pixelize(image: np.ndarray, style: Style | None = None) -> Art:
    """Makes pixel art of a picture.

    At most as many colors as asked for, each of them of the palette, one a cell; and what is pixel art of the same
    cells and colors already comes back unchanged.

    Args:
        image: uint8 (H, W, 3), or (H, W, 4) with alpha.
        style: how; None is `Style()`.

    Raises:
        UserError: cells that do not fit the picture, or `cell="auto"` and none found.
        ValueError: an image of another kind.
    """
    style = style or Style()
    return finish(reduce(image, style), style)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """A picture at one value a cell, before it has a palette.

    Attributes:
        colors: uint8 (rows, columns, 3).
        opaque: bool (rows, columns).
        cell: pixels of a cell's side in the picture, rounded.
    """

    colors: np.ndarray
    opaque: np.ndarray
    cell: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Where the cells of a picture are, or of all frames of a film.

    Attributes:
        rows, columns: int64 (rows + 1,) and (columns + 1,), pixels where they begin and end.
        core: share of their height and width, in the middle, that counts; see `cells.reduce`.
    """

    rows: np.ndarray
    columns: np.ndarray
    core: float = 1.0

    @property
    def cell(self) -> int:
        """Pixels of a cell's side, rounded."""
        return max(1, round((self.columns[-1] - self.columns[0]) / (len(self.columns) - 1)))


def grid(image: np.ndarray, style: Style, others: Iterable[np.ndarray] = ()) -> Grid:
    """The cells that a style asks for.

    Args:
        image: uint8 (H, W, 3), or (H, W, 4) with alpha.
        style: how.
        others: more pictures of the same size and cells, such as frames of one film, where a single one may be empty;
            looked at only if it is cells that the picture has already.

    Raises:
        UserError: cells that do not fit the picture, or `cell="auto"` and none found.
    """
    height, width = image.shape[:2]
    if style.width is not None:
        rows, columns = cells.edges_across(height, width, style.width)
        return Grid(rows=rows, columns=columns)
    size = style.cell
    if size in (None, "auto"):
        lattice = _common(itertools.chain([image], others))
        if lattice is not None:
            rows, columns = find.edges_of(lattice, height, width)
            return Grid(rows=rows, columns=columns, core=1.0 if lattice.confidence == 1 else SOFT_CORE)
        if size == "auto":
            raise UserError("no cells found: this is no enlarged pixel art; give their size or their number")
        size = max(1, round(max(height, width) / DEFAULT_COUNT))
    return Grid(rows=cells.edges(height, cell=size), columns=cells.edges(width, cell=size))


def _common(images: Iterable[np.ndarray]) -> find.Lattice | None:
    """The cells that pictures of one size have already, if at least half of those that are not flat have some."""
    seen = map(_over_white, images)
    found = [find.find(each) for each in seen if np.ptp(each, axis=(0, 1)).max() >= find.WEAK]
    lattices = [each for each in found if each is not None]
    if not lattices or 2 * len(lattices) < len(found):
        return None
    soft = [each for each in lattices if each.confidence < 1]
    if soft:
        return max(soft, key=lambda each: each.confidence)
    return min(lattices, key=lambda each: each.cell_height)   # what is drawn in blocks seems to have larger cells


def reduce(image: np.ndarray, style: Style, where: Grid | None = None) -> Cells:
    """The first half of `pixelize`: the cells, with their own colors. Raises as that does.

    Args:
        image: as there.
        style: as there.
        where: the cells; None is `grid(image, style)`.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (3, 4) or not image.size:
        raise ValueError(f"`image` must be uint8 (H, W, 3) or (H, W, 4). Received: {image.dtype} {image.shape}")
    where = where or grid(image, style)
    colors, opaque = cells.reduce(
        image, where.rows, where.columns, how=style.how, alpha_threshold=style.alpha_threshold, core=where.core
    )
    return Cells(colors=colors, opaque=opaque, cell=where.cell)


def finish(reduced: Cells, style: Style) -> Art:
    """The second half: the style's palette or the cells' own, dithering, the outline."""
    palette = style.palette if style.palette is not None else own_palette(reduced.colors[reduced.opaque], style)
    index, opaque = paint(reduced.colors, reduced.opaque, palette, style)
    return Art(index=index, palette=palette, opaque=opaque, cell=reduced.cell)


def _over_white(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3): what is seen, as colors behind transparency have edges, too."""
    if image.shape[-1] == 3:
        return image
    alpha = image[..., 3:].astype(np.uint16)
    return ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def own_palette(colors: np.ndarray, style: Style) -> np.ndarray:
    """The palette of a picture's, or several pictures', own colors: uint8 (n, 3) -> uint8 (k, 3)."""
    if not len(colors):   # all is transparent
        return np.zeros((1, 3), np.uint8)
    k = style.colors
    # Where it has a palette already, to choose among its colors would lose some each time.
    if k == "auto" and len(np.unique(colors.astype(np.int32) @ (65536, 256, 1))) <= MAX_AUTO:
        k = MAX_AUTO
    return extract(colors, k, space=style.space, seed=style.seed)


def paint(
    values: np.ndarray, opaque: np.ndarray, palette: np.ndarray, style: Style
) -> tuple[np.ndarray, np.ndarray]:
    """Gives each cell a color of the palette, and the shape its outline.

    Args:
        values: uint8 (rows, columns, 3), the cells' colors.
        opaque: bool (rows, columns).
        palette: uint8 (k, 3).

    Returns:
        uint8 (rows, columns), index into the palette, and which cells are opaque.
    """
    index = dither(values, palette, how=style.dither, strength=style.strength, space=style.space, opaque=opaque)
    if not style.outline:
        return index, opaque
    darkest = int(color.coordinates(palette, "oklab")[:, 0].argmin())
    drawn, opaque = outline(palette[index], opaque, color=palette[darkest])
    return np.where((drawn != palette[index]).any(axis=-1), darkest, index).astype(np.uint8), opaque

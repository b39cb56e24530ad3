"""Any picture -> true pixel art: cells, a palette, dithering, an outline."""

import dataclasses
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures.images import on_white
from pixelart_tf.pixelize import cells, find, native, rhythm, sprite_sheets, transparency, unblur
from pixelart_tf.pixelize.counting import MAX_AUTO
from pixelart_tf.pixelize.crisp import crisp, mixtures
from pixelart_tf.pixelize.grading import graded
from pixelart_tf.pixelize.grid import border_color
from pixelart_tf.pixelize.painting import dithered, outlined
from pixelart_tf.pixelize.palette import MAX_COLORS, extract
from pixelart_tf.pixelize.style import DEFAULT_COLORS, DEFAULT_COUNT, DEFAULT_HOW, Style
from pixelart_tf.pixelize.thickening import thickened
from pixelart_tf.pixelize.true_colors import true_colors

SOFT_CORE = 0.5       # of a cell that was found and has soft borders, the share of its sides whose pixels count


@dataclass(frozen=True, kw_only=True, eq=False)
class Art:
    """Pixel art at one value a cell.

    Attributes:
        index: uint8 (rows, columns) into the palette.
        palette: uint8 (k, 3).
        opaque: bool (rows, columns).
        cell: pixels of a cell's side in the picture that it was made from, rounded.
        alpha: uint8 (rows, columns), 1 or more where opaque, if there are levels of transparency; else None.
    """

    index: np.ndarray
    palette: np.ndarray
    opaque: np.ndarray
    cell: int
    alpha: np.ndarray | None = None

    def image(self, scale: int = 1) -> np.ndarray:
        """Each cell a square of `scale` pixels: uint8 (H, W, 3), or (H, W, 4) where a cell is transparent."""
        if self.alpha is not None:
            values = np.dstack([self.palette[self.index], self.alpha]) * self.opaque[..., None]
            return cells.enlarge(values, np.ones_like(self.opaque), scale)
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
        alpha: see `Art`.
        note, exact: of its `Grid`.
        meant: uint8 (rows, columns, 3), the mean colors that the picture has there, where a generator made others of
            them; else None.
    """

    colors: np.ndarray
    opaque: np.ndarray
    cell: int
    alpha: np.ndarray | None = None
    note: str = ""
    exact: bool = False
    meant: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Where the cells of a picture are, or of all frames of a film.

    Attributes:
        rows, columns: int64 (rows + 1,) and (columns + 1,), pixels where they begin and end.
        core: share of their height and width, in the middle, that counts; see `cells.reduce`.
        note: what is to be told about cells that were looked for: which were found, how sure it is; else empty.
        exact: whether the cells were found, and have one color each.
    """

    rows: np.ndarray
    columns: np.ndarray
    core: float = 1.0
    note: str = ""
    exact: bool = False

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
    if style.height is not None:
        columns, rows = cells.edges_across(width, height, style.height)
        return Grid(rows=rows, columns=columns)
    size = style.cell
    if size in (None, "auto"):
        found = _common(itertools.chain([image], others))
        if found is not None and found.confidence >= find.ENOUGH:
            note = f"found its own cells: {found.count}, confidence {found.confidence:.2f}"
            core = 1.0 if found.exact else SOFT_CORE
            return Grid(rows=found.rows, columns=found.columns, core=core, note=note, exact=found.exact)
        note = "" if found is None else (
            f"no cells of its own are sure: the best guess is {found.count}, confidence {found.confidence:.2f}"
        )
        if native.is_native(on_white(image)):
            rows, columns = np.arange(height + 1), np.arange(width + 1)
            return Grid(rows=rows, columns=columns, note="pixel art of one pixel a cell", exact=True)
        if size == "auto":
            raise UserError(f"{note or 'no cells found: this is no pixel art'}; give their size or their number")
        rows, columns = cells.edges_along(height, width, DEFAULT_COUNT)
        return Grid(rows=rows, columns=columns, note=note)
    sizes = size if isinstance(size, tuple) else (size, size)
    rows, columns = (_sized(side, each) for side, each in zip((height, width), sizes, strict=True))
    return Grid(rows=rows, columns=columns)


def _sized(length: int, cell: float) -> np.ndarray:
    """The whole cells along a side; of those that are not of whole pixels also a last one of which half is there."""
    if cell == int(cell) or cell > length:
        return cells.edges(length, cell=cell)
    return cells.lattice(length, cell, 0)


def _common(images: Iterable[np.ndarray]) -> find.Found | None:
    """The cells that pictures of one size have already, if at least half of those that are not flat have some.

    Of one picture alone it is the best guess, however sure.
    """
    seen = [each for each in map(on_white, images) if np.ptp(each, axis=(0, 1)).max() >= rhythm.WEAK]
    guesses = [find.best_guess(each) for each in seen]
    found = [each for each in guesses if each is not None and each.confidence >= find.ENOUGH]
    if not found or 2 * len(found) < len(guesses):
        return guesses[0] if len(guesses) == 1 else None
    soft = [each for each in found if not each.exact]
    if soft:
        return max(soft, key=lambda each: each.confidence)
    return min(found, key=lambda each: each.cell_height)   # what is drawn in blocks seems to have larger cells


def reduce(image: np.ndarray, style: Style, where: Grid | None = None) -> Cells:
    """The first half of `pixelize`: the cells, with their own colors. Raises as that does.

    Args:
        image: as there.
        style: as there.
        where: the cells; None is `grid(image, style)`.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (3, 4) or not image.size:
        raise ValueError(f"`image` must be uint8 (H, W, 3) or (H, W, 4). Received: {image.dtype} {image.shape}")
    if style.sheet is not None:
        return _reduced_sheet(image, style)
    where = where or grid(image, style)
    are_own = where.exact or where.core < 1
    if style.thicken and not are_own:
        image = thickened(image, where.cell)
    levels = style.alpha != transparency.HARD and image.shape[-1] == 4 and image[..., 3].min() < 255
    colors, opaque = _reduced(image, style.how, where, alpha_threshold=1 if levels else style.alpha_threshold)
    if style.crisp is not False and not are_own:
        colors = crisp(colors, opaque, mixtures(image, where.rows, where.columns))
    alpha = None
    if levels:
        alpha = transparency.of_cells(image, where.rows, where.columns, where.core)
        if style.alpha == transparency.DITHER:
            opaque, alpha = opaque & transparency.dithered(alpha), None
    colors = graded(colors, saturation=style.saturation, contrast=style.contrast)
    return Cells(
        colors=colors, opaque=opaque, cell=where.cell, alpha=alpha, note=where.note, exact=where.exact
    )


def _reduced_sheet(image: np.ndarray, style: Style) -> Cells:
    """As `reduce`, each sprite of the sheet by itself; between them it is transparent, or of the border's color."""
    sheet = sprite_sheets.lay_out(image, style.sheet, style.cell)
    style = dataclasses.replace(style, sheet=None)
    made = [
        reduce(image[each.inside], style, Grid(
            rows=each.rows, columns=each.columns, core=1.0 if each.exact else SOFT_CORE, exact=each.exact
        ))
        for each in sheet.sprites
    ]
    is_clear = image.shape[-1] == 4 and image[..., 3].min() < 255
    colors = sprite_sheets.join(sheet, [each.colors for each in made], 0 if is_clear else border_color(image[..., :3]))
    opaque = sprite_sheets.join(sheet, [each.opaque for each in made], not is_clear)
    alpha = None
    if any(each.alpha is not None for each in made):
        levels = [each.opaque * np.uint8(255) if each.alpha is None else each.alpha for each in made]
        alpha = sprite_sheets.join(sheet, levels, 0)
    return Cells(
        colors=colors, opaque=opaque, cell=max(1, round(sheet.cell)), alpha=alpha, note=sheet.note,
        exact=all(each.exact for each in made),
    )


def crisped(made: Cells, style: Style) -> Cells:
    """The cells of a generator, with crisp borders if the style has them."""
    if style.crisp is False:
        return made
    return dataclasses.replace(made, colors=crisp(made.colors, made.opaque))


def vivid(made: Cells, style: Style) -> Cells:
    """The cells of a generator, as vivid as the style asks for, and what is meant by them likewise."""
    colors, meant = (
        graded(each, saturation=style.saturation, contrast=style.contrast) for each in (made.colors, made.meant)
    )
    return dataclasses.replace(made, colors=colors, meant=meant)


def _reduced(
    image: np.ndarray, how: str | None, where: Grid, *, alpha_threshold: int
) -> tuple[np.ndarray, np.ndarray]:
    """What `cells.reduce` gives; for soft cells that were found, and no `how`, the best that is known."""
    rows, columns = where.rows, where.columns
    is_soft = how is None and where.core < 1
    if is_soft and image[..., 3:].min(initial=255) == 255:
        solved = unblur.solve(image[..., :3], rows, columns)
        if solved is not None:
            return unblur.with_clean_ground(solved), np.ones(solved.shape[:2], bool)
    how = how or ("median" if is_soft else DEFAULT_HOW)
    colors, opaque = cells.reduce(image, rows, columns, how=how, alpha_threshold=alpha_threshold, core=where.core)
    return (unblur.with_clean_ground(colors) if is_soft else colors), opaque


def finish(reduced: Cells, style: Style, own: np.ndarray | None = None) -> Art:
    """The second half: the style's palette or the cells' own, dithering, the outline.

    Args:
        own: uint8 (k, 3), the cells' own palette where it is known already (see `palette_of`).
    """
    palette = palette_of(reduced, style) if own is None else own
    index = dithered(reduced.colors, reduced.opaque, palette, style)
    if style.palette is None and reduced.meant is not None and style.crisp is not False:
        palette = true_colors(palette, index, reduced.opaque, reduced.meant)
    index, opaque = outlined(index, reduced.opaque, palette, style)
    alpha = reduced.alpha
    if alpha is not None:   # an outline is opaque
        alpha = np.where(opaque & ~reduced.opaque, 255, alpha).astype(np.uint8)
    return Art(index=index, palette=palette, opaque=opaque, cell=reduced.cell, alpha=alpha)


def palette_of(reduced: Cells, style: Style) -> np.ndarray:
    """The style's palette, or the cells' own: uint8 (k, 3)."""
    if style.palette is not None:
        return style.palette
    return own_palette(reduced.colors[reduced.opaque], style, exact=reduced.exact)


def own_palette(colors: np.ndarray, style: Style, *, exact: bool = False) -> np.ndarray:
    """The palette of a picture's, or several pictures', own colors: uint8 (n, 3) -> uint8 (k, 3).

    Args:
        exact: whether they are those of pixel art, of which `Style.colors` may leave all.
    """
    if not len(colors):   # all is transparent
        return np.zeros((1, 3), np.uint8)
    k = style.colors
    if k is None:
        k = MAX_COLORS if exact else DEFAULT_COLORS
    # Where it has a palette already, to choose among its colors would lose some each time.
    if k == "auto" and len(np.unique(colors.astype(np.int32) @ (65536, 256, 1))) <= MAX_AUTO:
        k = MAX_AUTO
    return extract(colors, k, space=style.space, seed=style.seed)

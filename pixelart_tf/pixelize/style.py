"""How a picture becomes pixel art: what a person can ask for."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import cells, color, transparency
from pixelart_tf.pixelize.dither import METHODS
from pixelart_tf.pixelize.palette import MAX_COLORS, check_palette
from pixelart_tf.pixelize.sprite_sheets import GAPS

DEFAULT_COUNT = 128   # cells along the longer side, where neither their size nor their number is asked for
DEFAULT_COLORS = 16
DEFAULT_HOW = "mean"


@dataclass(frozen=True, kw_only=True, eq=False)
class Style:
    """How a picture becomes pixel art.

    Args:
        cell: pixels of a cell's side, 1 or more; or its (height, width); or `"auto"`, the cells that a picture of pixel
            art has already. Where it is not whole, a torn cell at the right or below counts if half of it is there.
        width: instead, cells across the picture. Without `cell`, `width` and `height` the picture's own cells if it has
            any, else `DEFAULT_COUNT` along its longer side.
        height: instead, cells down the picture.
        sheet: (columns, rows) of sprites of equal size on a sheet, or `"gaps"` where empty rows and columns part them:
            each has cells of its own phase, all of one size, which is `cell` or found (see `sprite_sheets`).
        how: what gives a cell its color, one of `cells.HOW`. None is `DEFAULT_HOW`, but cells that a picture has
            already and that have soft borders are solved for, see `unblur.solve`, or have the median of their middles.
        crisp: whether cells that are mixtures of their neighbors take the nearer one's color (see `crisp`); not of
            cells that a picture has already. None is yes, but of films no, as borders would flicker. Unless it is
            False, lone cells that a generator makes of texture take a neighbor's color, of films too (see `lone`), and
            the colors of a picture's own palette take its hues and come nearer to it where a generator has drawn
            darker or lighter (see `true_colors`); not of films, nor of a palette for several pictures.
        thicken: whether thin dark lines are made wider first (see `thickening`); not of pixel art with cells already.
        colors: most colors of the picture's own palette, 1 to 256; or `"auto"`, as many as it is made of. None is
            `DEFAULT_COLORS`, but what is exact pixel art already keeps all that it has, up to 256.
        palette: uint8 (k, 3), colors to take instead.
        space: in which colors are compared, one of `color.SPACES`.
        dither: one of `dither.METHODS`.
        strength: of the dithering, 0 to 1.
        outline: whether the palette's darkest color is drawn around the shape (see `outline`).
        alpha_threshold: 1 to 255; a cell of at least that mean alpha is opaque, the others are transparent.
        alpha: one of `transparency.KINDS`: `"hard"` is by the threshold; `"soft"` keeps each cell's level, and
            `"dither"` mixes opaque and transparent cells.
        saturation, contrast: of the cells, see `grading.graded`; 0 to 4, 1 is as they are.
        seed: of the search for a palette.

    Raises:
        UserError: an argument breaks its rule.
    """

    cell: float | tuple[float, float] | str | None = None
    width: int | None = None
    height: int | None = None
    sheet: tuple[int, int] | str | None = None
    how: str | None = None
    crisp: bool | None = None
    thicken: bool = False
    colors: int | str | None = None
    palette: np.ndarray | None = None
    space: str = "oklab"
    dither: str = "none"
    strength: float = 1.0
    outline: bool = False
    alpha_threshold: int = 128
    alpha: str = transparency.HARD
    saturation: float = 1.0
    contrast: float = 1.0
    seed: int = 0

    def __post_init__(self):
        if self.cell is not None and self.width is not None:
            raise UserError(f"`cell` and `width` exclude each other. Received: {self.cell} and {self.width}")
        if self.height is not None and (self.cell, self.width) != (None, None):
            other = "width" if self.cell is None else "cell"
            raise UserError(f"`{other}` and `height` exclude each other, as cells are squares. Received: "
                            f"{getattr(self, other)} and {self.height}")
        self._check_cell()
        self._check_sheet()
        self._check_whole("width", or_none=True)
        self._check_whole("height", or_none=True)
        self._check_whole("colors", most=MAX_COLORS, or_auto=True, or_none=True)
        self._check_whole("alpha_threshold", most=255)
        self._check_whole("seed", least=0)
        if self.how is not None:
            self._check_choice("how", cells.HOW)
        self._check_choice("space", color.SPACES)
        self._check_choice("dither", METHODS)
        self._check_choice("alpha", transparency.KINDS)
        for name, most in {"strength": 1, "saturation": 4, "contrast": 4}.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value <= most:
                raise UserError(f"`{name}` must be from 0 to {most}. Received: {value!r}")
        if self.palette is not None:
            check_palette(self.palette)

    def _check_cell(self) -> None:
        sides = self.cell if isinstance(self.cell, tuple) else (self.cell,)
        is_size = all(
            isinstance(side, int | float) and not isinstance(side, bool) and 1 <= side < np.inf for side in sides
        )
        if self.cell not in (None, "auto") and not (is_size and len(sides) in (1, 2)):
            raise UserError(
                f"`cell` must be at least 1, a pair as 4.5x4 (width x height), or auto. Received: {self.cell!r}"
            )

    def _check_sheet(self) -> None:
        if self.sheet is None:
            return
        if (self.width, self.height) != (None, None):
            raise UserError("`sheet` takes `cell`, or finds it, and no `width` or `height`: for 8 drawings side by "
                            "side of 16 cells, give a width of 128 and no `sheet`")
        is_pair = isinstance(self.sheet, tuple) and len(self.sheet) == 2
        if self.sheet != GAPS and not (is_pair and all(isinstance(each, int) and each > 0 for each in self.sheet)):
            raise UserError(f"`sheet` must be columns x rows, such as 8x4, or {GAPS}. Received: {self.sheet!r}")

    def _check_whole(
        self, name: str, *, least: int = 1, most: int | None = None, or_auto: bool = False, or_none: bool = False
    ) -> None:
        value = getattr(self, name)
        if (or_none and value is None) or (or_auto and value == "auto"):
            return
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or value < least or (most is not None and value > most):
            limits = f"from {least} to {most}" if most is not None else f"of at least {least}"
            limits += " or auto" if or_auto else ""
            raise UserError(f"`{name}` must be a whole number {limits}. Received: {value!r}")

    def _check_choice(self, name: str, known: Iterable[str]) -> None:
        if getattr(self, name) not in tuple(known):
            raise UserError(f"`{name}` must be one of {', '.join(known)}. Received: {getattr(self, name)!r}")

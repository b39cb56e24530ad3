"""How a picture becomes pixel art: what a person can ask for."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import cells, color
from pixelart_tf.pixelize.dither import METHODS
from pixelart_tf.pixelize.palette import MAX_COLORS, check_palette

DEFAULT_COUNT = 128   # cells along the longer side, where neither their size nor their number is asked for


@dataclass(frozen=True, kw_only=True, eq=False)
class Style:
    """How a picture becomes pixel art.

    Args:
        cell: pixels of a cell's side; or `"auto"`, the cells that a picture of enlarged pixel art has already.
        width: instead, cells across the picture. With neither, the picture's own cells if it has any, else
            `DEFAULT_COUNT` along its longer side.
        how: what gives a cell its color, one of `cells.HOW`.
        colors: most colors of the picture's own palette, 1 to 256; or `"auto"`, as many as it is made of.
        palette: uint8 (k, 3), colors to take instead.
        space: in which colors are compared, one of `color.SPACES`.
        dither: one of `dither.METHODS`.
        strength: of the dithering, 0 to 1.
        outline: whether the palette's darkest color is drawn around the shape (see `outline`).
        alpha_threshold: 1 to 255; a cell of at least that mean alpha is opaque, the others are transparent.
        seed: of the search for a palette.

    Raises:
        UserError: an argument breaks its rule.
    """

    cell: int | str | None = None
    width: int | None = None
    how: str = "mean"
    colors: int | str = 16
    palette: np.ndarray | None = None
    space: str = "oklab"
    dither: str = "none"
    strength: float = 1.0
    outline: bool = False
    alpha_threshold: int = 128
    seed: int = 0

    def __post_init__(self):
        if self.cell is not None and self.width is not None:
            raise UserError(f"`cell` and `width` exclude each other. Received: {self.cell} and {self.width}")
        self._check_whole("cell", or_auto=True, or_none=True)
        self._check_whole("width", or_none=True)
        self._check_whole("colors", most=MAX_COLORS, or_auto=True)
        self._check_whole("alpha_threshold", most=255)
        self._check_whole("seed", least=0)
        self._check_choice("how", cells.HOW)
        self._check_choice("space", color.SPACES)
        self._check_choice("dither", METHODS)
        if not isinstance(self.strength, int | float) or not 0 <= self.strength <= 1:
            raise UserError(f"`strength` must be from 0 to 1. Received: {self.strength!r}")
        if self.palette is not None:
            check_palette(self.palette)

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

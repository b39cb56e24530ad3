"""A sheet that shows pictures before and after, side by side."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pixelart_tf.base.columns import counted
from pixelart_tf.pictures import images

MAX_ROWS = 6
SIDE = 320   # pixels of the longer side of a picture, about
# As the page of palettes has them.
_MARGIN, _GAP, _LINE = 20, 16, 24
_GROUND, _INK, _FAINT, _CHECKERS = (250, 250, 250), (30, 30, 30), (120, 120, 120), ((255, 255, 255), (228, 228, 228))
_CHECKER, _SWATCH = 8, 14


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One picture of a row.

    Attributes:
        image: uint8 (h, w, 3 or 4), no larger than the sheet needs.
        title: what it is.
        size: its own height and width in pixels, or cells.
    """

    image: np.ndarray
    title: str
    size: tuple[int, int]

    @classmethod
    def of(cls, image: np.ndarray, title: str) -> "Panel":
        """Of a picture of any size: what is much larger than shown is made smaller, to hold no more memory."""
        step = max(image.shape[:2]) / (4 * SIDE)
        small = image
        if step > 1:
            height, width = (max(1, round(side / step)) for side in image.shape[:2])
            small = images.fit(image, (height, width), how="stretch", resample="area")
        return cls(image=small, title=title, size=image.shape[:2])


def sheet(rows: list[list[Panel]]) -> np.ndarray:
    """Draws the sheet.

    Args:
        rows: for each picture its panels; the last one is pixel art at one pixel a cell, which is enlarged by a whole
            number, and the others get its size.

    Returns:
        uint8 (H, W, 3).
    """
    drawn = [_row(panels) for panels in rows]
    width = max(row.width for row in drawn) + 2 * _MARGIN
    height = sum(row.height for row in drawn) + _GAP * (len(drawn) - 1) + 2 * _MARGIN
    page = Image.new("RGB", (width, height), _GROUND)
    top = _MARGIN
    for row in drawn:
        page.paste(row, (_MARGIN, top))
        top += row.height + _GAP
    return np.array(page)


def _row(panels: list[Panel]) -> Image.Image:
    art = panels[-1].image
    scale = max(1, SIDE // max(art.shape[:2]))
    height, width = (side * scale for side in art.shape[:2])
    page_size = (len(panels) * width + _GAP * (len(panels) - 1), _LINE + height + 4 + _SWATCH)
    page = Image.new("RGB", page_size, _GROUND)
    draw, large, small = ImageDraw.Draw(page), ImageFont.load_default(15), ImageFont.load_default(12)
    colors = _colors(art)
    for index, panel in enumerate(panels):
        left = index * (width + _GAP)
        how = "nearest" if panel is panels[-1] else "lanczos"
        shown = images.fit(panel.image, (height, width), how="stretch", resample=how)
        page.paste(_on_checkers(shown), (left, _LINE))
        draw.text((left, 0), panel.title, _INK, large)
        rows, columns = panel.size
        what = f"{columns}x{rows}"
        if panel is panels[-1]:
            what += f" cells, {counted(len(colors), 'color')}"
        text_left = left + draw.textlength(panel.title, large) + 8
        if text_left + draw.textlength(what, small) <= left + width:
            draw.text((text_left, 3), what, _FAINT, small)
    swatch = min(_SWATCH, width // max(1, len(colors)))
    for index, color in enumerate(colors[: width // max(1, swatch)].tolist()):
        x = left + index * swatch
        draw.rectangle((x, _LINE + height + 4, x + swatch - 1, page.height - 1), tuple(color))
    return page


def _colors(art: np.ndarray) -> np.ndarray:
    """The colors that are seen, from dark to light."""
    seen = art[..., :3][art[..., 3] > 0] if art.shape[-1] == 4 else art.reshape(-1, 3)
    colors = np.unique(seen, axis=0)
    return colors[np.argsort(colors @ (299, 587, 114), kind="stable")]


def _on_checkers(image: np.ndarray) -> Image.Image:
    """What is transparent shows the usual gray checkers."""
    if image.shape[-1] == 3:
        return Image.fromarray(image)
    down, across = np.indices(image.shape[:2]) // _CHECKER
    ground = np.array(_CHECKERS, np.uint8)[(down + across) % 2]
    alpha = image[..., 3:] / 255
    return Image.fromarray(np.rint(image[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8))

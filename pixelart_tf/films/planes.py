"""Pixel art -> the planes of a film's frame, as encoders take them."""

from pathlib import Path

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize.art import Art

MAX_SIDE = 16384   # pixels, of H.264 and VP9 as the libraries have them


def planes(art: Art, scale: int, pix_fmt: str) -> list[np.ndarray]:
    """The planes of a frame: uint8 (H, W), (H/2, W/2) for the colors of yuv420p, (H, 3 * W) for rgb24.

    yuv420p is BT.709 of limited range (ITU-R BT.709-6, 3.2 to 3.5), as all players take it to be.
    """
    palette = np.concatenate([art.palette, np.full((1, 3), 255, np.uint8)])   # under transparency
    index = np.where(art.opaque, art.index, np.uint16(len(art.palette)))
    if pix_fmt == "rgb24":
        cells = palette[index].repeat(scale, axis=1)
        return [cells.reshape(len(cells), -1).repeat(scale, axis=0)]
    if pix_fmt == "gbrp":
        tables, scales = (palette[:, channel] for channel in (1, 2, 0)), (scale,) * 3
    else:
        red, green, blue = (palette / 255).T
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        tables = 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748
        tables, scales = (np.rint(table).astype(np.uint8) for table in tables), (scale, scale // 2, scale // 2)
    return [
        table[index].repeat(each, axis=1).repeat(each, axis=0) for table, each in zip(tables, scales, strict=True)
    ]


def size(art: Art, scale: int, path: Path) -> tuple[int, int]:
    """Width and height in pixels."""
    height, width = (side * scale for side in art.index.shape)
    if max(height, width) > MAX_SIDE:
        raise UserError(f"{path}: {width}x{height} pixels are more than {MAX_SIDE} a side; take a smaller scale")
    return width, height

"""What the levels of a generator's encoder put out for a picture, as a labelled sheet."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures import images, sources

SIZE = 256   # pixels that a picture is brought to for networks of any size
COLUMNS, PANEL = 10, 96   # channels that are shown of each level, and pixels of a side
_MARGIN, _GAP, _LINE = 16, 6, 22
_INK, _GROUND = (30, 30, 30), (250, 250, 250)


@dataclass(frozen=True, kw_only=True, eq=False)
class Level:
    """What a level puts out.

    Attributes:
        name: of its last layer.
        values: float32 (h, w, channels).
    """

    name: str
    values: np.ndarray


def encoder_levels(generator: keras.Model, image: np.ndarray) -> list[Level]:
    """The output of each level of an encoder: of each size, while sizes get smaller, that of the last layer.

    Args:
        generator: a functional model from images to images.
        image: float32 (H, W, C) in [-1, 1], of a size that it takes.

    Returns:
        From the largest to the smallest. The smallest one is what the way up begins with.

    Raises:
        UserError: nothing in it gets smaller.
    """
    layers = [layer for layer in generator.layers if hasattr(layer, "output") and _is_map(layer.output)]
    # Once for all: what is computed together is computed once.
    outputs = keras.Model(generator.inputs[0], [layer.output for layer in layers])(image[np.newaxis], training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    levels: list[Level] = []
    for layer, output in zip(layers, outputs, strict=True):
        height = output.shape[1]
        if isinstance(layer, keras.layers.InputLayer) or image.shape[0] % height:   # padded, on the way
            continue
        if levels and height > len(levels[-1].values):
            break
        level = Level(name=layer.name, values=keras.ops.convert_to_numpy(output[0]).astype(np.float32))
        if levels and height == len(levels[-1].values):
            if output.shape[-1] < levels[-1].values.shape[-1]:   # pixels, where nothing goes up again
                continue
            levels.pop()
        levels.append(level)
    if len(levels) < 2:
        raise UserError("no encoder: nothing in this network gets smaller")
    return levels


def _is_map(output) -> bool:
    return hasattr(output, "shape") and len(output.shape) == 4


def encoder_sheet(generator: keras.Model, picture: str | Path) -> np.ndarray:
    """Draws the levels for a picture: of each the channels that vary most, black where least and white where greatest.

    Args:
        generator: see `encoder_levels`.
        picture: one picture, as `sources.read` takes it; its middle is cut to what the network takes.

    Returns:
        uint8 (H, W, 3).

    Raises:
        UserError: not one picture, or no encoder.
    """
    found = list(sources.read(picture))
    if len(found) != 1:
        raise UserError(f"{picture}: {len(found)} pictures, where one is wanted")
    height, width, channels = generator.input_shape[1:]
    image = images.fit(found[0].decode(), (height or SIZE, width or SIZE))
    given = images.to_float(image)
    if channels == 1:
        given = (given @ np.float32(images.LUMA))[..., np.newaxis]
    levels = encoder_levels(generator, given)
    rows = [(f"the picture: {image.shape[1]}x{image.shape[0]}", [image])]
    for level in levels:
        high, wide, count = level.values.shape
        strongest = np.argsort(-level.values.std((0, 1)), kind="stable")[:COLUMNS]
        shown = f", the {len(strongest)} that vary most" if len(strongest) < count else ""
        rows.append((f"{level.name}: {wide}x{high}, {count} channels{shown}", [
            _grey(level.values[..., index]) for index in strongest
        ]))
    return _drawn(rows)


def _grey(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    levels = np.rint(255 * (values - low) / max(high - low, 1e-12)).astype(np.uint8)
    return levels[..., np.newaxis].repeat(3, axis=-1)


def _drawn(rows: list[tuple[str, list[np.ndarray]]]) -> np.ndarray:
    width = 2 * _MARGIN + COLUMNS * (PANEL + _GAP) - _GAP
    page = Image.new("RGB", (width, 2 * _MARGIN + len(rows) * (_LINE + PANEL + _GAP)), _GROUND)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for index, (label, panels) in enumerate(rows):
        top = _MARGIN + index * (_LINE + PANEL + _GAP)
        pen.text((_MARGIN, top), label, _INK, font)
        for column, panel in enumerate(panels):
            how = "nearest" if panel.shape[0] < PANEL else "area"
            shown = images.fit(panel, PANEL, how="stretch", resample=how)
            page.paste(Image.fromarray(shown), (_MARGIN + column * (PANEL + _GAP), top + _LINE))
    return np.array(page)

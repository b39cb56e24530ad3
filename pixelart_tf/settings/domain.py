"""One set of pictures, and how they become a model's input: the tables `[data.source]` and `[data.target]`."""

from dataclasses import dataclass
from typing import Annotated

from pixelart_tf.base.checks import check_at_most
from pixelart_tf.settings.config import PATH

RESIZES = ("area", "bilinear", "lanczos", "native", "nearest")
HARD = ("native", "nearest")   # for pixel art: no pixel is mixed with another
FITS = ("crop", "pad", "stretch")
HALVES = ("", "left", "right")
# Beyond it no network of this project fits a machine's memory, and the system would kill the run without a word.
MAX_SIDE = 4096


@dataclass(frozen=True, kw_only=True)
class Domain:
    """One set of pictures, and how they become a model's input.

    The steps, in this order: fit to `image_size` with the random crop and mirror, `grey`, `output_size`, then
    `pixelate` or `boxes`. With `pixelate` or `boxes` on the target alone, photos are enough to learn photo -> pixels.

    Args:
        files: a shard, a folder or a glob of shards (TFRecord files); a picture, a folder or a glob of pictures; a zip;
            or a list of these, of which a picture that is in several is taken once.
        skip_bad: whether bad pictures are left out, instead of ending the training before it begins.
        half: `"left"` or `"right"`: only that half of each picture is taken, before all else. For pairs that lie side
            by side in one file, as pix2pix's sets have them: source and target name the same files then. Empty for
            whole pictures.
        image_size: pixels, one number for a square or (height, width).
        fit: `"crop"`, `"pad"` or `"stretch"`: how a picture of another shape becomes `image_size` (see `images.fit`).
        resize: `"area"`, `"bilinear"`, `"lanczos"`, `"nearest"` or `"native"`, the last two for pixel art. `"native"`
            takes pixel art at one pixel a cell, however large its cells are, and resizes nothing: smaller pictures are
            put on the color of their border, larger ones lose their borders.
        jitter: pixels by which the shorter side is larger before a random crop of `image_size`: 30 is the 286 to 256
            of the CycleGAN paper. Shards packed at that larger size are not resized any more, which is sharper and
            faster. With `resize="nearest"` or `"native"` nothing is enlarged, as that would tear the pixel grid: the
            picture is moved by whole pixels, up to half of `jitter` each way, and its border is repeated.
        mirror: whether half of the pictures, at random, are mirrored left to right.
        pixelate: side in pixels of the square cells whose pixels take their mean; 0 for none. Must divide the size.
        boxes: as `pixelate`, but `boxes` x `boxes` cells, whatever the size; 0 for none.
        enlarge: True keeps the size when pixelating, False gives one pixel a cell.
        grey: one channel, Rec. 601 luma.
        output_size: a size of its own after the crop, one number or (height, width); None for `image_size`.
        hue: whether each picture's hues are turned at random, and its gamma and saturation changed (with its partner).

    Raises:
        ValueError: an argument breaks its rule.
    """

    files: Annotated[str | tuple[str, ...], PATH]
    skip_bad: bool = False
    half: str = ""
    image_size: int | tuple[int, int] = 256
    fit: str = "crop"
    resize: str = "area"
    jitter: int = 0
    mirror: bool = True
    pixelate: int = 0
    boxes: int = 0
    enlarge: bool = True
    grey: bool = False
    output_size: int | tuple[int, int] | None = None
    hue: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.files, list):
            object.__setattr__(self, "files", tuple(self.files))
        for name in ("image_size", "output_size"):
            value = getattr(self, name)
            if isinstance(value, list):   # a TOML array
                object.__setattr__(self, name, tuple(value))
            if value is not None:
                _pair(name, value)
        for name, known in (("half", HALVES), ("fit", FITS), ("resize", RESIZES)):
            if getattr(self, name) not in known:
                words = ", ".join(filter(None, known))
                raise ValueError(f"`{name}` must be one of {words}. Received: {getattr(self, name)!r}")
        for name in ("jitter", "pixelate", "boxes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"`{name}` must be a whole number of at least 0. Received: {value!r}")
        check_at_most(max(self.crop_size), jitter=self.jitter)
        if self.hue and self.grey:
            raise ValueError("`hue` must be false where `grey` is true. Received: True")
        if self.pixelate and self.boxes:
            raise ValueError(
                f"`pixelate` and `boxes` exclude each other. Received: pixelate={self.pixelate}, boxes={self.boxes}"
            )
        if self.pixelate:
            check_block(self.final_size, self.pixelate)
        shorter = min(self.final_size)
        if self.boxes > shorter:
            raise ValueError(f"`boxes` must be at most the shorter side, {shorter}. Received: {self.boxes}")

    @property
    def crop_size(self) -> tuple[int, int]:
        """`image_size` as (height, width)."""
        return _pair("image_size", self.image_size)

    @property
    def load_size(self) -> tuple[int, int]:
        """(height, width) that a random crop is cut from."""
        height, width = self.crop_size
        if self.resize in HARD:   # a border that the picture can move in
            return height + self.jitter, width + self.jitter
        scale = 1 + self.jitter / min(height, width)
        return round(height * scale), round(width * scale)

    @property
    def final_size(self) -> tuple[int, int]:
        """(height, width) before pixelation."""
        return self.crop_size if self.output_size is None else _pair("output_size", self.output_size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the pictures in a batch."""
        height, width = self.final_size
        if self.pixelate and not self.enlarge:
            height, width = height // self.pixelate, width // self.pixelate
        if self.boxes and not self.enlarge:
            height = width = self.boxes
        return height, width, 1 if self.grey else 3


def check_block(size: tuple[int, int], block: int, *, name: str = "pixelate") -> None:
    """Raises ValueError, which calls `block` `name`, where cells of so many pixels leave a torn row or column."""
    if block < 1 or size[0] % block or size[1] % block:
        raise ValueError(f"`{name}` must divide the height, {size[0]}, and the width, {size[1]}. Received: {block}")


def _pair(name: str, size: int | tuple[int, int]) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, tuple | list) else ()
    if len(pair) != 2 or any(isinstance(side, bool) or not isinstance(side, int) or side < 1 for side in pair):
        raise ValueError(f"`{name}` must be a positive number of pixels or (height, width). Received: {size!r}")
    if max(pair) > MAX_SIDE:
        raise ValueError(f"`{name}` must be at most {MAX_SIDE} pixels a side. Received: {size!r}")
    return pair

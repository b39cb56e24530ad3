"""The two sets of pictures of a training: what they are, and how they get into memory."""

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import Image

from pixelart_tf import images, sources

RESIZES = ("area", "bilinear", "lanczos", "nearest")
FITS = ("crop", "pad", "stretch")

# Beyond it no network of this project fits a machine's memory, and the system would kill the run without a word.
MAX_SIDE = 4096


@dataclass(frozen=True, kw_only=True)
class Domain:
    """One set of pictures, and how they become a model's input.

    The steps, in this order: fit to `image_size` with the random crop and mirror, `grey`, `output_size`, then
    `pixelate` or `boxes`. With `pixelate` or `boxes` on the target alone, photos are enough to learn photo -> pixels.

    Args:
        files: a shard, a folder or a glob of shards (`*.tfrec`); or a picture, a folder or a glob of pictures.
        image_size: pixels, one number for a square or (height, width).
        fit: `"crop"`, `"pad"` or `"stretch"`: how a picture of another shape becomes `image_size` (see `images.fit`).
        resize: `"area"`, `"bilinear"`, `"lanczos"` or `"nearest"`. `"nearest"` is for pixel art.
        jitter: pixels by which the shorter side is larger before a random crop of `image_size`: 30 is the 286 to 256
            of the CycleGAN paper. Shards packed at that larger size are not resized any more, which is sharper and
            faster. With `resize="nearest"` nothing is enlarged, as that would tear the pixel grid: the picture is
            moved by whole pixels, up to half of `jitter` each way, and its border is repeated.
        mirror: whether half of the pictures, at random, are mirrored left to right.
        pixelate: side in pixels of the square cells whose pixels take their mean; 0 for none. Must divide the size.
        boxes: as `pixelate`, but `boxes` x `boxes` cells, whatever the size; 0 for none.
        enlarge: True keeps the size when pixelating, False gives one pixel a cell.
        grey: one channel, Rec. 601 luma.
        output_size: a size of its own after the crop, one number or (height, width); None for `image_size`.

    Raises:
        ValueError: an argument breaks its rule.
    """

    files: str
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

    def __post_init__(self) -> None:
        for name in ("image_size", "output_size"):
            value = getattr(self, name)
            if isinstance(value, list):   # a TOML array
                object.__setattr__(self, name, tuple(value))
            if value is not None:
                _pair(name, value)
        for name, known in (("fit", FITS), ("resize", RESIZES)):
            if getattr(self, name) not in known:
                raise ValueError(f"`{name}` must be one of {', '.join(known)}. Received: {getattr(self, name)!r}")
        for name in ("jitter", "pixelate", "boxes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"`{name}` must be a whole number of at least 0. Received: {value!r}")
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
        if self.resize == "nearest":   # a border that the picture can move in
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """A domain in memory, before any random step.

    Args:
        domain: what they are.
        names: one a picture: its file, or its `image_name` in a shard.
        data: uint8 (n, H, W, 3) of the domain's `load_size`; or, where that would be too large, JPEG and PNG files,
            string (n,).
        enlarge: the files in `data` are of `crop_size` and become `load_size` when they are decoded.
    """

    domain: Domain
    names: tuple[str, ...]
    data: tf.Tensor
    enlarge: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: tf.Tensor) -> tf.Tensor:
        """Picture `index`, decoded: uint8 (H, W, 3) of the domain's `load_size`."""
        image = self.data[index]
        if image.dtype == tf.string:
            image = _decode(image, self.domain.crop_size if self.enlarge else self.domain.load_size)
        return _enlarge(image, self.domain.load_size) if self.enlarge else image


def load(
    domain: Domain, *, cache_bytes: int = 2**30, progress: Callable[[int, int], None] | None = None
) -> Pictures:
    """Reads each picture of a domain once, so that a bad one is found now and not in the middle of a run.

    Args:
        domain: what to read.
        cache_bytes: how large the decoded pictures may be; above it they are kept encoded and decoded for every batch.
            The batches are the same.
        progress: called with the pictures done and their total after each.

    Returns:
        The pictures, sorted as `images.find` and `records.list_shards` do.

    Raises:
        ValueError: nothing there, a bad picture or a bad shard: its file (and record) and the reason in one line.
    """
    pictures = list(sources.read(domain.files))
    names, places, files = ([getattr(item, key) for item in pictures] for key in ("name", "place", "data"))
    size = domain.load_size
    num_bytes = len(names) * size[0] * size[1] * 3
    cached = num_bytes <= cache_bytes
    data = np.empty((len(names), *size, 3), np.uint8) if cached else np.empty(len(names), object)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        native = list(pool.map(_native_size, files))
        enlarge = not cached and _enlarges(domain) and all(found == domain.crop_size for found in native)

        def prepare(index: int) -> None:
            plain = native[index] in (size, domain.crop_size)
            image = _decode_one(files[index], native[index], places[index]) if plain else images.read(
                files[index], name=places[index]
            )
            ready = _to_load_size(image, domain)
            if cached:
                data[index] = ready
            elif enlarge or (plain and ready is image):
                data[index] = files[index]
            else:
                data[index] = images.encode(ready, "png")

        for done, _ in enumerate(pool.map(prepare, range(len(names))), 1):
            if progress is not None:
                progress(done, len(names))
    with tf.device("CPU"):
        data = tf.constant(data if cached else list(data))
    return Pictures(domain=domain, names=tuple(names), data=data, enlarge=enlarge)


def check_block(size: tuple[int, int], block: int) -> None:
    """Raises ValueError where cells of `block` pixels leave a torn row or column."""
    if block < 1 or size[0] % block or size[1] % block:
        raise ValueError(f"`pixelate` must divide the height, {size[0]}, and the width, {size[1]}. Received: {block}")


def _pair(name: str, size: int | tuple[int, int]) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, tuple | list) else ()
    if len(pair) != 2 or any(isinstance(side, bool) or not isinstance(side, int) or side < 1 for side in pair):
        raise ValueError(f"`{name}` must be a positive number of pixels or (height, width). Received: {size!r}")
    if max(pair) > MAX_SIDE:
        raise ValueError(f"`{name}` must be at most {MAX_SIDE} pixels a side. Received: {size!r}")
    return pair


def _native_size(encoded: bytes) -> tuple[int, int] | None:
    """(height, width) of a file that TensorFlow decodes as `images.read` does, else None."""
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            jpeg = image.format == "JPEG" and image.mode in ("RGB", "L")
            png = image.format == "PNG" and image.mode == "RGB" and encoded[24] == 8   # bits a channel
            plain = "transparency" not in image.info and image.getexif().get(0x0112, 1) == 1   # upright
            return (image.height, image.width) if plain and (jpeg or png) else None
    except Exception:   # `images.read` knows all the ways a file can be bad, and words them
        return None


def _decode_one(encoded: bytes, size: tuple[int, int], place: str) -> np.ndarray:
    try:
        return _decode(tf.constant(encoded), size).numpy()
    except tf.errors.InvalidArgumentError:
        images.read(encoded, name=place)   # says what is wrong in our words
        raise images.ImageError(f"{place}: damaged picture") from None


def _decode(encoded: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    # The op takes PNG as well. Its default decodes JPEG less exactly and is no faster.
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(image, (*size, 3))


def _enlarges(domain: Domain) -> bool:
    """Whether pictures of `crop_size` are made `load_size` by bilinear interpolation, as the CycleGAN paper does."""
    return domain.load_size != domain.crop_size and domain.resize != "nearest"


def _enlarge(image: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    # Floats are resized at twice the speed of bytes; a sum of 0.5 before a cast rounds.
    image = tf.image.resize(tf.cast(image, tf.float32)[tf.newaxis] + 0.5, size)
    return tf.cast(image, tf.uint8)[0]


def _to_load_size(image: np.ndarray, domain: Domain) -> np.ndarray:
    """uint8 (H, W, 3) of any size -> of `load_size`; the same array where that is its size already."""
    size, found = domain.load_size, image.shape[:2]
    if domain.resize == "nearest":
        if found != domain.crop_size:
            image = images.fit(image, domain.crop_size, how=domain.fit, resample="nearest")
        before, after = domain.jitter // 2, domain.jitter - domain.jitter // 2
        return np.pad(image, ((before, after), (before, after), (0, 0)), mode="edge") if domain.jitter else image
    if found == size:
        return image
    if found == domain.crop_size:
        return _enlarge(tf.constant(image), size).numpy()
    # A box filter cannot enlarge: it would repeat pixels.
    larger = found[0] < size[0] or found[1] < size[1]
    resample = "bilinear" if larger and domain.resize == "area" else domain.resize
    return images.fit(image, size, how=domain.fit, resample=resample)

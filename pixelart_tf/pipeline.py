"""Shards or a folder of pictures -> endless `tf.data` batches, the same ones whenever they are asked for.

    photos = load(Domain(files="tfrecords/photo*.tfrec", image_size=256, jitter=30))
    paintings = load(Domain(files="paintings", image_size=256, jitter=30))
    batches = unpaired(photos, paintings, batch_size=4, seed=0)   # (source, target), float32 (4, 256, 256, 3)

A domain is an endless row of elements. Element e belongs to pass e // n over the n pictures; the order of a pass, and
the crop and mirror of its elements, are drawn from (seed, domain, pass) alone. So a run that starts in the middle, or
a host that makes only its part of a batch, gets exactly what it would have got otherwise.
"""

import glob
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from pixelart_tf import images as pictures_io

RESIZES = ("area", "bilinear", "lanczos", "nearest")
FITS = ("crop", "pad", "stretch")


@dataclass(frozen=True, kw_only=True)
class Domain:
    """One of the two sets of pictures, and how they become a model's input.

    The steps, in this order: fit to `image_size` (with the random crop and mirror), `grey`, `output_size`,
    `pixelate` or `boxes`.

    Args:
        files: a shard, a folder or a glob of shards (`*.tfrec`); or a picture, a folder or a glob of pictures.
        image_size: pixels, one number for a square or (height, width).
        fit: `"crop"`, `"pad"` or `"stretch"`: how a picture of another shape becomes `image_size` (`images.fit`).
        resize: `"area"`, `"bilinear"`, `"lanczos"` or `"nearest"`. `"nearest"` is for pixel art.
        jitter: pixels that the shorter side is made larger by before a random crop of `image_size`: 30 is the 286 to
            256 of the CycleGAN paper. With `resize="nearest"` nothing is enlarged, as that would tear the grid: the
            picture is moved by up to half of `jitter` whole pixels each way, its border repeated.
        mirror: flip every other picture, at random, left to right.
        pixelate: side of the square cells whose mean every pixel takes, in pixels; 0 for none. It must divide the size.
        boxes: the same for a grid of `boxes` x `boxes` cells, whatever the size; 0 for none.
        enlarge: True keeps the size when pixelating; False gives one pixel a cell.
        grey: one channel, Rec. 601 luma.
        output_size: a size of its own for the output, after the crop: one number or (height, width); None keeps it.
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
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
            if value is not None:
                _pair(name, value)
        for name, known in (("fit", FITS), ("resize", RESIZES)):
            if getattr(self, name) not in known:
                raise ValueError(f"`{name}` must be one of {', '.join(known)}. Received: {getattr(self, name)!r}")
        for name in ("jitter", "pixelate", "boxes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"`{name}` must be a whole number, 0 or more. Received: {value!r}")
        if self.pixelate and self.boxes:
            raise ValueError(
                f"`pixelate` and `boxes` exclude each other. Received: pixelate={self.pixelate}, boxes={self.boxes}"
            )
        size = _pair("output_size", self.output_size or self.image_size)
        if self.pixelate:
            _check_block(size, self.pixelate)
        if self.boxes > min(size):
            raise ValueError(f"`boxes` must be at most the shorter side, {min(size)}. Received: {self.boxes}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of a batch's pictures."""
        height, width = _pair("output_size", self.output_size or self.image_size)
        if not self.enlarge and self.pixelate:
            height, width = height // self.pixelate, width // self.pixelate
        if not self.enlarge and self.boxes:
            height = width = self.boxes
        return height, width, 1 if self.grey else 3


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """A domain in memory, before any random step.

    Args:
        domain: where they are from.
        names: one a picture.
        data: all pictures at the size that the random crop starts from: uint8 (n, H, W, 3), or, where that would be
            more than `cache_bytes`, the encoded files, string (n,).
        size: that size, (H, W).
    """

    domain: Domain
    names: tuple[str, ...]
    data: tf.Tensor
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.names)


def load(domain: Domain, *, cache_bytes: int = 2**30) -> Pictures:
    """Reads a domain's pictures, each once, wholly, so that a bad one is found now and not in the middle of a run.

    Args:
        domain: what to read.
        cache_bytes: bytes that the decoded pictures may take; above it the encoded ones are kept instead.

    Raises:
        ValueError: nothing there, a bad picture, a bad shard: its file (and record) and the reason, in one line.
    """
    shards = _shards(domain.files)
    if shards:
        names, encoded = _read_shards(shards)
    else:
        paths = pictures_io.find(domain.files)
        names = [str(path) for path in paths]
        encoded = [path.read_bytes() for path in paths]
    image_size = _pair("image_size", domain.image_size)
    with ThreadPoolExecutor() as pool:
        headers = list(pool.map(_header, names, encoded))
        enlarged_later = domain.resize != "nearest" and all(size == image_size for size, _ in headers)
        size = image_size if enlarged_later or domain.resize == "nearest" else _load_size(domain)
        cache = len(names) * size[0] * size[1] * 3 <= cache_bytes
        data = np.empty((len(names), *size, 3), np.uint8) if cache else [b""] * len(names)

        def prepare(index: int) -> None:
            native, as_is = headers[index]
            as_is = as_is and native == size
            if as_is:
                image = _decode_checked(names[index], encoded[index], size)
            else:
                image = pictures_io.read(encoded[index], name=names[index])
                # A box filter cannot enlarge.
                small = domain.resize == "area" and min(image.shape[0] / size[0], image.shape[1] / size[1]) < 1
                resample = "bilinear" if small else domain.resize
                image = pictures_io.fit(image, size, how=domain.fit, resample=resample)
            data[index] = image if cache else encoded[index] if as_is else pictures_io.encode(image, "png")

        list(pool.map(prepare, range(len(names))))
    with tf.device("/CPU:0"):
        return Pictures(domain=domain, names=tuple(names), data=tf.constant(data), size=size)


def unpaired(
    source: Pictures,
    target: Pictures,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    num_hosts: int = 1,
    host: int = 0,
) -> tf.data.Dataset:
    """Endless batches of two domains that know nothing of each other; each is shuffled and repeated by itself.

    Args:
        source, target: the domains.
        batch_size: pictures of each domain a step, over all hosts.
        seed: where order, crops and mirrors come from.
        start_step: the step to begin with: the data set equals `unpaired(...).skip(start_step)`, without the work.
        num_hosts, host: this host makes rows `host * batch_size / num_hosts` onwards of each batch only.

    Returns:
        A data set of (source, target), each float32 (batch_size / num_hosts, height, width, channels), -1 to 1.
    """
    options = _options(batch_size, seed, start_step, num_hosts, host)
    streams = [_batches(pictures, stream=stream, **options) for stream, pictures in enumerate((source, target))]
    return tf.data.Dataset.zip(tuple(streams)).prefetch(tf.data.AUTOTUNE)


def single(
    pictures: Pictures, *, batch_size: int, seed: int, start_step: int = 0, num_hosts: int = 1, host: int = 0
) -> tf.data.Dataset:
    """As `unpaired`, of one domain: a data set of float32 (B, H, W, C)."""
    options = _options(batch_size, seed, start_step, num_hosts, host)
    return _batches(pictures, stream=0, **options).prefetch(tf.data.AUTOTUNE)


def paired(
    source: Pictures,
    target: Pictures,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    num_hosts: int = 1,
    host: int = 0,
) -> tf.data.Dataset:
    """As `unpaired`, of pictures that belong together by name: both get the same crop and mirror.

    Names are compared without folder and suffix, in sorted order.

    Raises:
        ValueError: a name has no partner.
    """
    options = _options(batch_size, seed, start_step, num_hosts, host)
    orders = []
    names = [{Path(name).stem: index for index, name in enumerate(side.names)} for side in (source, target)]
    for this, other, side in ((0, 1, "source"), (1, 0, "target")):
        alone = sorted(names[this].keys() - names[other].keys())
        if alone:
            raise ValueError(f"every name must be in both domains. Received: {alone[0]!r} in the {side} alone")
        orders.append([names[this][name] for name in sorted(names[this])])
    streams = [
        _batches(pictures, stream=0, order=order, **options)
        for pictures, order in zip((source, target), orders, strict=True)
    ]
    return tf.data.Dataset.zip(tuple(streams)).prefetch(tf.data.AUTOTUNE)


def steps_per_epoch(*pictures: Pictures, batch_size: int) -> int:
    """Steps in which every picture of the largest domain is seen."""
    return -(-max(len(domain) for domain in pictures) // batch_size)


def without_augmentation(pictures: Pictures, indices: list[int]) -> tf.Tensor:
    """Chosen pictures as a model sees them, cut from the middle and not mirrored: float32 (len(indices), H, W, C)."""
    rows = tf.gather(pictures.data, indices)
    if rows.dtype == tf.string:
        rows = tf.stack([_decode(row, pictures.size) for row in rows])
    numbers = tf.fill([len(indices), 3], 0.5)
    return _finish(_crop(rows, numbers, pictures), pictures.domain)


def pixelate(images: tf.Tensor, block: int, *, enlarge: bool = True) -> tf.Tensor:
    """Means of square cells.

    Args:
        images: float (B, H, W, C).
        block: side of a cell in pixels; it must divide H and W, as a torn column or row would be dropped ("VALID").
        enlarge: True repeats each mean over its cell, False gives one pixel a cell.

    Returns:
        float (B, H, W, C), or (B, H / block, W / block, C).
    """
    _check_block(images.shape[1:3], block)
    cells = tf.nn.avg_pool2d(images, block, block, "VALID")  # (B, H / block, W / block, C)
    return tf.repeat(tf.repeat(cells, block, axis=1), block, axis=2) if enlarge else cells


def to_boxes(images: tf.Tensor, boxes: int, *, enlarge: bool = True) -> tf.Tensor:
    """Means of a grid of `boxes` x `boxes` cells, whatever the size: a pixel on a border counts in part on each side.

    Args:
        images: float (B, H, W, C).
        boxes: cells in a row and in a column.
        enlarge: True gives back the size of `images`, False one pixel a cell.

    Returns:
        float (B, H, W, C), or (B, boxes, boxes, C).
    """
    size = images.shape[1:3]
    cells = tf.image.resize(images, (boxes, boxes), "area")
    return tf.image.resize(cells, size, "nearest") if enlarge else cells


def _batches(
    pictures: Pictures,
    *,
    stream: int,
    batch_size: int,
    seed: int,
    start_step: int,
    num_hosts: int,
    host: int,
    order: list[int] | None = None,
) -> tf.data.Dataset:
    count = len(pictures)
    order = tf.range(count, dtype=tf.int64) if order is None else tf.constant(order, tf.int64)
    start = start_step * batch_size
    seeds = tf.random.fold_in(tf.constant([seed & 0x7FFFFFFF, seed >> 31], tf.int32), stream)

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        seed = tf.random.fold_in(seeds, number)
        shuffled = tf.random.experimental.stateless_shuffle(order, seed=tf.random.fold_in(seed, 0), alg="philox")
        numbers = tf.random.stateless_uniform([count, 3], tf.random.fold_in(seed, 1), alg="philox")
        done = tf.maximum(start - number * count, 0)
        return tf.data.Dataset.from_tensor_slices((shuffled[done:], numbers[done:]))

    elements = tf.data.Dataset.range(start // count, np.iinfo(np.int64).max).flat_map(one_pass)
    share = batch_size // num_hosts
    elements = elements.batch(batch_size, drop_remainder=True)
    elements = elements.map(lambda *batch: tuple(part[host * share : (host + 1) * share] for part in batch))
    if pictures.data.dtype == tf.string:
        elements = elements.unbatch().map(
            lambda index, numbers: (_decode(pictures.data[index], pictures.size), numbers),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        elements = elements.batch(share, drop_remainder=True)
    else:
        elements = elements.map(lambda indices, numbers: (tf.gather(pictures.data, indices), numbers))
    return elements.map(
        lambda rows, numbers: _finish(_crop(rows, numbers, pictures), pictures.domain),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _crop(rows: tf.Tensor, numbers: tf.Tensor, pictures: Pictures) -> tf.Tensor:
    """The crop and mirror that `numbers` (B, 3), 0 to 1, stand for: (B, H, W, 3), values 0 to 255."""
    domain = pictures.domain
    size, larger = _pair("image_size", domain.image_size), _load_size(domain)
    if not domain.jitter and not domain.mirror:
        return rows
    spare = tf.constant([larger[0] - size[0], larger[1] - size[1]], tf.float32)
    start = tf.floor(numbers[:, :2] * (spare + 1))  # (B, 2)
    mirror = (numbers[:, 2:] > 0.5) & domain.mirror
    if domain.jitter and domain.resize != "nearest" and pictures.size == size:
        scale = tf.constant([size[0] / larger[0], size[1] / larger[1]])
        last = tf.constant([size[0] - 1, size[1] - 1], tf.float32)
        first_point = tf.maximum((start + 0.5) * scale - 0.5, 0.0)
        last_point = tf.minimum((start + last + 0.5) * scale - 0.5, last)
        first_point, last_point = first_point / last, last_point / last
        left, right = first_point[:, 1:], last_point[:, 1:]
        left, right = tf.where(mirror, right, left), tf.where(mirror, left, right)
        boxes = tf.concat([first_point[:, :1], left, last_point[:, :1], right], axis=1)
        return tf.image.crop_and_resize(rows, boxes, tf.range(tf.shape(rows)[0]), size)
    start = tf.cast(start, tf.int32)
    y = start[:, :1] + tf.range(size[0])  # (B, H)
    x = start[:, 1:] + tf.where(mirror, tf.range(size[1])[::-1], tf.range(size[1]))  # (B, W)
    if domain.resize == "nearest":
        y = tf.clip_by_value(y - (larger[0] - size[0]) // 2, 0, size[0] - 1)
        x = tf.clip_by_value(x - (larger[1] - size[1]) // 2, 0, size[1] - 1)
    return tf.gather(tf.gather(rows, y, axis=1, batch_dims=1), x, axis=2, batch_dims=1)


def _finish(images: tf.Tensor, domain: Domain) -> tf.Tensor:
    """(B, H, W, 3), 0 to 255 -> the domain's float32 output, -1 to 1."""
    images = tf.cast(images, tf.float32) / 127.5 - 1.0
    if domain.grey:
        images = tf.image.rgb_to_grayscale(images)
    if domain.output_size:
        method = {"lanczos": "lanczos3"}.get(domain.resize, domain.resize)
        images = tf.image.resize(images, _pair("output_size", domain.output_size), method, antialias=True)
        images = tf.clip_by_value(images, -1.0, 1.0)
    if domain.pixelate:
        images = pixelate(images, domain.pixelate, enlarge=domain.enlarge)
    if domain.boxes:
        images = to_boxes(images, domain.boxes, enlarge=domain.enlarge)
    return tf.ensure_shape(images, (None, *domain.shape))


def _decode(encoded: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")  # PNG as well
    return tf.ensure_shape(image, (*size, 3))


def _decode_checked(name: str, encoded: bytes, size: tuple[int, int]) -> np.ndarray:
    try:
        return _decode(encoded, size).numpy()
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        raise ValueError(f"{name}: cannot be decoded ({str(error).splitlines()[0]})") from None


def _header(name: str, encoded: bytes) -> tuple[tuple[int, int], bool]:
    """(height, width), and whether TensorFlow decodes the file just as `images.read` does."""
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            upright = image.getexif().get(0x0112, 1) == 1
            as_is = upright and (image.format, image.mode) in (("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"))
            return (image.height, image.width), as_is and "transparency" not in image.info
    except Exception:  # the one place that knows all reasons and words them is `images.read`
        pictures_io.read(encoded, name=name)
        raise


def _read_shards(shards: list[Path]) -> tuple[list[str], list[bytes]]:
    features = {name: tf.io.FixedLenFeature([], tf.string) for name in ("image_name", "image")}
    names, encoded = [], []
    for shard in shards:
        index = 0
        try:
            for record in tf.data.TFRecordDataset(str(shard)):
                example = tf.io.parse_single_example(record, features)
                names.append(example["image_name"].numpy().decode())
                encoded.append(example["image"].numpy())
                index += 1
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise ValueError(f"{shard}: record {index} cannot be read ({str(error).splitlines()[0]})") from None
        if not index:
            raise ValueError(f"{shard}: no records")
    return names, encoded


def _shards(files: str) -> list[Path]:
    found = glob.glob(os.path.join(files, "*.tfrec*")) if os.path.isdir(files) else glob.glob(files)
    return sorted(Path(path) for path in found if ".tfrec" in os.path.basename(path))


def _load_size(domain: Domain) -> tuple[int, int]:
    """The size that a random crop of `image_size` is cut from, in its shape."""
    height, width = _pair("image_size", domain.image_size)
    scale = 1 + domain.jitter / min(height, width)
    return round(height * scale), round(width * scale)


def _pair(name: str, size: int | tuple[int, int]) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, (tuple, list)) else ()
    if len(pair) != 2 or any(isinstance(side, bool) or not isinstance(side, int) or side < 1 for side in pair):
        raise ValueError(f"`{name}` must be a positive number of pixels or (height, width). Received: {size!r}")
    return pair


def _check_block(size: tuple[int, int], block: int) -> None:
    if block < 1 or size[0] % block or size[1] % block:
        raise ValueError(f"`pixelate` must divide the height and the width, {size[0]} and {size[1]}. Received: {block}")


def _options(batch_size: int, seed: int, start_step: int, num_hosts: int, host: int) -> dict[str, int]:
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
    if num_hosts < 1 or batch_size % num_hosts:
        raise ValueError(f"`batch_size` must be a multiple of `num_hosts`. Received: {batch_size}, {num_hosts}")
    if not 0 <= host < num_hosts:
        raise ValueError(f"`host` must be from 0 to `num_hosts` - 1. Received: {host}")
    if start_step < 0:
        raise ValueError(f"`start_step` must be 0 or more. Received: {start_step}")
    return {"batch_size": batch_size, "seed": seed, "start_step": start_step, "num_hosts": num_hosts, "host": host}

"""The two sets of pictures of a training: what they are, and how they get into memory."""

import dataclasses
import hashlib
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath

import numpy as np
import tensorflow as tf

from pixelart_tf.pictures import images, opening, sources
from pixelart_tf.settings.domain import Domain


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """A domain in memory, before any random step.

    Args:
        domain: what they are.
        names: one a picture: its file, or its `image_name` in a shard.
        data: uint8 (n, H, W, 3) of the domain's `load_size`; or, where that would be too large, JPEG and PNG files,
            string (n,).
        enlarge: the files in `data` are of `crop_size` and become `load_size` when they are decoded.
        fingerprint: of the names and the contents, whatever folder they are in.
    """

    domain: Domain
    names: tuple[str, ...]
    data: tf.Tensor
    enlarge: bool = False
    fingerprint: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def chosen(self, indices: Sequence[int]) -> "Pictures":
        """Some of them."""
        names = tuple(self.names[index] for index in indices)
        return dataclasses.replace(self, names=names, data=tf.gather(self.data, indices))

    def image(self, index: tf.Tensor) -> tf.Tensor:
        """Picture `index`, decoded: uint8 (H, W, 3) of the domain's `load_size`."""
        image = self.data[index]
        if image.dtype == tf.string:
            image = _decode(image, self.domain.crop_size if self.enlarge else self.domain.load_size)
        return _enlarge(image, self.domain.load_size) if self.enlarge else image


def names_of(domain: Domain) -> list[str]:
    """The name of each picture of a domain, in order: its file's, without folders, or its own in a shard or a zip.

    Raises:
        ValueError: nothing there, or a bad shard.
    """
    return [PurePath(item.name).name for item in sources.read(domain.files)]


def load(
    domain: Domain, *, chosen: Collection[int] | None = None, cache_bytes: int = 2**30,
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """Reads each picture of a domain once, so that a bad one is found now and not in the middle of a run.

    Args:
        domain: what to read.
        chosen: numbers, in the order of `names_of`, of the only pictures that are to be loaded; None is all.
        cache_bytes: how large the decoded pictures may be; above it they are kept encoded and decoded for every batch.
            The batches are the same.
        progress: called with the pictures done and their total after each.

    Returns:
        The pictures, sorted as `finding.pictures` and `shards.list_shards` do.

    Raises:
        ValueError: nothing there, a bad picture or a bad shard: its file (and record) and the reason in one line.
    """
    pictures = [item for i, item in enumerate(sources.read(domain.files)) if chosen is None or i in chosen]
    names, places, files = ([getattr(item, key) for item in pictures] for key in ("name", "place", "data"))
    size = domain.load_size
    num_bytes = len(names) * size[0] * size[1] * 3
    cached = num_bytes <= cache_bytes
    data = np.empty((len(names), *size, 3), np.uint8) if cached else np.empty(len(names), object)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        native = list(pool.map(_native_size, files))
        whole = not cached and not domain.half   # else files are not what is to be decoded for a batch
        enlarge = whole and _enlarges(domain) and all(found == domain.crop_size for found in native)

        def prepare(index: int) -> None:
            plain = native[index] in (size, domain.crop_size) and not domain.half
            image = _decode_one(files[index], native[index], places[index]) if plain else images.read(
                files[index], name=places[index]
            )
            image = _half(image, domain.half, places[index]) if domain.half else image
            ready = to_load_size(image, domain)
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
    return Pictures(
        domain=domain, names=tuple(names), data=data, enlarge=enlarge, fingerprint=_fingerprint(names, files)
    )


def _fingerprint(names: Sequence[str], files: Sequence[bytes]) -> str:
    """Of a set: of its names without folders, the sizes of its files, and the contents of 64 spread over it."""
    digest = hashlib.sha256(repr([(PurePath(n).name, len(f)) for n, f in zip(names, files, strict=True)]).encode())
    for index in np.unique(np.linspace(0, len(files) - 1, 64).round().astype(int)):
        digest.update(hashlib.sha256(files[index]).digest())
    return digest.hexdigest()[:32]


def _native_size(encoded: bytes) -> tuple[int, int] | None:
    """(height, width) of a file that TensorFlow decodes as `images.read` does, else None."""
    try:
        with opening.open_picture(encoded) as image:
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


def _half(image: np.ndarray, half: str, place: str) -> np.ndarray:
    """The left or the right half of a picture, uint8 (H, W, 3) -> (H, W / 2, 3)."""
    width = image.shape[1]
    if width % 2:
        raise images.ImageError(f"{place}: a picture of {width} columns has no two halves (`half`)")
    return image[:, : width // 2] if half == "left" else image[:, width // 2 :]


def _enlarges(domain: Domain) -> bool:
    """Whether pictures of `crop_size` are made `load_size` by bilinear interpolation, as the CycleGAN paper does."""
    return domain.load_size != domain.crop_size and domain.resize != "nearest"


def _enlarge(image: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    # Floats are resized at twice the speed of bytes; a sum of 0.5 before a cast rounds.
    image = tf.image.resize(tf.cast(image, tf.float32)[tf.newaxis] + 0.5, size)
    return tf.cast(image, tf.uint8)[0]


def to_load_size(image: np.ndarray, domain: Domain) -> np.ndarray:
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

"""The two sets of pictures of a training: what they are, and how they get into memory."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pixelart_tf.base.threads import ahead
from pixelart_tf.data import classes
from pixelart_tf.pictures import faults, images, opening, profiles, sources
from pixelart_tf.pixelize import grid
from pixelart_tf.settings.domain import HARD, Domain

ALIGNMENT = 64   # bytes: of a tensor's memory in TensorFlow


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
        labels: the number of each picture's class (see `classes.of`).
        bad: lines `path: reason` of those that were left out.
    """

    domain: Domain
    names: tuple[str, ...]
    data: tf.Tensor
    enlarge: bool = False
    fingerprint: str = ""
    labels: tuple[int, ...] = ()
    bad: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def chosen(self, indices: Sequence[int]) -> "Pictures":
        """Some of them."""
        names, labels = (tuple(each[index] for index in indices) for each in (self.names, self.labels))
        return dataclasses.replace(self, names=names, labels=labels, data=tf.gather(self.data, indices))

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
        ValueError: nothing there, a bad shard, or bad pictures (unless the domain skips them): their files (and
            records) and the reasons in one line.
    """
    # Names first, as what is decoded is written where it stays: besides it only a few pictures are held at a time.
    names = [item.name for item in sources.read(domain.files)]
    wanted = [i for i in range(len(names)) if chosen is None or i in chosen]
    _, labels = classes.of(names)
    size = domain.load_size
    cached = len(wanted) * size[0] * size[1] * 3 <= cache_bytes
    data = _aligned((len(wanted), *size, 3)) if cached else None
    enlarge = not cached and not domain.half and _enlarges(domain) and all(
        _native_size(item.data) == domain.crop_size for item in _only(domain, set(wanted))
    )

    def prepare(job: tuple[int, sources.Encoded]) -> _Kept | images.ImageError:
        index, item = job
        try:
            encoded = item.data
            kept = _prepared(domain, encoded, item.place, None if data is None else data[index], enlarge)
        except images.ImageError as error:
            return error
        return _Kept(index, item.name, len(encoded), hashlib.sha256(encoded).digest(), kept)

    good, bad = [], []
    for done, result in enumerate(ahead(prepare, enumerate(_only(domain, set(wanted)))), 1):
        (good if isinstance(result, _Kept) else bad).append(result)
        if progress is not None:
            progress(done, len(wanted))
    bad = list(map(str, bad))
    if bad and not (domain.skip_bad and good):
        raise images.ImageError(faults.described(
            bad, len(wanted), nothing="nothing is trained", skipping="--skip-bad trains on"
        ))
    with tf.device("CPU"):
        if cached:
            kept = tf.experimental.dlpack.from_dlpack(data.__dlpack__())   # without a copy
            kept = tf.gather(kept, [each.index for each in good]) if bad else kept
        else:
            kept = tf.constant([each.data for each in good])
    return Pictures(
        domain=domain, names=tuple(each.name for each in good), data=kept, enlarge=enlarge,
        labels=tuple(labels[wanted[each.index]] for each in good), fingerprint=_fingerprint(good), bad=tuple(bad),
    )


class _Kept(NamedTuple):
    """What is kept of a picture while others are read: `data` is its file, where pictures are not kept decoded."""

    index: int
    name: str
    num_bytes: int
    digest: bytes
    data: bytes | None


def _only(domain: Domain, wanted: set[int]) -> Iterator[sources.Encoded]:
    return (item for i, item in enumerate(sources.read(domain.files)) if i in wanted)


def _prepared(domain: Domain, encoded: bytes, place: str, row: np.ndarray | None, enlarge: bool) -> bytes | None:
    """Puts a decoded picture into its row of the set, uint8 (H, W, 3); or without one gives the file to keep."""
    size, native = domain.load_size, _native_size(encoded)
    plain = native in (size, domain.crop_size) and not domain.half
    image = _decode_one(encoded, native, place) if plain else images.read(encoded, name=place)
    image = _half(image, domain.half, place) if domain.half else image
    ready = to_load_size(image, domain)
    if row is not None:
        row[...] = ready
        return None
    return encoded if enlarge or (plain and ready is image) else images.encode(ready, "png")


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An empty uint8 array that begins where TensorFlow wants its tensors to begin."""
    number = math.prod(shape)
    memory = np.empty(number + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + number].reshape(shape)


def _fingerprint(kept: Sequence[_Kept]) -> str:
    """Of a set: of its names without folders, the sizes of its files, and the contents of 64 spread over it."""
    digest = hashlib.sha256(repr([(PurePath(each.name).name, each.num_bytes) for each in kept]).encode())
    for index in np.unique(np.linspace(0, len(kept) - 1, 64).round().astype(int)):
        digest.update(kept[index].digest)
    return digest.hexdigest()[:32]


def _native_size(encoded: bytes) -> tuple[int, int] | None:
    """(height, width) of a file that TensorFlow decodes as `images.read` does, else None."""
    try:
        with opening.open_picture(encoded) as image:
            jpeg = image.format == "JPEG" and image.mode in ("RGB", "L")
            png = image.format == "PNG" and image.mode == "RGB" and encoded[24] == 8   # bits a channel
            plain = "transparency" not in image.info and image.getexif().get(0x0112, 1) == 1   # upright
            plain &= profiles.is_srgb(image)
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
    return domain.load_size != domain.crop_size and domain.resize not in HARD


def _enlarge(image: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    # Floats are resized at twice the speed of bytes; a sum of 0.5 before a cast rounds.
    image = tf.image.resize(tf.cast(image, tf.float32)[tf.newaxis] + 0.5, size)
    return tf.cast(image, tf.uint8)[0]


def to_load_size(image: np.ndarray, domain: Domain) -> np.ndarray:
    """uint8 (H, W, 3) of any size -> of `load_size`; the same array where that is its size already."""
    size, found = domain.load_size, image.shape[:2]
    if domain.resize in HARD:
        if domain.resize == "native":
            image = grid.framed(grid.own_cells(image), domain.crop_size)
        elif found != domain.crop_size:
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

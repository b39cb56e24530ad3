"""Partners that are made of target pictures, and hues that are turned: what a pair has in common is drawn once.

What is costly and always the same, the drawings, is made before the first batch and kept as bytes. What is random is
drawn for each element of the feed from a seed of its own, see `feeds`.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pixelart_tf.data.drawings import drawings
from pixelart_tf.data.loading import Pictures
from pixelart_tf.data.pixelation import pixelate
from pixelart_tf.pictures.images import LUMA
from pixelart_tf.settings.domain import Domain
from pixelart_tf.settings.partner import Partner


@dataclass(frozen=True, kw_only=True, eq=False)
class Partners:
    """The partners of a set of pictures.

    Args:
        settings: what they are.
        target: what they are made of.
        progress: called with the pictures drawn and their total after each.

    Raises:
        ValueError: a target that no such partner can be made of.
    """

    settings: Partner
    target: Pictures
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self):
        self.settings.shape(self.target.domain)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) in a batch."""
        return self.settings.shape(self.target.domain)

    @property
    def drawn_shape(self) -> tuple[int, int, int, int, int] | None:
        """(n, k, H, W, 3) of what is kept: k drawings of each picture, of its `load_size` times `scale`. None where
        nothing is drawn beforehand."""
        if self.settings.made != "drawing":
            return None
        height, width = (side * self.settings.scale for side in self.target.domain.load_size)
        return len(self.target), self.settings.num_drawings, height, width, 3

    @functools.cached_property
    def drawings(self) -> tf.Tensor:
        """The drawings, uint8 of `drawn_shape`; made when they are first asked for, as that takes its time."""
        made = np.empty(self.drawn_shape, np.uint8)
        with tf.init_scope():   # or what the feed's graph asks for would be a part of that graph
            pictures = [self.target.image(index).numpy() for index in range(len(made))]

        def draw(index: int) -> None:
            made[index] = drawings(pictures[index], self.settings.scale, self.settings.thinner)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for done, _ in enumerate(pool.map(draw, range(len(made))), 1):
                if self.progress is not None:
                    self.progress(done, len(made))
        with tf.init_scope(), tf.device("CPU"):
            return tf.constant(made)


def drawn(
    domain: Domain, partners: Partners | None, index: tf.Tensor, corner: tf.Tensor, mirrored: tf.Tensor,
    seed: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """What is drawn for one element besides its crop and mirror, and its drawing.

    Args:
        domain: of the element.
        partners: of its pictures, if there are any.
        index, corner, mirrored: the element's picture, where its crop begins (int32 (2,)), and whether it is mirrored.
        seed: int32 (2,), of this element alone.

    Returns:
        Those that are needed of `turn` (see `turned`), `drawing` (uint8), `noise` (float32) and `quality` (of a JPEG).
    """
    found = {}
    if domain.hue:
        uniform = tf.random.stateless_uniform([2], tf.random.fold_in(seed, 0), alg="philox")
        normal = tf.random.stateless_normal([], tf.random.fold_in(seed, 1), alg="philox")
        found["turn"] = tf.stack([uniform[0] * 2 * np.pi, tf.exp(0.5 * normal), 0.3 + 1.2 * uniform[1]])
    if partners is None:
        return found
    settings = partners.settings
    if settings.made == "drawing":
        half = settings.scale // 2 if settings.shift else 0
        numbers = tf.random.stateless_uniform([3], tf.random.fold_in(seed, 2), alg="philox")
        variant = tf.cast(numbers[0] * settings.num_drawings, tf.int32)
        shift = tf.cast(tf.floor(numbers[1:] * (2 * half + 1)), tf.int32) - half
        found["drawing"] = _drawing(partners, index, variant, corner, shift, mirrored)
    if settings.made == "low_resolution":
        low, high = settings.quality
        found["quality"] = tf.random.stateless_uniform([], tf.random.fold_in(seed, 3), low, high + 1, tf.int32)
    if settings.noise:
        noise = tf.random.stateless_normal(partners.shape, tf.random.fold_in(seed, 4), alg="philox")
        found["noise"] = settings.noise * noise
    return found


def plain(partners: Partners, index: int, number: int) -> dict[str, tf.Tensor]:
    """As `drawn`, without anything random: the middle of the picture, its variants in turn by `number`."""
    settings, domain = partners.settings, partners.target.domain
    if settings.made == "drawing":
        corner = [(large - small) // 2 for large, small in zip(domain.load_size, domain.crop_size, strict=True)]
        variant = tf.constant(number % settings.num_drawings)
        return {"drawing": _drawing(partners, index, variant, tf.constant(corner), tf.constant([0, 0]), False)}
    return {"quality": tf.constant(sum(settings.quality) // 2)} if settings.made == "low_resolution" else {}


def _drawing(partners, index, variant, corner, shift, mirrored) -> tf.Tensor:
    """uint8 (H, W, 3): a variant, cut out where the picture is, but for the shift; the border is repeated."""
    height, width, _ = partners.shape
    half = partners.settings.scale // 2
    whole = partners.drawings[index][variant]
    rows, columns = (
        tf.clip_by_value(tf.range(size) + corner[i] * 2 * half + shift[i], 0, whole.shape[i] - 1)
        for i, size in enumerate((height, width))
    )
    image = tf.gather(tf.gather(whole, rows), columns, axis=1)
    image = tf.cond(tf.convert_to_tensor(mirrored), lambda: tf.reverse(image, [1]), lambda: image)
    return tf.ensure_shape(image, (height, width, 3))


def turned(images: tf.Tensor, turn: tf.Tensor) -> tf.Tensor:
    """Turns hues about grey, and changes gamma and saturation; white stays white and black black.

    Args:
        images: float32 (B, H, W, 3) in [-1, 1].
        turn: float32 (B, 3): an angle in radians, an exponent and a factor a picture.

    Returns:
        float32 like `images`, clipped.
    """
    angle, gamma, saturation = (turn[:, i, tf.newaxis, tf.newaxis] for i in range(3))   # (B, 1, 1)
    cosine, sine, u = tf.cos(angle), tf.sin(angle), 1 / np.sqrt(3.0)
    axis = tf.constant([[0, -u, u], [u, 0, -u], [-u, u, 0]], tf.float32)   # Rodrigues' rotation about (1, 1, 1)
    rotation = cosine * tf.eye(3) + sine * axis + (1 - cosine) * tf.ones((3, 3)) / 3
    images = tf.einsum("bhwc,bdc->bhwd", images, rotation)
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = tf.clip_by_value((grey + (images - grey) * saturation[..., tf.newaxis] + 1) / 2, 0.0, 1.0)
    return tf.clip_by_value(2 * images ** gamma[..., tf.newaxis] - 1, -1.0, 1.0)


def partner_of(settings: Partner, images: tf.Tensor, given: dict[str, tf.Tensor]) -> tf.Tensor:
    """The partners of a batch.

    Args:
        settings: what they are.
        images: float32 (B, H, W, C) in [-1, 1], the targets as the model gets them.
        given: what was drawn for each, stacked; see `drawn`.

    Returns:
        float32 (B, h, w, c) in [-1, 1].
    """
    if settings.made == "drawing":
        made = tf.cast(given["drawing"], tf.float32) / 127.5 - 1
        made = turned(made, given["turn"]) if "turn" in given else made
    elif settings.made == "pixelated":
        made = pixelate(images, settings.block, enlarge=settings.enlarge)
    elif settings.made == "grey":
        made = _luma(images)
    elif settings.made == "edges":
        slopes = tf.image.sobel_edges(_luma(images))   # (B, H, W, 1, 2), of steps of 2 at most 8
        made = tf.clip_by_value(tf.norm(slopes, axis=-1) / 4 - 1, -1.0, 1.0)
    else:
        made = _low_resolution(settings, images, given)
    return tf.clip_by_value(made + given["noise"], -1.0, 1.0) if "noise" in given else made


def _luma(images: tf.Tensor) -> tf.Tensor:
    if images.shape[-1] == 1:
        return images
    return tf.tensordot(images, tf.constant(LUMA), 1)[..., tf.newaxis]


def _low_resolution(settings: Partner, images: tf.Tensor, given: dict[str, tf.Tensor]) -> tf.Tensor:
    height, width, channels = images.shape[1:]
    size = height // settings.factor, width // settings.factor
    small = tf.clip_by_value(tf.image.resize(images, size, "area") / 2 + 0.5, 0.0, 1.0)

    def packed(each):
        # TensorFlow's default decodes less exactly, which shows at high qualities.
        made = tf.image.adjust_jpeg_quality(each[0], each[1], dct_method="INTEGER_ACCURATE")
        return tf.ensure_shape(made, (*size, channels))

    small = 2 * tf.map_fn(packed, (small, given["quality"]), fn_output_signature=tf.float32) - 1
    if not settings.enlarge:
        return small
    return tf.clip_by_value(tf.image.resize(small, (height, width), "bicubic"), -1.0, 1.0)

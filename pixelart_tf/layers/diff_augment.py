"""Differentiable augmentation of what a discriminator sees, for training on few pictures."""

import keras
from keras import ops

POLICIES = ("color", "translation", "cutout")


class DiffAugment(keras.layers.Layer):
    """Augments real and fake pictures before the discriminator, with gradients through to the generator.

    Each picture gets numbers of its own, new ones at each call:
    - "color": brightness, b ~ U(-0.5, 0.5) is added; saturation, the distance to each pixel's mean over channels is
      multiplied by s ~ U(0, 2); contrast, the distance to the picture's mean by c ~ U(0.5, 1.5);
    - "translation": a shift of up to an eighth of each side, zeros (grey) coming in;
    - "cutout": zeros in a rectangle of half of each side, whose middle is anywhere in the picture.
    Outside training pictures pass through unchanged.

    Args:
        policy: what to do, as names joined by commas; done in the order above.
        seed: int, or None for a random one.

    Call arguments:
        images: float (B, H, W, C) in [-1, 1]. H, W and C must be known.
        training: whether to augment.

    Returns:
        Float (B, H, W, C); "color" may leave [-1, 1].

    Raises:
        ValueError: if `policy` holds an unknown name or the pictures' size is unknown.

    Reference: Zhao et al., Differentiable Augmentation (2020), https://arxiv.org/abs/2006.10738, appendix A
    """

    def __init__(self, policy="color,translation,cutout", *, seed=None, **kwargs):
        # Under mixed precision the pictures stay what they are, instead of being rounded to 16 bits here.
        super().__init__(autocast=False, **kwargs)
        names = [name.strip() for name in policy.split(",")]
        if not set(names) <= set(POLICIES):
            raise ValueError(f"`policy` must be made of {', '.join(POLICIES)}. Received: {policy!r}")
        self.policy = policy
        self.seed = seed
        self.names = names
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        if None in input_shape[1:]:
            raise ValueError(f"`images` must have a known height, width and channels. Received: {tuple(input_shape)}")

    def call(self, images, training=False):
        if not training:
            return images
        if "color" in self.names:
            images = self._color(images)
        if "translation" in self.names:
            images = self._translation(images)
        if "cutout" in self.names:
            images = self._cutout(images)
        return images

    def _color(self, images):
        brightness, saturation, contrast = self._draw(images, 3)
        images = images + (brightness - 0.5)
        grey = ops.mean(images, axis=3, keepdims=True)
        images = (images - grey) * (2.0 * saturation) + grey
        middle = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return (images - middle) * (contrast + 0.5) + middle

    def _translation(self, images):
        _, height, width, channels = images.shape
        chances = self._draw(images, 2)
        down, right = (
            _whole(chance, 2 * most + 1) - most
            for chance, most in zip(chances, (int(height / 8 + 0.5), int(width / 8 + 0.5)), strict=True)
        )  # (B, 1, 1, 1) each
        rows = _line(height, axis=1) - down  # (B, H, 1, 1): where each row comes from
        columns = _line(width, axis=2) - right  # (B, 1, W, 1)
        is_inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)  # (B, H, W, 1)
        # One gather of whole pixels from all the batch, as a gather along one axis spells out an index a number.
        picture = ops.reshape(ops.arange(ops.shape(images)[0], dtype="int32"), (-1, 1, 1, 1))
        index = (picture * height + ops.clip(rows, 0, height - 1)) * width + ops.clip(columns, 0, width - 1)
        moved = ops.take(ops.reshape(images, (-1, channels)), index[..., 0], axis=0)  # (B, H, W, C)
        return ops.where(is_inside, moved, ops.zeros_like(moved))

    def _cutout(self, images):
        is_cut = True
        for axis, chance in zip((1, 2), self._draw(images, 2), strict=True):
            size = images.shape[axis]
            cut = int(size / 2 + 0.5)
            first = _whole(chance, size + 1 - cut % 2) - cut // 2  # (B, 1, 1, 1)
            line = _line(size, axis=axis)
            is_cut = (line >= first) & (line < first + cut) & is_cut
        return ops.where(is_cut, ops.zeros_like(images), images)

    def _draw(self, images, count):
        """`count` tensors (B, 1, 1, 1) of numbers from U[0, 1)."""
        shape = (count, ops.shape(images)[0], 1, 1, 1)
        chances = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return ops.unstack(ops.cast(chances, images.dtype), count)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "policy": self.policy, "seed": self.seed}


def _line(size, *, axis):
    """0 .. `size` - 1 along `axis` of four."""
    shape = [1, 1, 1, 1]
    shape[axis] = size
    return ops.reshape(ops.arange(size, dtype="int32"), shape)


def _whole(chance, count):
    """From U[0, 1) to the whole numbers 0 .. `count` - 1."""
    # Rounding may bring the largest chance to the count itself.
    return ops.minimum(ops.cast(ops.floor(ops.cast(chance, "float32") * count), "int32"), count - 1)

"""A history of fakes, so that a discriminator does not forget what it has seen through."""

import math

import keras
from keras import ops

from pixelart_tf.base.checks import check_counts, told

MOST_BYTES = 2**31   # of one pool


def check_pool_size(pool_size, *shapes):
    """Says what is wrong with a pool that would hold too many bytes.

    Args:
        pool_size: number of pictures kept.
        *shapes: (H, W, C) of the pictures of each pool; they are kept in float32.

    Raises:
        ValueError: if a pool would hold more than `MOST_BYTES`.
    """
    bytes_each = 4 * max(math.prod(shape) for shape in shapes)
    if pool_size > MOST_BYTES // bytes_each:
        raise ValueError(
            f"`pool_size` must be at most {MOST_BYTES // bytes_each:,}. Received: {told(pool_size)}, and a picture of "
            f"the pool takes {bytes_each:,} bytes of {MOST_BYTES:,}"
        )


class ImagePool(keras.layers.Layer):
    """Keeps the last fakes and hands some of them out in place of new ones.

    What it does, for one picture of a batch after the other: while the pool is not full, the picture is stored and
    returned. From then on, with probability 1/2, a stored picture drawn at random is returned and the new one takes its
    place; else the new one is returned and not stored. A picture may meet one that the same batch has stored. This is
    the reference's rule for batches of any size, without a loop. Outside training pictures pass through unchanged.

    The output carries no gradient. The state (`images`, `count`, and the random generator's) is in `variables`. Under
    `tf.distribute` all replicas draw from one pool, which stores the fakes of the first one.

    Args:
        pool_size: number of pictures kept.
        seed: int, or None for a random one.

    Call arguments:
        images: float (B, H, W, C), of any range. H, W and C must be known.
        training: whether to use the pool.

    Returns:
        Float (B, H, W, C): at each place the picture that was there or an older one.

    Raises:
        ValueError: if `pool_size` is below 1, the pictures' size is unknown, or they would take over `MOST_BYTES`.

    Reference: Shrivastava et al. (2017), section 2.3, https://arxiv.org/abs/1612.07828; `ImagePool` of the CycleGAN's
    PyTorch implementation
    """

    def __init__(self, pool_size=50, *, seed=None, **kwargs):
        # Under mixed precision the pictures stay what they are, instead of being rounded to 16 bits here.
        super().__init__(autocast=False, **kwargs)
        check_counts(pool_size=pool_size)
        self.pool_size = pool_size
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        if None in input_shape[1:]:
            raise ValueError(f"`images` must have a known height, width and channels. Received: {tuple(input_shape)}")
        check_pool_size(self.pool_size, input_shape[1:])
        state = {"initializer": "zeros", "trainable": False, "autocast": False, "aggregation": "only_first_replica"}
        self.images = self.add_weight(name="images", shape=(self.pool_size, *input_shape[1:]), **state)
        self.count = self.add_weight(name="count", shape=(), dtype="int32", **state)

    def call(self, images, training=False):
        images = ops.stop_gradient(images)
        if not training:
            return images
        batch_size = ops.shape(images)[0]
        place = ops.arange(batch_size, dtype="int32")
        chance = keras.random.uniform((2, batch_size), dtype="float32", seed=self.seed_generator)
        random_slot = ops.cast(ops.floor(chance[0] * self.pool_size), "int32")
        # Rounding may bring the largest chance to the size itself.
        random_slot = ops.minimum(random_slot, self.pool_size - 1)
        is_new = self.count + place < self.pool_size
        slot = ops.where(is_new, self.count + place, random_slot)  # (B,)
        is_swapped = ~is_new & (chance[1] < 0.5)
        is_stored = is_new | is_swapped

        # writes[i, j]: picture j is stored where picture i looks. The last such j before i is what i finds there, and
        # the last of all is what stays there.
        writes = (slot[:, None] == slot[None, :]) & is_stored[None, :]
        found = ops.max(ops.where(writes & (place[None, :] < place[:, None]), place[None, :], -1), axis=1)
        stays = ops.max(ops.where(writes, place[None, :], -1), axis=1)

        before = ops.cast(ops.take(self.images, slot, axis=0), images.dtype)  # (B, H, W, C)
        older = _pick(found, images, before)
        outputs = ops.where(is_swapped[:, None, None, None], older, images)
        # Places that share a slot write the same picture, so that their order does not matter.
        after = ops.cast(_pick(stays, images, before), self.images.dtype)
        self.images.assign(ops.scatter_update(ops.convert_to_tensor(self.images), slot[:, None], after))
        self.count.assign(ops.minimum(self.count + batch_size, self.pool_size))
        return ops.stop_gradient(outputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "pool_size": self.pool_size, "seed": self.seed}


def _pick(index, images, fallback):
    """`images[index]` along the batch, and `fallback` where the index is negative."""
    picked = ops.take(images, ops.maximum(index, 0), axis=0)
    return ops.where((index >= 0)[:, None, None, None], picked, fallback)

"""The instance norm of tensorflow-addons, for opening what was saved with it; new networks have Keras' own."""

import keras


@keras.saving.register_keras_serializable(package="Addons")
class InstanceNormalization(keras.layers.GroupNormalization):
    """`tensorflow_addons.layers.InstanceNormalization`, which cannot be imported beside Keras 3.

    Where this module was imported, `load_weights` takes the `.weights.h5` files of networks that are built with it, and
    the add-on's registered name, `Addons>InstanceNormalization`, is known. It is Keras' `GroupNormalization` with a
    group a channel, which computes the same; `networks` use that directly, so that their files need no code of ours.

    Args:
        axis: of the channels.
        epsilon: added to the variance.
        groups: as in the add-on's saved options; whatever it is, there is a group a channel.

    Call: float (B, H, W, C) -> the same shape.

    Reference: tensorflow-addons 0.23, `tensorflow_addons/layers/normalizations.py`
    """

    def __init__(self, axis: int = -1, epsilon: float = 1e-3, groups: int = -1, **kwargs):
        super().__init__(groups=-1, axis=axis, epsilon=epsilon, **kwargs)

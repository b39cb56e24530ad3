"""The topology loss of a cycle: features of a picture against those of what comes back."""

from pixelart_tf.models.perceptual import Perceptual

LAYERS = ("stem", "block_1", "block_3", "block_5")   # at a half, a quarter, an eighth and a 16th of the size


def topology() -> Perceptual:
    """The mean squared distance of features, summed over layers, of two batches of pictures.

    As in Kuang et al. 2021, "topology-aware CycleGAN" for unsupervised cartoon-to-pixel-art, by an unofficial code's
    definition: what the paper itself weighs is not known here. There the features are relu1_1, 2_1, 3_1 and 4_1 of
    VGG16; here those of `lite0`, which comes along, so that weights do not compare.
    """
    return Perceptual("lite0", LAYERS)

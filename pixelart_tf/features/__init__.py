"""Networks that turn pictures into feature vectors, which scores such as FID are computed from."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.formats.keras_file import open_model

NETWORKS = {
    "inception": "the Inception of 2015 that FID is defined with; its weights are not part of this package",
    "lite0": "EfficientNet-Lite0, part of this package, so that it works offline",
}
LITE0_NOTE = "lite0 numbers compare with each other only, not with FID or MiFID by Inception"
OWN_NOTE = "numbers by a network of one's own compare with each other only, not with FID or MiFID by Inception"
OTHER_WEIGHTS_NOTE = "the weights' file is not the published .pth; scores compare only where its weights are the same"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureNetwork:
    """A network ready for use.

    Attributes:
        name: `"inception"`, `"lite0"` or the file's name.
        model: a `keras.Model` from float32 (B, H, W, 3) in 0..255, H and W of any size, to float32 (B, dimension).
        dimension: length of a feature vector.
        weights_hash: sha256 of the weights in hex; of a Keras model's file, of the whole file.
        note: what a reader of its numbers must know, one line, or "".
    """

    name: str
    model: Any
    dimension: int
    weights_hash: str
    note: str


def load(
    network: str = "inception",
    *,
    weights: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FeatureNetwork:
    """Builds a feature network and fills in its weights.

    A network of one's own is a `.keras` file whose model takes float32 (B, H, W, 3) in [-1, 1], as this project's
    generators do, and gives (B, D), or (B, h, w, D), which is averaged over h and w. Where its input has a fixed size,
    pictures are resized to it (antialiased bilinear). It computes in the precision that it was saved with, the
    other networks in float32, whatever the global policy.

    Args:
        network: one of `NETWORKS`, or the path of a Keras model file.
        weights: file of Inception's weights; None looks in the cache, then fetches the published ones.
        progress: called with the bytes fetched and to fetch.

    Raises:
        UserError: an unknown network, weights that cannot be had or used, a file that is no such model; one line.
    """
    check_network(network, weights)
    if network == "inception":
        return _load_inception(weights, progress)
    if network == "lite0":
        return _load_lite0()
    return _load_file(Path(network))


def check_network(network: str, weights: str | Path | None = None) -> None:
    """Raises UserError for an unknown network, or one that takes no weights; what `load` finds out before any work."""
    if weights is not None and network != "inception":
        raise UserError(f"`weights` is for the network inception only. Received: {weights} with {network}")
    if network not in NETWORKS and not Path(network).is_file():
        known = ", ".join(NETWORKS)
        raise UserError(f"{network}: no such file, nor a network's name; the networks are {known} and any .keras file")


def _load_inception(path, progress):
    from pixelart_tf.features import inception
    from pixelart_tf.features import weights as files

    state, file_hash = files.read_inception(files.inception_weights(path, progress=progress))
    model = inception.inception(state)
    return FeatureNetwork(
        name="inception",
        model=model,
        dimension=model.output_shape[-1],
        weights_hash=files.state_hash(state),
        note="" if file_hash == files.SHA256 else OTHER_WEIGHTS_NOTE,
    )


def _load_lite0():
    from pixelart_tf.features import lite0
    from pixelart_tf.features import weights as files

    return FeatureNetwork(
        name="lite0",
        model=lite0.lite0(),
        dimension=lite0.DIMENSION,
        weights_hash=files.file_hash(lite0.WEIGHTS),
        note=LITE0_NOTE,
    )


def _load_file(path):
    from pixelart_tf.features import weights as files

    model = _with_pictures(open_model(path), str(path))
    return FeatureNetwork(
        name=path.name,
        model=model,
        dimension=model.output_shape[-1],
        weights_hash=files.file_hash(path),
        note=OWN_NOTE,
    )


def _with_pictures(network, name):
    """Puts this project's contract for pictures before a model and an average behind it."""
    import keras

    from pixelart_tf.layers.resize import Resize

    taken, given = (getattr(network, side, None) for side in ("input_shape", "output_shape"))
    takes_pictures = isinstance(taken, tuple) and len(taken) == 4 and taken[0] is None and taken[-1] == 3
    if not takes_pictures or not isinstance(given, tuple) or len(given) not in (2, 4) or given[-1] is None:
        raise UserError(
            f"{name}: must map pictures (B, H, W, 3) to features (B, D) or (B, h, w, D). Received: {taken} -> {given}"
        )
    pictures = keras.Input((None, None, 3), dtype="float32", name="images")
    x = Resize(*taken[1:3], name="resize")(pictures)   # (B, height, width, 3)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="rescale")(x)
    x = network(x, training=False)   # (B, D) or (B, h, w, D)
    if len(given) == 4:
        x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="average")(x)
    features = keras.layers.Activation("linear", dtype="float32", name="features")(x)   # (B, D)
    return keras.Model(pictures, features)

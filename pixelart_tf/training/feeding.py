"""What a model is fed with: its pictures, their partners and classes, and noise, as its `feed` asks for them."""

from typing import Any

from pixelart_tf.data import feeds
from pixelart_tf.data.loading import Pictures
from pixelart_tf.data.partners import Partners
from pixelart_tf.models.model import Model


def batches(model: Model, pictures: dict[str, Pictures], partners: Partners | None, **options) -> Any:
    """Endless batches for a model.

    Args:
        model: what is fed.
        pictures: of each of its domains.
        partners: of the target's pictures, where some are made.
        options: `batch_size`, `seed`, `start_step`, `num_hosts` and `host` of `feeds.unpaired`.

    Returns:
        A `tf.data.Dataset` of dicts of the keys of `Model.feed`.
    """
    pictures = {name: pictures[name] for name in model.feed if name in pictures}
    if model.pairs and len(pictures) > 1:
        return feeds.paired(pictures, **options)
    noise = model.shapes["noise"][0] if "noise" in model.feed else 0
    return feeds.unpaired(pictures, partners=partners, noise=noise, labels="label" in model.feed, **options)

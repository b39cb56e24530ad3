"""Pictures of two sets that belong together by name."""

from collections.abc import Sequence
from pathlib import PurePath

from pixelart_tf.pictures.images import SUFFIXES
from pixelart_tf.settings.domain import Domain


def pairs(domains: dict[str, Domain], names: dict[str, Sequence[str]]) -> dict[str, list[int]]:
    """Which pictures of two domains belong together: those whose names are the same without folder and suffix.

    Args:
        domains: `"source"` and `"target"`; their sizes may differ, as crops are alike in proportion.
        names: of their pictures.

    Returns:
        Name of a domain -> numbers of its pictures, such that those at the same place belong together.

    Raises:
        ValueError: a name has no partner or occurs twice; the domains differ in `mirror` or in relative `jitter`.
    """
    source, target = domains["source"], domains["target"]
    if source.mirror != target.mirror:
        raise ValueError("`mirror` must be the same in paired domains. Received: True and False")
    if source.jitter / min(source.crop_size) != target.jitter / min(target.crop_size):
        raise ValueError(
            "`jitter` must be the same part of `image_size` in paired domains. "
            f"Received: {source.jitter} and {target.jitter}"
        )
    keys = {"source": _keys(names["source"]), "target": _keys(names["target"])}
    for side, other in (("source", "target"), ("target", "source")):
        alone = sorted(keys[side].keys() - keys[other].keys())
        if alone:
            raise ValueError(f"every name must be in both paired domains. Received: {alone[0]!r} in the {side} only")
    return {side: [numbers[key] for key in sorted(numbers)] for side, numbers in keys.items()}


def key_of(name: str) -> str:
    """What a picture is called, without folder and suffix; a name in a shard has no suffix, but may have a dot."""
    path = PurePath(name)
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _keys(names: Sequence[str]) -> dict[str, int]:
    """What a picture is called -> its number."""
    keys = {}
    for index, key in enumerate(map(key_of, names)):
        if key in keys:
            raise ValueError(f"names must be unique in a paired domain. Received: {key!r} twice")
        keys[key] = index
    return keys

"""Which pictures look nearly the same."""

from collections import Counter

import numpy as np
from PIL import Image

LOOK = 56   # bytes of a likeness


def likeness(image: np.ndarray) -> np.ndarray:
    """uint8 (56,): 8 bytes of difference hash (is a place brighter than the next?), then 4x4 mean colors."""
    picture = Image.fromarray(image)
    grey = np.asarray(picture.convert("L").resize((9, 8), Image.Resampling.BOX))   # (8, 9)
    bits = np.packbits(grey[:, 1:] > grey[:, :-1])
    return np.concatenate([bits, np.asarray(picture.resize((4, 4), Image.Resampling.BOX)).ravel()])


def near_duplicates(names: list[str], looks: list[np.ndarray]) -> list[list[str]]:
    """Groups the names of pictures that look nearly the same: scaled, recompressed or slightly retouched copies.

    Two pictures do when at most 3 of the 64 bits of their difference hash and each of their 4x4 mean colors by at
    most 8 of 255 differ.
    """
    looks = np.asarray(looks)
    hashes, colors = looks[:, :8].copy().view(np.uint64)[:, 0], looks[:, 8:].astype(np.int16)
    group = np.arange(len(looks))
    for i in range(len(looks) - 1):
        near = np.flatnonzero(np.bitwise_count(hashes[i + 1 :] ^ hashes[i]) <= 3) + i + 1
        near = near[np.abs(colors[near] - colors[i]).max(axis=1, initial=0) <= 8]
        for j in near:
            group[group == group[j]] = group[i]
    return [[names[i] for i in np.flatnonzero(group == g)] for g, n in Counter(group.tolist()).items() if n > 1]

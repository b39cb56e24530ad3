"""The noise that some generators make pictures of: drawn from a seed, and walked through."""

import numpy as np


def draw(count: int, size: int, seed: int) -> np.ndarray:
    """float32 (count, size), independent standard normal numbers; the first rows are the same whatever `count` is."""
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def walk(start: np.ndarray, end: np.ndarray, steps: int, *, fixed: int = 0) -> np.ndarray:
    """Noise on the way from one to another, along the sphere: float32 (steps, size), both ends among them.

    On the straight line between two the length falls to 0.7 of what a generator has seen while it was trained.

    Args:
        start, end: float32 (size,), of any lengths; the length changes evenly.
        steps: 2 or more.
        fixed: how many of the last numbers are a class, and go from one to the other in a straight line.

    Reference: White, Sampling Generative Networks (2016), section 3.1, https://arxiv.org/abs/1609.04468
    """
    if fixed:
        straight = np.linspace(start[-fixed:], end[-fixed:], steps)
        return np.concatenate([walk(start[:-fixed], end[:-fixed], steps), straight], axis=1).astype(np.float32)
    lengths = [max(float(np.linalg.norm(each)), 1e-12) for each in (start, end)]
    directions = [each / length for each, length in zip((start, end), lengths, strict=True)]
    angle = np.arccos(np.clip(np.dot(*directions), -1.0, 1.0))
    shares = np.linspace(0.0, 1.0, steps)[:, None]   # (steps, 1)
    if np.sin(angle) < 1e-6:   # on one line, where no arc is the shortest
        made = (1 - shares) * directions[0] + shares * directions[1]
    else:
        made = (np.sin((1 - shares) * angle) * directions[0] + np.sin(shares * angle) * directions[1]) / np.sin(angle)
    return (made * ((1 - shares) * lengths[0] + shares * lengths[1])).astype(np.float32)

"""A palette that keeps a picture's colors where a generator draws other hues, or darker or lighter than they are."""

import numpy as np
import scipy

from pixelart_tf.pixelize import color

_BLOCK = 4    # cells a side, about what an eye takes together and a blur of one cell covers
_TRUE = 2     # levels: an entry that is as near to the picture in most of its cells is meant to be the picture's color
_MOST = 12    # levels that others are moved by
_OTHER = 10   # levels between the means of blocks, from which on a generator means other colors, as black outlines
_COLORED = 0.02   # of chroma in OKLab, below which a color has no hue to speak of
_HOLD = 0.5   # how much a cell holds its entry, where a block's mean pulls with the number of its cells


def true_colors(palette: np.ndarray, index: np.ndarray, opaque: np.ndarray, meant: np.ndarray) -> np.ndarray:
    """Moves a palette's colors so that the mean colors of blocks of cells come nearer to the picture's own.

    What is drawn with which entry stays, and so outlines and flat areas do. First each entry takes the mean hue that
    its cells have in the picture, unless one of the two is grey; its lightness and its chroma stay. An entry that is
    nearly the picture's own color, as that of a ground, becomes that color: the median of its cells. Of the others are
    solved the least squares of the differences of means, over blocks of 4x4 cells of two lattices, and of the moves, of
    which at most 12 levels are taken. Where the means differ by more than 10 levels on average, other colors are meant,
    and the others move no more.

    Args:
        palette: uint8 (k, 3).
        index: uint8 (rows, columns), the entry that each cell is drawn with.
        opaque: bool (rows, columns), which cells count.
        meant: uint8 (rows, columns, 3), the mean colors that the picture has there.

    Returns:
        uint8 (k, 3). Entries that no cell has are as they were.
    """
    if not opaque.any():
        return palette
    palette = _true_hues(palette, index[opaque], meant[opaque])
    labels = np.where(opaque, index.astype(np.int64), -1)
    used = np.unique(labels[opaque])
    errors = meant.astype(np.float64) - palette[index]   # (rows, columns, 3)
    middle = np.stack([scipy.ndimage.median(errors[..., channel], labels, used) for channel in range(3)], axis=1)
    farthest = np.asarray(scipy.ndimage.median(np.abs(errors).max(axis=-1), labels, used))
    is_true = farthest <= _TRUE
    moved = palette.astype(np.float64)
    moved[used[is_true]] += np.rint(middle[is_true])
    free = used[~is_true]
    if not len(free):
        return moved.astype(np.uint8)
    errors = meant - moved[index]
    lattices = [
        _by_block(labels[opaque], errors[opaque], _blocks(index.shape, shift)[opaque], len(palette))
        for shift in (0, _BLOCK // 2)
    ]
    if np.abs(lattices[0][1]).sum() > _OTHER * 3 * opaque.sum():
        return moved.astype(np.uint8)
    normal = _HOLD * np.diag(np.bincount(labels[opaque], minlength=len(palette)).astype(np.float64))
    right = np.zeros((len(palette), 3))
    for counts, sums in lattices:
        shares = counts.multiply(1 / counts.sum(axis=1)).tocsr()   # of the block that each entry covers
        normal += (shares.T @ counts).toarray() / 2
        right += shares.T @ sums / 2
    moved[free] += np.clip(np.linalg.solve(normal[np.ix_(free, free)], right[free]), -_MOST, _MOST)
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def _true_hues(palette: np.ndarray, labels: np.ndarray, meant: np.ndarray) -> np.ndarray:
    """A palette, uint8 (k, 3), in the mean hues of what is meant, uint8 (n, 3), by its entries' numbers (n,)."""
    lab, true = color.to_oklab(palette), color.to_oklab(meant)
    counts = np.maximum(np.bincount(labels, minlength=len(palette)), 1)
    means = np.stack([np.bincount(labels, true[:, axis], len(palette)) / counts for axis in (1, 2)], axis=1)   # (k, 2)
    drawn, seen = (np.hypot(*each.T) for each in (lab[:, 1:], means))   # chromas
    colored = (drawn >= _COLORED) & (seen >= _COLORED)
    lab[colored, 1:] = means[colored] * drawn[colored, None] / seen[colored, None]
    return np.where(colored[:, None], color.from_oklab(lab), palette)


def _blocks(shape: tuple[int, int], shift: int) -> np.ndarray:
    """int64 (rows, columns): the number of the block that each cell is in."""
    down, across = ((np.arange(length) + shift) // _BLOCK for length in shape)
    return down[:, None] * (across[-1] + 1) + across


def _by_block(
    labels: np.ndarray, errors: np.ndarray, blocks: np.ndarray, k: int
) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
    """Of each block that has cells: how many each entry has, (blocks, k), and the sums of their errors, (blocks, 3)."""
    places, blocks = np.unique(blocks, return_inverse=True)
    shape = len(places), k
    counts = scipy.sparse.csr_matrix((np.ones(len(labels)), (blocks, labels)), shape)
    sums = [np.bincount(blocks, errors[:, channel], len(places)) for channel in range(3)]
    return counts, np.stack(sums, axis=1)

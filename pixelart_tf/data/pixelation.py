"""Batches of pictures -> means of cells, by `avg_pool` or by area."""

import tensorflow as tf

from pixelart_tf.settings.domain import check_block


def pixelate(images: tf.Tensor, block: int, *, enlarge: bool = True) -> tf.Tensor:
    """Takes the means of square cells (`avg_pool`, "VALID").

    Args:
        images: float (B, H, W, C).
        block: side of a cell in pixels; must divide H and W, or a torn row or column would be dropped.
        enlarge: True fills each cell with its mean, False gives one pixel a cell.

    Returns:
        float (B, H, W, C), or (B, H / block, W / block, C).

    Raises:
        ValueError: `block` does not divide H and W.
    """
    check_block(images.shape[1:3], block)
    cells = tf.nn.avg_pool2d(images, block, block, "VALID")   # (B, H / block, W / block, C)
    return tf.repeat(tf.repeat(cells, block, axis=1), block, axis=2) if enlarge else cells


def to_boxes(images: tf.Tensor, boxes: int, *, enlarge: bool = True) -> tf.Tensor:
    """Takes the means of `boxes` x `boxes` cells whatever the size; a pixel on a border counts in part on each side.

    Args:
        images: float (B, H, W, C).
        boxes: cells in a row and in a column.
        enlarge: True gives back the size of `images`, each pixel the mean of the cell that its centre is in; False
            gives one pixel a cell.

    Returns:
        float (B, H, W, C), or (B, boxes, boxes, C).
    """
    cells = tf.image.resize(images, (boxes, boxes), "area")   # (B, boxes, boxes, C)
    return tf.image.resize(cells, images.shape[1:3], "nearest") if enlarge else cells

"""True pixel art of any picture: `pixelize(image, Style(cell=8, colors=16)).image(scale=8)`. NumPy and SciPy only."""

from pixelart_tf.pixelize.art import Art, pixelize
from pixelart_tf.pixelize.style import Style

__all__ = ["Art", "Style", "pixelize"]

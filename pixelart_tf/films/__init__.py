"""Films <-> pictures one after the other, each with its time; sound is handed on as it is.

Films proper go through PyAV (`pip install "pixelart-tf[video]"`), else through imageio-ffmpeg; GIF, APNG, animated WebP
and folders of frames need neither.
"""

from pixelart_tf.films.film import Film, FilmError, Frame
from pixelart_tf.films.reading import open_film
from pixelart_tf.films.writing import SUFFIXES, create, needs_even, target

__all__ = ["SUFFIXES", "Film", "FilmError", "Frame", "create", "needs_even", "open_film", "target"]

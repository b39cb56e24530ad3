"""Random art that is written as a film, and films that are read, for the tests of films."""

from fractions import Fraction

import numpy as np

from pixelart_tf import films
from pixelart_tf.pixelize import Art

VARIABLE = [0, 3000, 4500, 9000, 20000, 21000, 48000]   # in 1/90000 seconds


def arts(number, *, rows=7, columns=9, k=16, opaque=None, shots=1, seed=0):
    """Random art, of which about a third changes from frame to frame."""
    random = np.random.default_rng(seed)
    opaque = np.ones((rows, columns), bool) if opaque is None else opaque
    for _ in range(shots):
        palette = np.unique(random.integers(0, 256, (k, 3), np.uint8), axis=0)
        index = random.integers(0, len(palette), (rows, columns)).astype(np.uint8)
        for _ in range(number):
            fresh = random.integers(0, len(palette), (rows, columns)).astype(np.uint8)
            index = np.where(random.random((rows, columns)) < 0.3, fresh, index)
            yield Art(index=index, palette=palette, opaque=opaque & (random.random(opaque.shape) < 2 - opaque.all()),
                      cell=4)


class Rate:
    """What a writer asks of the film it is made from."""

    def __init__(self, path="film", rate=Fraction(25), time_base=None, sound=()):
        self.path, self.rate, self.time_base = path, rate, time_base or 1 / rate
        self.sound, self.notes = list(sound), []
        self.plays, self.origin, self.start, self.end = 0, Fraction(0), Fraction(0), None


def save(path, frames, *, scale=4, film=None, times=None, **options):
    """Writes frames; by default 25 a second."""
    film = film or Rate()
    with films.create(path, film, scale=scale, **options) as writer:
        for nth, art in enumerate(frames):
            time, duration = times[nth] if times else (nth / film.rate, 1 / film.rate)
            writer.write(art, time, duration)
    return film


def read(path, **options):
    film = films.open_film(path, **options)
    return film, list(film.frames())

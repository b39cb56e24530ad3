"""Pictures and knobs -> pixel art, by the engines of the commands; turning a knob redoes only what it changes."""

import collections
import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf import devices
from pixelart_tf.base.cli import UserError
from pixelart_tf.generators.native import generating, own_cell
from pixelart_tf.generators.opening import load_on_devices
from pixelart_tf.page.catalogue import Catalogue, Entry
from pixelart_tf.page.knobs import NONE, OWN, KnobError, Knobs, sentence
from pixelart_tf.page.opened import Opened, Shelf
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import art
from pixelart_tf.pixelize.generate import Generate
from pixelart_tf.pixelize.style import Style

LOADED = 4   # generators that stay in memory


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """Pixel art of one picture.

    Attributes:
        art: itself.
        style: what was asked for.
        grid: the cells in the picture.
        size: height and width of the picture that they lie in.
        note: what is to be told of it; may be empty.
    """

    art: art.Art
    style: Style
    grid: art.Grid
    size: tuple[int, int]
    note: str


class Studio:
    """What the page works with: one for all who look at it.

    Args:
        catalogue: the generators.
        max_size: pixels of a picture's longer side.
        folder: for what is made; None is the system's for temporary files.

    Attributes:
        shelf: the pictures that came in.
    """

    def __init__(self, catalogue: Catalogue, *, max_size: int = 4096, folder: Path | None = None):
        self.folder = folder
        self.catalogue, self.shelf = catalogue, Shelf(max_size)
        self._loaded, self._lock, self._running = collections.OrderedDict(), threading.Lock(), threading.Lock()
        self._devices, self._choosing = None, threading.Lock()

    def make(self, opened: Opened, knobs: Knobs, palette_file: Path | None = None) -> Made:
        """Pixel art of a picture.

        Raises:
            KnobError: a knob is set to what cannot be.
            UserError: the picture does not do.
        """
        style, entry = knobs.style(palette_file), self.catalogue.entry(knobs.generator)
        try:
            return self._made(opened, knobs, style, entry)
        except KnobError:
            raise
        except UserError as error:
            raise KnobError(sentence(str(error)), _at_fault(str(error), knobs)) from None

    def _made(self, opened: Opened, knobs: Knobs, style: Style, entry: Entry | None) -> Made:
        sizes = (style.cell, style.width, style.height)
        of, picture = self._seen(opened, entry, knobs, style, sizes)
        if isinstance(picture, art.Cells):
            size, of = opened.image.shape[:2], (*of, style.saturation, style.contrast)
            reduced = opened.kept("cells", of, lambda: art.vivid(art.crisped(picture, style), style))
            where = opened.kept("grid", sizes, lambda: art.grid(opened.image, style))
        else:
            size = picture.shape[:2]
            where = opened.kept("grid", (*of, *sizes), lambda: art.grid(picture, style))
            of = (*of, *sizes, style.how, style.thicken, style.alpha, style.alpha_threshold, style.saturation,
                  style.contrast)
            reduced = opened.kept("cells", of, lambda: _reduced(picture, style, where))
        note = sentence(where.note) if where.note else ""
        if knobs.size == OWN and not (note or isinstance(picture, art.Cells)):
            note = "It has no squares of its own; others are taken."
        if not reduced.opaque.any():
            note = "All of it is transparent: nothing is opaque enough."
        own = None
        if style.palette is None:
            of = (*of, style.colors, style.space, style.seed)
            own = opened.kept("palette", of, lambda: art.palette_of(reduced, style))
        return Made(art=art.finish(reduced, style, own), style=style, grid=where, size=size, note=note)

    def _seen(
        self, opened: Opened, entry: Entry | None, knobs: Knobs, style: Style, sizes: tuple
    ) -> tuple[tuple, np.ndarray | art.Cells]:
        """The picture, or what the generator makes of it: a picture or the cells; and what it depends on."""
        if entry is None:
            return (), opened.image
        if not opened.image[..., 3].any():
            raise UserError("all of it is transparent, so that a generator has nothing to see")
        path = entry.way(knobs.direction)
        generator, predict = self._load(path, entry.name)
        # What it makes is kept as it is, whatever becomes of its colors.
        plain = dataclasses.replace(style, saturation=1.0, contrast=1.0)
        generate = generating(generator, plain, predict=predict, called=entry.name)
        # A generator of pictures does not see the cells, and one of cells sees nothing but them.
        seen = () if own_cell(generator) is None else (*sizes, style.alpha_threshold)
        of = (path, path.stat().st_mtime_ns, *seen)
        return of, opened.kept("generated", of, lambda: _through(generate, opened.image))

    def generate(self, entry: Entry, direction: str, style: Style) -> Generate:
        """What runs a generator, loaded where it is not yet.

        Raises:
            KnobError: it cannot be used.
        """
        path = entry.way(direction)
        generator, predict = self._load(path, entry.name)
        return generating(generator, style, predict=predict, called=entry.name)

    def _load(self, path: Path, name: str) -> tuple[Any, Callable[[np.ndarray], np.ndarray]]:
        key = (path, path.stat().st_mtime_ns)   # a run that is training writes it anew
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return self._loaded[key]
            try:
                generator, predict = load_on_devices(path, self.chosen_devices())
            except UserError as error:
                raise KnobError(sentence(str(error).replace(str(path), name)), "generator") from None
            self._loaded[key] = generator, self._one_at_a_time(predict)
            while len(self._loaded) > LOADED:
                self._loaded.popitem(last=False)
            return self._loaded[key]

    def chosen_devices(self) -> devices.Devices:
        """What networks run on; chosen once."""
        with self._choosing:
            self._devices = self._devices or devices.choose(precision="float32", exact=True, join_hosts=False)
            return self._devices

    def _one_at_a_time(self, predict: Callable) -> Callable:
        """A picture's pass waits for one batch of a film's, not for the film."""
        def run(values: np.ndarray) -> np.ndarray:
            with self._running:
                return predict(values)

        return run

    def warm(self) -> None:
        """Loads the generator that the page begins with, which takes seconds, before anybody asks for it."""
        entry = self.catalogue.entry(Knobs().generator)
        if entry is not None:
            self._load(entry.way(""), entry.name)

    def own_cells(self, opened: Opened) -> art.Grid | None:
        """The cells that the picture has already; None where it has none."""
        return opened.kept("own", (), lambda: _own(opened.image))


def _own(image: np.ndarray) -> art.Grid | None:
    with images.alone(*image.shape[:2]):
        where = art.grid(image, Style())
    return where if where.exact or where.core < 1 else None   # found, of one color each or with soft borders


def _reduced(image: np.ndarray, style: Style, where: art.Grid) -> art.Cells:
    with images.alone(*image.shape[:2]):
        return art.reduce(image, style, where)


def _through(generate: Generate, image: np.ndarray) -> np.ndarray | art.Cells:
    with images.alone(*image.shape[:2]):
        prepared = generate.prepare(image)
    return next(made for _, made in generate.run([("the picture", prepared)]))


def _at_fault(message: str, knobs: Knobs) -> str:
    """The knob that a message of an engine is about."""
    if "cells" in message and "generator" not in message:
        return "size" if knobs.size == OWN else knobs.size
    return "generator" if knobs.generator != NONE else ""

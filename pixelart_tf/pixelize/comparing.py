"""A set of pixel art beside real pixel art and beside what it was made from."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import PurePath

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.columns import columns
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize.grid import own_cells
from pixelart_tf.scores import pixel_art


@dataclass(frozen=True, kw_only=True)
class SetFigures:
    """Of all pictures of a set together.

    Attributes:
        pictures: how many.
        style, far: see `scores.pixel_art`; None where there is nothing to compare with.
        orphans, soft_steps: shares, see `scores.pixel_art`.
        colors: of a picture, on average.
    """

    pictures: int
    style: float | None
    far: float | None
    orphans: float
    soft_steps: float
    colors: float


def cells_of(image: np.ndarray, cell: int | None = None) -> np.ndarray:
    """A picture at one pixel a cell: of cells of `cell` pixels, of its exact grid, or as it is where it has none.

    Args:
        image: uint8 (H, W, 3).
        cell: pixels of a side, whole and from the picture's corner on; None finds them.
    """
    if cell is not None:
        return image[cell // 2 :: cell, cell // 2 :: cell]
    return own_cells(image)


def figures(
    made: dict[str, np.ndarray], like: Iterable[np.ndarray] | None, originals: dict[str, np.ndarray] | None
) -> SetFigures:
    """Compares a set.

    Args:
        made: name -> uint8 (h, w, 3), a pixel a cell.
        like: real pixel art, likewise.
        originals: name -> uint8 (H, W, 3) of each picture of `made`.

    Raises:
        UserError: a picture without an original, or a set of flat pictures.
    """
    distances = []
    for name, picture in made.items() if originals is not None else ():
        if name not in originals:
            raise UserError(f"--of: no picture is called {name}")
        distances.append(pixel_art.far(picture, originals[name]))
    try:
        style = None if like is None else pixel_art.style(made.values(), like)
    except ValueError as error:
        raise UserError(f"--like: {error}") from None
    return SetFigures(
        pictures=len(made), style=style, far=float(np.mean(distances)) if distances else None,
        orphans=float(np.mean([pixel_art.orphans(each) for each in made.values()])),
        soft_steps=pixel_art.soft_steps(list(made.values())),
        colors=float(np.mean([len(np.unique(each.reshape(-1, 3), axis=0)) for each in made.values()])),
    )


def show(patterns: list[str], *, cell: int | None, like: str | None, of: str | None, as_json: bool) -> None:
    """Prints the figures of a set of pictures, and those of the real ones, where both have them.

    Args:
        patterns: pictures, folders, globs, zips or shards.
        cell: see `cells_of`.
        like: real pixel art.
        of: originals, of the same names without suffix.
        as_json: print an object.
    """
    made = {}
    for pattern in patterns:
        made |= {name: cells_of(image, cell) for name, image in _read(pattern, "measuring")}
    real = [cells_of(image) for _, image in _read(like, "reading the real ones")] if like else None
    found = figures(made, real, dict(_read(of, "reading the originals")) if of else None)
    if as_json:
        print(json.dumps(asdict(found), indent=2))
        return
    theirs = figures(dict(enumerate(real)), None, None) if real else None
    rows = [("figure", "these", "real")]
    for name, digits, percent in (
        ("style", 1, False), ("far", 2, False), ("orphans", 1, True), ("soft_steps", 1, True), ("colors", 1, False),
    ):
        texts = [_text(getattr(each, name), digits, percent) if each else "" for each in (found, theirs)]
        rows.append((name.replace("_", " "), *texts))
    print(f"{found.pictures} pictures" + (f" beside {len(real)} real ones" if real else ""))
    print(columns(rows))


def _text(value: float | None, digits: int, percent: bool) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.{digits}f} %" if percent else f"{value:.{digits}f}"


def _read(pattern: str, what: str):
    """Names without suffix and uint8 (H, W, 3) of the pictures of a pattern, with a progress bar."""
    progress = ProgressBar(what)
    for number, item in enumerate(sources.read(pattern), 1):
        yield PurePath(item.name).with_suffix("").name, images.read(item.data, name=item.place)
        progress(number, None)

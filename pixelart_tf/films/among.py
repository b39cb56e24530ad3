"""Films and animations among a person's pictures: which they are, where they go, and their pixel art."""

from collections.abc import Callable
from pathlib import Path

from pixelart_tf.base.cli import UserError
from pixelart_tf.films import engine, reading, writing
from pixelart_tf.pictures import opening
from pixelart_tf.pictures.outputs import Kind
from pixelart_tf.pixelize import Style
from pixelart_tf.pixelize.generate import Generate

# What a film's file is called; its content is looked at only when it is read.
_SUFFIXES = (
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm",
    ".wmv",
)


class Moving:
    """Finds what moves, by the places of pictures.

    Attributes:
        places: those of what moves, of all that `kind_of` was asked for.
    """

    def __init__(self):
        self.places: list[str] = []

    def kind_of(self, place: str) -> Kind | None:
        """How what moves is written, by its name where there is such a file, else as MP4; None for a still picture."""
        path = Path(place)
        is_animation = path.suffix.lower() in reading.ANIMATIONS and opening.moves(path)
        if not is_animation and not (path.suffix.lower() in _SUFFIXES and path.is_file()):
            return None
        self.places.append(place)
        return Kind(path.suffix if path.suffix.lower() in writing.SUFFIXES else ".mp4", writing.SUFFIXES)


def pixelize_films(
    targets: dict[str, Path], style: Style, *, overwrite: bool = False, skip_bad: bool = False,
    scale: int | None = None, generate: Generate | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> tuple[dict[Path, engine.Made], list[str]]:
    """Makes pixel art of several films, one after the other.

    Args:
        targets: path of each film -> its output, whose folder is made.
        skip_bad: go on without the films that cannot be used.
        style, overwrite, scale, generate, progress: see `engine.pixelize_film`.

    Returns:
        What became of each output, and a line for each film that was skipped.

    Raises:
        UserError: a bad film.
    """
    made, bad = {}, []
    for place, target in targets.items():
        try:
            made[target] = engine.pixelize_film(
                place, target, style, scale=scale, generate=generate, overwrite=overwrite, progress=progress
            )
        except UserError as error:
            message = str(error) if str(error).startswith(place) else f"{place}: {error}"
            if not skip_bad:
                raise UserError(message) from None
            bad.append(message)
    return made, bad

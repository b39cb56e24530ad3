"""Classes of pictures: the folders that they lie in."""

from collections.abc import Sequence
from pathlib import PurePath

from pixelart_tf.pictures import sources
from pixelart_tf.settings.domain import Domain


def of(names: Sequence[str]) -> tuple[tuple[str, ...], list[int]]:
    """The classes of pictures by their names, each of which is called as the folder that a picture lies in.

    Args:
        names: files, names in a zip or names in shards; all of a set.

    Returns:
        The names of the classes, sorted, none where there is one folder only (what lies in none is in "."); and the
        number of each picture's class.
    """
    folders = [PurePath(name).parent.name or "." for name in names]
    known = tuple(sorted(set(folders)))
    if len(known) < 2:
        return (), [0] * len(folders)
    numbers = {name: number for number, name in enumerate(known)}
    return known, [numbers[folder] for folder in folders]


def of_domain(domain: Domain) -> tuple[str, ...]:
    """The names of the classes of a domain's pictures. Raises UserError where there are none to be read."""
    return of([item.name for item in sources.read(domain.files)])[0]

"""Which output file belongs to which input picture, and that none of them overwrites anything."""

import mimetypes
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.files import expanded
from pixelart_tf.pictures import finding, images, sources

FORMATS = {"png": ".png", "jpeg": ".jpg", "keep": None}
# Not GIF: its 256 colors would change the picture.
WRITABLE = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
# What Python's own table of file types, the same on each machine, does not have.
_OTHER_FILES = (
    ".ase", ".aseprite", ".dds", ".exr", ".gltf", ".heic", ".heif", ".hdr", ".jfif", ".jp2", ".jxl", ".kra", ".pcx",
    ".psd", ".tga", ".xcf",
)
_TYPES = mimetypes.MimeTypes()


class Kind(NamedTuple):
    """How pictures of a kind are written.

    Attributes:
        suffix: of those in a folder; None keeps each picture's own where that is writable, and is `.png` else.
        writable: the suffixes that a single one may have.
    """

    suffix: str | None
    writable: tuple[str, ...] = WRITABLE


def plan(
    pictures: Iterable[str | Path | sources.Encoded], out: str | Path, *, format: str = "png", overwrite: bool,
    kind_of: Callable[[str], Kind] | None = None,
) -> dict[str, Path]:
    """Where the output of each picture goes: by its name, with the output's suffix.

    Of pictures that differ in their suffix only, those of another than the output's keep theirs: `cat.jpg` beside
    `cat.png` becomes `cat.jpg.png`.

    Args:
        pictures: what `sources.read` takes. A folder's subfolders are kept; a zip and shards make a folder.
        out: a folder, or for one picture also a file.
        format: a key of `FORMATS`.
        overwrite: whether files that are there may be replaced.
        kind_of: instead of `format`, the kind of the picture at a place.

    Returns:
        The `place` of each picture (see `sources.Encoded`) -> output file, in order.

    Raises:
        UserError: no pictures, an output that would overwrite something, or one whose suffix says that it is a file of
            another kind.
    """
    if format not in FORMATS:
        raise UserError(f"`format` must be one of {', '.join(FORMATS)}. Received: {format!r}")
    if not str(out):   # an unset variable of a shell, not the current folder
        raise UserError("an empty path: no output is called so")
    out = Path(out)
    names = named(pictures, out)
    kinds = {place: kind_of(place) if kind_of else Kind(FORMATS[format]) for place in names}
    if _is_file(out, [*kinds.values()]):
        targets = dict.fromkeys(names, out)
    else:
        targets = _in_folder(names, kinds, out)
    _check_outputs(targets, overwrite)
    return targets


def named(pictures: Iterable[str | Path | sources.Encoded], out: Path) -> dict[str, Path]:
    """The place of each picture -> its name below the folder, or whatever it is, that was asked for.

    What is in `out` already is left out. Raises UserError where nothing is left.
    """
    names = {}
    for pattern in pictures:
        if isinstance(pattern, sources.Encoded):
            names[pattern.place] = _inside(pattern.name)
            continue
        if sources.is_container(pattern):
            names |= {item.place: _inside(item.name) for item in sources.read(pattern)}
            continue
        # What a folder holds keeps its subfolders, what a glob finds those below the glob's first wildcard.
        folder = expanded(pattern)
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        found = finding.pictures(pattern)
        # A folder of earlier outputs inside the inputs' folder is not input.
        inside = out.resolve() != folder.resolve() and out.resolve().is_relative_to(folder.resolve()) and out.is_dir()
        for path in found:
            if not (inside and not expanded(pattern).is_file() and path.resolve().is_relative_to(out.resolve())):
                names[str(path)] = path.relative_to(folder)
    if not names:
        raise UserError(f"{' '.join(map(str, pictures))}: no pictures there, apart from those in {out}")
    return names


def _is_file(out: Path, kinds: list[Kind]) -> bool:
    """Whether an output is a file. Raises UserError where it can be neither a file nor a folder."""
    if out.is_dir():
        return False
    writable = tuple(dict.fromkeys(suffix for kind in kinds for suffix in kind.writable))
    suffix = out.suffix.lower()
    if out.exists() and len(kinds) > 1:
        raise UserError(f"{out}: a file, but {len(kinds)} pictures need a folder")
    if suffix in writable:
        if len(kinds) > 1:
            raise UserError(f"{out}: {len(kinds)} pictures need a folder")
        return True
    if suffix in images.SUFFIXES or suffix in _OTHER_FILES or _TYPES.guess_type(f"a{suffix}")[0]:
        raise UserError(f"{out}: {suffix} is not written; choose one of {' '.join(writable)}, or a folder")
    if out.exists():
        raise UserError(f"{out}: a file that is none of {' '.join(writable)}")
    return False


def _in_folder(names: dict[str, Path], kinds: dict[str, Kind], out: Path) -> dict[str, Path]:
    """The place of each picture -> its output in a folder."""
    short, long = {}, {}
    for place, name in names.items():
        own, (suffix, writable) = name.suffix.lower(), kinds[place]
        suffix = suffix or (name.suffix if own in writable else ".png")
        # A name in a shard has no suffix, but may have a dot.
        short[place] = out / (name.with_suffix(suffix) if own in (*images.SUFFIXES, *writable) else f"{name}{suffix}")
        long[place] = short[place] if name.suffix == suffix else out / f"{name}{suffix}"
    count = Counter(short.values())
    return {place: target if count[target] == 1 else long[place] for place, target in short.items()}


def _inside(name: str) -> Path:
    """A name out of a zip or a shard as a path that stays below the output folder."""
    return Path(*[part for part in PurePosixPath(name).parts if part not in ("..", "/")] or ["picture"])


def _check_outputs(targets: dict[str, Path], overwrite: bool) -> None:
    inputs = {Path(place).resolve() for place in targets}
    places = {}
    for place, target in targets.items():
        if target.resolve() in inputs:
            raise UserError(f"{target}: an input, which is never overwritten; choose another folder")
        if target in places:
            both = f"{places[target]} and {place}"
            raise UserError(f"{target}: {both} would both be written there; give their common folder")
        places[target] = place
    existing = [target for target in places if target.exists()]
    if existing and not overwrite:
        others = f" (and {len(existing) - 1} more)" if len(existing) > 1 else ""
        raise UserError(f"{existing[0]}{others}: already there; --overwrite replaces it")

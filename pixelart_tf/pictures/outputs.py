"""Which output file belongs to which input picture, and that none of them overwrites anything."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.files import expanded
from pixelart_tf.pictures import finding, images, sources

FORMATS = {"png": ".png", "jpeg": ".jpg", "keep": None}
# Not GIF: its 256 colors would change the picture.
WRITABLE = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def plan(pictures: Iterable[str | Path], out: str | Path, *, format: str, overwrite: bool) -> dict[str, Path]:
    """Where the output of each picture goes.

    Args:
        pictures: what `sources.read` takes. A folder's subfolders are kept; a zip and shards make a folder.
        out: a folder, or for one picture also a file.
        format: a key of `FORMATS`.
        overwrite: whether files that are there may be replaced.

    Returns:
        The `place` of each picture (see `sources.Encoded`) -> output file, in order.

    Raises:
        UserError: no pictures, or an output would overwrite something.
    """
    if format not in FORMATS:
        raise UserError(f"`format` must be one of {', '.join(FORMATS)}. Received: {format!r}")
    out = Path(out)
    named = {}
    for pattern in pictures:
        if sources.is_container(pattern):
            named |= {item.place: _inside(item.name) for item in sources.read(pattern)}
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
                named[str(path)] = path.relative_to(folder)
    if not named:
        raise UserError(f"{' '.join(map(str, pictures))}: no pictures there, apart from those in {out}")
    is_file = len(named) == 1 and out.suffix.lower() in WRITABLE and not out.is_dir()
    if not is_file and out.exists() and not out.is_dir():
        raise UserError(f"{out}: a file, but {len(named)} pictures need a folder")
    targets = {}
    for place, name in named.items():
        has_suffix = name.suffix.lower() in images.SUFFIXES
        suffix = FORMATS[format] or (name.suffix if name.suffix.lower() in WRITABLE else ".png")
        # A name in a shard has no suffix, but may have a dot.
        targets[place] = out if is_file else out / (name.with_suffix(suffix) if has_suffix else f"{name}{suffix}")
    _check_outputs(targets, overwrite)
    return targets


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
            raise UserError(f"{target}: {both} would both be written there; give their common folder or --format keep")
        places[target] = place
    existing = [target for target in places if target.exists()]
    if existing and not overwrite:
        others = f" (and {len(existing) - 1} more)" if len(existing) > 1 else ""
        raise UserError(f"{existing[0]}{others}: already there; --overwrite replaces it")

"""Which output file belongs to which input picture, and that none of them overwrites anything."""

from collections.abc import Iterable
from pathlib import Path

from pixelart_tf import images
from pixelart_tf.cli import UserError

FORMATS = {"png": ".png", "jpeg": ".jpg", "keep": None}
# Not GIF: its 256 colours would change the picture.
WRITABLE = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def plan(pictures: Iterable[str | Path], out: str | Path, *, format: str, overwrite: bool) -> dict[Path, Path]:
    """Input -> output files, in order; raises UserError where an output would overwrite something."""
    if format not in FORMATS:
        raise UserError(f"`format` must be one of {', '.join(FORMATS)}. Received: {format!r}")
    out = Path(out)
    named = {}
    for pattern in pictures:
        # What a folder holds keeps its subfolders, what a glob finds those below the glob's first wildcard.
        folder = Path(pattern)
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        found = images.find(pattern)
        # A folder of earlier outputs inside the inputs' folder is not input.
        inside = out.resolve() != folder.resolve() and out.resolve().is_relative_to(folder.resolve()) and out.is_dir()
        for path in found:
            if not (inside and not Path(pattern).is_file() and path.resolve().is_relative_to(out.resolve())):
                named[path] = path.relative_to(folder)
    if not named:
        raise UserError(f"{' '.join(map(str, pictures))}: no pictures there, apart from those in {out}")
    is_file = len(named) == 1 and out.suffix.lower() in WRITABLE and not out.is_dir()
    if not is_file and out.exists() and not out.is_dir():
        raise UserError(f"{out}: a file, but {len(named)} pictures need a folder")
    inputs = {}
    for path, name in named.items():
        suffix = FORMATS[format] or (name.suffix if name.suffix.lower() in WRITABLE else ".png")
        inputs[path] = out if is_file else out / name.with_suffix(suffix)
    _check_outputs(inputs, overwrite)
    return inputs


def _check_outputs(inputs: dict[Path, Path], overwrite: bool) -> None:
    sources = {path.resolve() for path in inputs}
    sources_of = {}
    for path, target in inputs.items():
        if target.resolve() in sources:
            raise UserError(f"{target}: an input, which is never overwritten; choose another folder")
        if target in sources_of:
            both = f"{sources_of[target]} and {path}"
            raise UserError(f"{target}: {both} would both be written there; give their common folder or --format keep")
        sources_of[target] = path
    existing = [target for target in sources_of if target.exists()]
    if existing and not overwrite:
        others = f" (and {len(existing) - 1} more)" if len(existing) > 1 else ""
        raise UserError(f"{existing[0]}{others}: already there; --overwrite replaces it")

"""The page of a run: its sheets of pictures by their epochs with a slider, the curves, the networks that are kept."""

import html
import json
import string
from pathlib import Path
from urllib.parse import quote

from pixelart_tf.base import files
from pixelart_tf.base.cli import printable
from pixelart_tf.settings.run_folder import RunFolder

PAGE = Path(__file__).with_name("gallery.html")
# Pictures of a run's begin.
PICTURE = '<h2>{title}</h2>\n<a href="{link}"><img src="{link}" alt="{alt}"></a>'
# What of a line of the log says where the run is, and not how it does.
PLACES = ("epoch", "step", "seconds", "images_per_second")


def write(folder: RunFolder, history: list[dict]) -> None:
    """Writes `gallery.html` into a run's folder: one file that asks for nothing but the pictures beside it.

    Nothing is written as long as there are no sheets.

    Args:
        folder: of the run; the page shows what is in it.
        history: a dict of numbers an epoch, as in the run's log.

    Raises:
        OSError: the page cannot be written.
    """
    sheets, kept = folder.sheets_by_kind(), folder.kept_generators()
    sheets = {kind: sheets[kind] for kind in sorted(sheets, key=lambda kind: (not kind.startswith("samples"), kind))}
    epochs = sorted(set(kept).union(*sheets.values()))
    if not sheets:
        return
    links = {
        kind: {epoch: _link(path, folder) for epoch, path in of_kind.items()} for kind, of_kind in sheets.items()
    }
    first = next(iter(links))
    data = {
        "epochs": epochs,
        "sheets": links,
        "kept": {epoch: [_link(path, folder) for path in paths] for epoch, paths in kept.items()},
        "numbers": {row["epoch"]: _numbers(row) for row in history if row["epoch"] in epochs},
    }
    page = string.Template(PAGE.read_text(encoding="utf-8")).substitute(
        title=html.escape(printable(f"Gallery of {folder.path.resolve().name}")),
        last=html.escape(links[first][max(links[first])]),
        alt=html.escape(f"{first.replace('_', ' ')} of epoch {max(links[first])}"),
        curves=html.escape(_link(folder.curves, folder)),
        begin="\n".join([
            _picture("First batch", folder.batch, folder, alt="what the model was fed with first, and its colors"),
            _picture("Networks", folder.networks, folder, alt="the networks, block by block"),
        ]),
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),   # no tag may end the script
    )
    files.write_text(folder.gallery, page)


def _picture(title: str, path: Path, folder: RunFolder, *, alt: str) -> str:
    """HTML; empty where the picture is not there."""
    return PICTURE.format(title=title, link=_link(path, folder), alt=alt) if path.is_file() else ""


def _link(path: Path, folder: RunFolder) -> str:
    return quote(path.relative_to(folder.path).as_posix(), errors="surrogateescape")


def _numbers(row: dict) -> dict[str, float]:
    return {name: value for name, value in row.items() if name not in PLACES and isinstance(value, int | float)}

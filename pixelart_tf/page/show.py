"""What the page shows of a result: the picture for the slider, the palette, the downloads, the command; as HTML."""

import json
from pathlib import Path

import numpy as np

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError, printable
from pixelart_tf.page.knobs import FOUND, KnobError, Knobs
from pixelart_tf.page.markup import data_url, escaped
from pixelart_tf.page.opened import Opened, Upload
from pixelart_tf.page.studio import Made
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import palette_files, palettes
from pixelart_tf.pixelize.art import Grid
from pixelart_tf.pixelize.picture_files import encoded

READY = '<div class="pa-data" data-kind="ready" data-values="{}"></div>'   # the knobs are as the address tells
PREVIEW = 1280   # pixels of the longer side of what is shown as "before"


def before(opened: Opened) -> str:
    """The picture as it came in, for the slider; made once."""
    upload = opened.upload
    return opened.kept(
        "before", (), lambda: _data("before", src=_preview(opened.image), name=upload.name, moves=upload.moves)
    )


def after(made: Made, knobs: Knobs, opened: Opened) -> str:
    """The pixel art at one pixel a cell, where its cells lie, and the knobs for the address."""
    rows, columns = made.grid.rows, made.grid.columns
    height, width = made.size
    return _data(
        "after", src=data_url("image/png", encoded(made.art, 1)), columns=made.art.index.shape[1],
        rows=made.art.index.shape[0], query=knobs.query(), name=opened.upload.name,
        # Where the cells begin and end, as shares of the picture.
        box=[columns[0] / width, rows[0] / height, columns[-1] / width, rows[-1] / height],
    )


def problem(error: UserError) -> str:
    """An error as a sentence that the page puts beside its knob."""
    knob = error.knob if isinstance(error, KnobError) else ""
    return _data("problem", knob=knob, text=printable(str(error)))


def result(made: Made, upload: Upload, command: str, own: Grid | None = None) -> str:
    """What is told below the picture: cells and colors, the palette, downloads, the command.

    Args:
        made: the pixel art.
        upload: what it was made of.
        command: the command that makes the same.
        own: the cells that the picture has already.
    """
    art = made.art
    rows, columns = art.index.shape
    used = np.unique(art.index[art.opaque]) if art.opaque.any() else np.arange(0)
    shown = art.palette[used] if len(used) else art.palette
    stem = upload.stem
    told = f"{columns} by {rows} squares, {len(shown)} color{'' if len(shown) == 1 else 's'}"
    parts = [f'<p class="pa-told">{told}</p>']
    if made.note:
        parts.append(f'<p class="pa-note">{escaped(made.note)}</p>')
    if own is not None:
        parts.append(_sizes(own))
    parts.append(_swatches(shown))
    parts.append('<p class="pa-links">')
    if not upload.moves:
        link = data_url("image/png", encoded(art, 1))
        parts.append(_download(link, f"{stem}.png", f"Picture, {columns} by {rows}"))
    for suffix in (".gpl", ".hex"):
        link = data_url("text/plain", palette_files.text(shown, suffix, stem).encode())
        parts.append(_download(link, f"{stem}{suffix}", f"Palette {suffix}"))
    parts += [
        "</p>",
        '<details class="pa-command"><summary>The same on the command line</summary>'
        f'<code id="pa-command-text">{escaped(command)}</code>'
        f'<button type="button" class="pa-copy" data-copy="{escaped(command)}">Copy</button></details>',
    ]
    return "\n".join(parts)


def large(made: Made, knobs: Knobs, upload: Upload) -> str:
    """The enlarged pixel art as a download that the page starts.

    Raises:
        KnobError: it would be too large.
    """
    scale = scale_of(made, knobs)
    height, width = made.art.index.shape
    if height * width * scale**2 > limits.PICTURE_PIXELS:
        raise KnobError(f"That would be over {limits.PICTURE_PIXELS:,} pixels; take a smaller scale.", "scale")
    name = f"{upload.stem}-x{scale}.png"
    return _data("download", href=data_url("image/png", encoded(made.art, scale)), name=name)


def animation(path: Path) -> str:
    """An animation that plays in the page."""
    kind = {".gif": "image/gif", ".webp": "image/webp"}.get(path.suffix.lower(), "image/apng")
    return f'<img class="pa-animation" alt="The pixel art, moving" src="{data_url(kind, path.read_bytes())}">'


def scale_of(made: Made, knobs: Knobs) -> int:
    """Pixels of a cell's side in the larger download."""
    return knobs.scale or max(1, made.art.cell)


def palette_list() -> str:
    """All built-in palettes to choose from by sight."""
    rows = [
        f'<button type="button" class="pa-pick" data-palette="{escaped(name)}" title="{escaped(each.author)}">'
        f"<span>{escaped(each.title)}</span>{_strip(each.colors)}</button>"
        for name, each in palettes.named().items()
    ]
    first = f'<button type="button" class="pa-pick" data-palette="{FOUND}"><span>Found for this picture</span></button>'
    return f'<div class="pa-picks" role="group" aria-label="Palettes">{first}{"".join(rows)}</div>'


def _sizes(own: Grid) -> str:
    """Buttons of the size of cells that was found, and of those that it is mistaken for most often: half and twice."""
    sizes = [size for size in (own.cell, own.cell // 2, own.cell * 2) if size > 1]
    buttons = " ".join(
        f'<button type="button" class="pa-copy" data-cell="{size}">{size} pixels a square</button>' for size in sizes
    )
    return f'<p class="pa-links">{buttons}</p>'


def _swatches(palette: np.ndarray) -> str:
    buttons = [
        f'<button type="button" class="pa-swatch" style="background:#{code}" data-copy="#{code}" '
        f'aria-label="Copy #{code}" title="#{code}"></button>'
        for code in (bytes(entry).hex() for entry in palette)
    ]
    label = "Palette: a click copies a color"
    return f'<div class="pa-swatches" role="group" aria-label="{label}">{"".join(buttons)}</div>'


def _strip(palette: np.ndarray) -> str:
    """The colors as a picture of one row, as a button for each of 256 would be slow."""
    return f'<img alt="" src="{data_url("image/png", images.encode(np.ascontiguousarray(palette[None]), "png"))}">'


def _preview(image: np.ndarray) -> str:
    height, width = image.shape[:2]
    factor = PREVIEW / max(height, width)
    if factor < 1:
        size = max(1, round(height * factor)), max(1, round(width * factor))
        image = images.fit(image, size, how="stretch", resample="area")
    if image[..., 3].min() < 255 or max(height, width) < 400:   # small ones are often drawings, and cheap as they are
        return data_url("image/png", images.encode(image, "png"))
    return data_url("image/jpeg", images.encode(np.ascontiguousarray(image[..., :3]), "jpeg", quality=90))


def _data(kind: str, **values: object) -> str:
    """Values for the page's script, which looks for them."""
    return f'<div class="pa-data" data-kind="{kind}" data-values="{escaped(json.dumps(values))}"></div>'


def _download(link: str, name: str, label: str) -> str:
    return f'<a class="pa-download" href="{link}" download="{escaped(name)}">{escaped(label)}</a>'

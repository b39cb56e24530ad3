"""A page of its own that makes pixel art by one generator: a few files that need no server, and ask nothing of any."""

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError, printable
from pixelart_tf.base.stderr import quiet
from pixelart_tf.generators import exporting, native, tiling
from pixelart_tf.page import onnx_runtime
from pixelart_tf.page.markup import escaped
from pixelart_tf.pixelize import palettes

ASSETS = Path(__file__).parent / "assets"
INDEX, GENERATOR, RUNTIME = "index.html", "generator.js", "onnxruntime.js"
SCRIPTS = "pixels.js", "palettes.js"


def check_place(out: Path, *, overwrite: bool) -> None:
    """Asks, before any work is done, whether the page's folder may be made there. Raises UserError."""
    exporting.kind_of(out.with_suffix(".onnx"), "onnx")   # says what is missing of the extra
    if out.suffix.lower() in (".keras", ".html", *(kind.suffix for kind in exporting.KINDS.values() if kind.suffix)):
        raise UserError(f"{out}: becomes a folder by --to page; give it another name")
    if not out.is_dir():
        files.check_output(out, overwrite=False)
    elif any(out.iterdir()) and not (overwrite and (out / GENERATOR).is_file()):
        raise UserError(f"{out}: already there; --overwrite replaces it, if it is such a page")


def write(generator: Any, out: Path, *, called: str, runtime: Path | None = None) -> exporting.Exported:
    """Writes the page: a folder whose `index.html` opens by a double click.

    It divides a dropped picture into cells as `pixelize --generator NAME --width CELLS` does, runs the generator by
    ONNX Runtime, and gives each cell the nearest color of a palette.

    Args:
        generator: a Keras model on the TensorFlow backend, of RGB pictures and with cells of its own.
        out: the folder.
        called: the generator's name, shown on the page.
        runtime: see `onnx_runtime.script`.

    Returns:
        What became of the ONNX file; the bytes are those of the folder.

    Raises:
        UserError: the generator has no cells of its own, ONNX cannot hold it, or the runtime cannot be had.
        OSError: the folder cannot be written.
    """
    facts = _facts(generator, called)
    script = onnx_runtime.script(runtime)
    with files.replacing_folder(out) as folder:
        folder.mkdir()
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "generator.onnx"
            with quiet():   # the converter tells what it does
                made = exporting.export(generator, path, exporting.KINDS["onnx"])
            facts["onnx"] = base64.b64encode(path.read_bytes()).decode()
        facts["palettes"] = {name: [bytes(each).hex() for each in palette.colors.tolist()]
                             for name, palette in palettes.named().items()}
        contents = {GENERATOR: f"var GENERATOR = {json.dumps(facts)};\n", RUNTIME: script}
        contents |= {name: (ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS}
        contents[INDEX] = (ASSETS / "standalone.html").read_text(encoding="utf-8").replace("@name@", escaped(called))
        for name, content in contents.items():
            (folder / name).write_text(content, encoding="utf-8")
        num_bytes = sum(each.stat().st_size for each in folder.iterdir())
    return exporting.dataclasses.replace(made, num_bytes=num_bytes)


def _facts(generator: Any, called: str) -> dict[str, Any]:
    """What the page's script must know of the generator."""
    own = native.own_cell(generator)
    if own is None or generator.input_shape[-1] != 3:
        raise UserError(f"{called}: makes no cells of RGB pictures; --to page is for generators of pixel art, such as "
                        "the bundled ones")
    height, width = generator.input_shape[1:3]
    if (height is None) != (width is None) or height != width:
        raise UserError(f"{called}: takes pictures of {width}x{height} only; --to page is for squares or for any size")
    size, made = own
    axis = tiling.axes_of(generator, native.TILE, 64)[0]
    return {
        "name": printable(called), "size": size, "made": made, "tile": axis.tile, "stride": axis.stride,
        "across": axis.tile // size,   # most cells of a side: the page has no tiles
    }

"""`convert NAME FOLDER --to page`, in a real browser, opened as a file: what it draws is what the command draws."""

import contextlib
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from web_pages import CHROMIUM, PICTURES

from pixelart_tf import convert
from pixelart_tf.generators import exporting, native
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import art, palettes
from pixelart_tf.pixelize.palette import nearest
from pixelart_tf.pixelize.style import Style
from pixelart_tf.pixelize.true_colors import true_colors

MISSING = [name for name in ("playwright", *exporting.KINDS["onnx"].module.PACKAGES)
           if importlib.util.find_spec(name) is None] + ([] if CHROMIUM else ["chromium"])
pytestmark = [
    pytest.mark.web, pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"the page in a browser takes {', '.join(MISSING)}, missing here"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("standalone") / "page"
    with contextlib.redirect_stderr(io.StringIO()) as told:
        status = convert.main(["sprite", str(out), "--to", "page"])
    if status == 2 and "cannot be fetched" in told.getvalue():
        pytest.skip(told.getvalue())
    assert status == 0, told.getvalue()
    return out


def expected(picture: Path, across: int):
    """The cells of `pixelize --generator sprite`, before they have a palette."""
    style = Style(width=across)
    generate = native.generating("sprite", style)
    prepared = generate.prepare(images.read(picture, mode="RGBA"))
    return art.crisped(next(made for _, made in generate.run([("picture", prepared)])), style)


def transparent(path: Path) -> Path:
    """A picture of odd sides, smaller than the pixels that the generator takes of it, and half transparent."""
    rgba = np.asarray(Image.open(PICTURES / "nt-cat.png").convert("RGBA").resize((101, 77))).copy()
    rgba[:, :, 3] = np.linspace(0, 255, 101)[None, :] * np.linspace(0.3, 1, 77)[:, None]
    Image.fromarray(rgba).save(path)
    return path


def test_a_dropped_picture_becomes_what_the_command_makes(folder, tmp_path):
    from playwright.sync_api import sync_playwright

    cases = (PICTURES / "gc-bison.jpg", 48), (PICTURES / "gc-cow.jpg", 33), (transparent(tmp_path / "t.png"), 40)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 800})
        page.set_default_timeout(240_000)   # of a machine that does much else
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((folder / "index.html").as_uri())
        page.select_option("#palette", "pico-8")
        for picture, across in cases:
            page.fill("#across", str(across))
            page.set_input_files("#file", picture)
            page.locator("#told", has_text=f"{across} by ").wait_for()
            made = expected(picture, across)
            rows, columns, colors, opaque = page.evaluate(
                "(() => { const c = page.cells(); return [c.rows, c.columns, [...c.colors], [...c.opaque]]; })()")
            assert (rows, columns) == made.opaque.shape
            assert np.array_equal(np.reshape(opaque, made.opaque.shape), made.opaque)
            colors = np.reshape(colors, (rows, columns, 3))
            # What is resized may be one level off, and a cell at a rule's threshold then falls to the other side.
            off = np.abs(colors - made.colors.astype(int))[made.opaque].max(axis=-1)
            assert (off > 1).mean() < 0.02
            own = art.palette_of(made, Style(colors=12))
            index = nearest(made.colors, own)
            moved = page.evaluate(
                "([own, index]) => { const c = page.cells(); return Palettes.trueColors(own, index, c, c.meant); }",
                [own.tolist(), index.ravel().tolist()])
            wanted = true_colors(own, index, made.opaque, made.meant)
            assert np.abs(moved - wanted.astype(int)).max() <= 1
            assert np.abs(wanted - own.astype(int)).max() > 1
        # What is saved is these cells in the palette's colors, as they are.
        with page.expect_download() as download:
            page.click("#small")
        saved = np.asarray(Image.open(io.BytesIO(Path(download.value.path()).read_bytes())))
        palette = palettes.get("pico-8").colors
        assert np.array_equal(saved[..., 3] > 0, made.opaque)
        wanted = palette[nearest(colors.astype(np.uint8), palette)]
        assert np.array_equal(saved[..., :3][made.opaque], wanted[made.opaque])
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        # Its own colors: no more than asked for. A file that is no picture is told.
        page.select_option("#palette", "")
        page.fill("#colors", "5")
        page.locator("#told", has_text="5 colors").wait_for()
        page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"no picture"})
        page.locator("#problem", has_text="a.txt is no picture").wait_for()
        browser.close()
    assert not errors
    assert all(url.startswith((folder.as_uri(), "blob:", "data:")) for url in asked), asked

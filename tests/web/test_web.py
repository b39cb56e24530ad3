"""The page in a real browser: what a person does."""

import re
import shutil
import zipfile

import making_films
import numpy as np
import pytest
from PIL import Image
from web_pages import MARKS, PICTURES, ROOT, downloaded, epoch, put, told, turn

from pixelart_tf.pixelize import palette_files, palettes
from pixelart_tf.settings.run_folder import RunFolder

pytestmark = MARKS
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_photo_becomes_what_the_knobs_say_and_the_command_makes_the_same(visit, tmp_path, monkeypatch):
    page = visit("?generator=none")
    put(page, PICTURES / "gc-bison.jpg")
    told(page, "96 by 96 squares, 24 colors")
    turn(page, "across", 40)
    told(page, "40 by 40")
    turn(page, "colors", 7)
    told(page, "40 by 40 squares, 7 colors")
    path = downloaded(page, tmp_path, lambda: page.get_by_role("link", name="Picture, 40 by 40").click())
    assert path.name == "gc-bison-pixels.png"
    with Image.open(path) as picture:
        assert (picture.mode, picture.size) == ("P", (40, 40))
        small = np.asarray(picture.convert("RGB"))
    assert len(np.unique(small.reshape(-1, 3), axis=0)) == 7
    large = downloaded(page, tmp_path, lambda: page.click("#pa-enlarge"))
    enlarged = np.asarray(Image.open(large).convert("RGB"))
    assert np.array_equal(enlarged, small.repeat(6, axis=0).repeat(6, axis=1))   # 256 pixels, 40 cells
    palette = downloaded(page, tmp_path, lambda: page.get_by_role("link", name="Palette .gpl").click())
    codes = {bytes(each) for each in palette_files.read(palette)}
    assert codes == {bytes(each) for each in np.unique(small.reshape(-1, 3), axis=0)}
    assert page.url.endswith("?generator=none&across=40&colors=7")

    import shlex

    from pixelart_tf.pixelize.__main__ import main

    words = shlex.split(page.locator("#pa-command-text").text_content())
    shutil.copy(PICTURES / "gc-bison.jpg", tmp_path / "gc-bison.jpg")
    path.unlink()
    monkeypatch.chdir(tmp_path)
    assert main([*words[3:], "--scale", "1"]) == 0
    assert np.array_equal(np.asarray(Image.open(path).convert("RGB")), small)


def test_an_address_brings_the_look_back(visit):
    page = visit("?generator=none&across=20&palette=pico-8&dither=bayer4")
    page.get_by_role("button", name="Owl").click()
    told(page, "20 by 20")
    page.locator(".pa-swatch").first.click()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code in {f"#{bytes(each).hex()}" for each in palettes.get("pico-8").colors}
    page.get_by_role("button", name="Palettes by sight").click()
    page.locator(".pa-pick").nth(2).click()
    page.wait_for_function("!location.search.includes('pico-8')")
    assert "palette=" in page.url


def test_the_bundled_network_and_a_run_both_ways(visit):
    page = visit("?across=32&colors=8")
    page.get_by_role("button", name="Owl").click()
    told(page, "32 by 32 squares, 8 colors")
    assert "generator" not in page.url
    page = visit("?across=32&colors=8&generator=runs/mine&direction=to_source")
    page.get_by_role("button", name="Owl").click()
    told(page, "32 by 32 squares, 8 colors")
    assert page.get_by_label("Back again").is_checked()


def test_pixel_art_keeps_its_own_cells(visit):
    """The giant is 32x48 cells of 5 pixels in the middle of a white ground (tests/data/pictures/README.md)."""
    page = visit()
    page.get_by_role("button", name="Giant").click()
    page.wait_for_function("document.querySelector('.pa-told')")
    columns, rows = map(int, re.match(r"(\d+) by (\d+)", page.locator(".pa-told").text_content()).groups())
    assert {columns, rows} <= {51, 52}
    assert "size=own" in page.url
    assert "ound its own cells" in page.locator("#pa-result .pa-note").text_content()
    page.get_by_role("button", name="10 pixels a square").click()
    told(page, "25 by 25")


def test_a_film_a_gif_and_a_zip(visit, tmp_path):
    """The film keeps its sound and length, the GIF its colors; a film that is stopped leaves none."""
    import av

    film = making_films.write(tmp_path / "pan.mp4", making_films.pan("gc-bison.jpg", 30), sound="aac")
    frames = [Image.fromarray(each) for each in making_films.pan("nt-owl.png", 6, step=8)]
    frames[0].save(tmp_path / "owl.gif", save_all=True, append_images=frames[1:], duration=80, loop=0)
    page = visit("?generator=none&across=32&colors=6")
    put(page, film)
    told(page, "32 by 24 squares, 6 colors")
    page.click("#pa-work")
    page.wait_for_selector("#pa-film video")
    path = downloaded(page, tmp_path, lambda: page.locator("#pa-file a").first.click())
    with av.open(str(path)) as made:
        assert [stream.type for stream in made.streams] == ["video", "audio"]
        assert sum(1 for _ in made.decode(video=0)) == 30
    put(page, tmp_path / "owl.gif")
    page.wait_for_selector("#pa-film video", state="detached")
    page.click("#pa-work")
    page.wait_for_selector("#pa-animation img")
    path = downloaded(page, tmp_path, lambda: page.locator("#pa-file a").first.click())
    with Image.open(path) as image:
        assert image.n_frames == 6
        assert len(image.convert("RGB").getcolors(300)) <= 6
    put(page, tmp_path / "owl.gif", PICTURES / "gc-cow.jpg", PICTURES / "nt-pie.png")
    page.get_by_role("button", name="Make all 3 as a zip").click()
    page.wait_for_function("document.querySelector('#pa-work-told')?.textContent.includes('3 of 3')")
    path = downloaded(page, tmp_path, lambda: page.locator("#pa-file a").first.click())
    assert sorted(zipfile.ZipFile(path).namelist()) == ["gc-cow.png", "nt-pie.png", "owl.gif"]
    long = making_films.write(tmp_path / "long.mp4", making_films.pan("gc-cow.jpg", 25) * 60)
    put(page, long)
    page.get_by_role("button", name="Make the film").click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_function("document.querySelector('#pa-work-told')?.textContent.includes('Stopped')")
    page.wait_for_timeout(1500)
    assert not page.locator("#pa-film video").count()


def test_a_run_that_trains_is_followed(visit, served):
    run = RunFolder(served.temporary.parent / "runs" / "mine")
    page = visit("?generator=none")
    page.get_by_role("tab", name="Runs").click()
    page.wait_for_selector("#pa-sheet img[alt='samples of epoch 1']")
    assert "0.25" in page.locator("#pa-numbers").text_content()
    epoch(run, 2, "blue")
    page.wait_for_selector("#pa-sheet img[alt='samples of epoch 2']")
    page.wait_for_function("document.querySelector('#pa-numbers').textContent.includes('0.5')")
    turn(page, "epoch", 1)
    page.wait_for_selector("#pa-sheet img[alt='samples of epoch 1']")
    epoch(run, 3, "green")
    page.wait_for_function("document.querySelector('#pa-numbers').textContent.includes('0.75')")
    assert page.locator("#pa-sheet img").get_attribute("alt") == "samples of epoch 1"   # which was chosen


def test_mistakes_are_sentences_beside_their_knobs(visit, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("this is no picture")
    page = visit("?generator=none")
    put(page, bad)
    page.wait_for_selector(".pa-problem")
    assert page.locator(".pa-problem").text_content() == "bad.png is neither a picture nor a film that can be read."
    put(page, PICTURES / "nt-cat.png")
    told(page, "96 by 96")
    assert not page.locator(".pa-problem").count()
    turn(page, "across", 500)
    page.wait_for_selector("#pa-across + .pa-problem")
    assert page.locator("#pa-across input[aria-invalid=true]").count()
    turn(page, "across", 16)
    told(page, "16 by 16")
    assert not page.locator(".pa-problem").count()


def test_a_cell_is_a_whole_number_of_the_screens_pixels(visit):
    page = visit("?generator=none&across=30", device_scale_factor=1.5)
    page.get_by_role("button", name="Owl").click()
    told(page, "30 by 30")
    page.wait_for_selector(".pa-canvas:not([hidden])")
    width = page.evaluate("document.querySelector('.pa-after').getBoundingClientRect().width * devicePixelRatio")
    zoom = int(page.locator("#pa-zoom").text_content()[1:])
    assert zoom > 1
    assert abs(width - 30 * zoom) < 0.01
    page.locator("#pa-larger").click()
    assert page.locator("#pa-zoom").text_content()[1:] == str(zoom + 1)
    page.locator(".pa-slider").press("Home")
    assert page.evaluate("document.querySelector('.pa-handle').style.left") == "0%"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it(visit, scheme):
    page = visit("?generator=none", width=360, color_scheme=scheme)
    page.get_by_role("button", name="Owl").click()
    told(page, "96 by 96")
    page.locator("#pa-more button").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    unnamed = page.evaluate("""[...document.querySelectorAll('input, select, button, textarea')].filter(each =>
        each.offsetParent && !(each.labels?.length || each.getAttribute('aria-label') || each.textContent.trim()
        || each.closest('label') || each.title)).map(each => each.outerHTML.slice(0, 120))""")
    assert unnamed == []

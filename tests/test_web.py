"""The page in a real browser: what a person does, and what the machine must not give away."""

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import making_films
import numpy as np
import pytest
from PIL import Image

from pixelart_tf.pixelize import palette_files, palettes
from pixelart_tf.settings.run_folder import RunFolder

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "data" / "pictures"
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = [name for name in ("gradio", "playwright") if importlib.util.find_spec(name) is None]
MISSING += [] if CHROMIUM else ["chromium"]
pytestmark = [
    pytest.mark.web,
    pytest.mark.skipif(bool(MISSING), reason=f"the page in a browser takes {', '.join(MISSING)}, missing here"),
]


class Served:
    """The page in a process of its own."""

    def __init__(self, folder: Path, *arguments: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.temporary = f"http://127.0.0.1:{self.port}", folder / "tmp"
        self.temporary.mkdir()
        command = [sys.executable, "-m", "pixelart_tf.web", "--port", str(self.port), *map(str, arguments)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TMPDIR": str(self.temporary)}, stdout=subprocess.PIPE, text=True,
        )
        assert self.url in self.process.stdout.readline()

    def end(self) -> None:
        self.process.terminate()   # a shell's background job would not hear SIGINT
        assert self.process.wait(300) == 143   # of a machine that does much else


def epoch(run: RunFolder, nth: int, color: str) -> None:
    """What a training leaves of an epoch."""
    run.sheet("samples", nth).parent.mkdir(exist_ok=True)
    Image.new("RGB", (40, 20), color).save(run.sheet("samples", nth))
    with run.log.open("a") as log:
        log.write(json.dumps({"epoch": nth, "to_target": nth / 4, "learning_rate": 0.0002}) + "\n")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    runs = folder / "runs"
    (runs / "mine").mkdir(parents=True)
    from pixelart_tf.generators import pretrained

    shutil.copy(pretrained.find("sprite"), runs / "mine" / "to_target.keras")
    shutil.copy(pretrained.find("sprite-inked"), runs / "mine" / "to_source.keras")
    epoch(RunFolder(runs / "mine"), 1, "red")
    page = Served(folder, "--generators", runs, "--max-size", "2048")
    yield page
    page.end()
    left = [path for path in page.temporary.rglob("*") if path.is_file()]
    assert not left, left


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def visit(browser, served):
    """Opens the page; no request may go elsewhere, and no error may be in the console."""
    contexts, outside, errors = [], [], []

    def opened(query="", *, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)   # of a machine that does much else
        page.on("request", lambda request: outside.append(request.url)
                if not request.url.startswith((served.url, "data:", "blob:")) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(served.url + query)
        page.wait_for_selector("#pa-stage")
        page.wait_for_selector("[data-kind=ready]", state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not outside
    assert not errors


def put(page, *paths):
    with page.expect_file_chooser() as chooser:
        page.click("#pa-upload")
    chooser.value.set_files([str(path) for path in paths])


def told(page, text, timeout=120_000):
    page.wait_for_function(
        "text => document.querySelector('.pa-told')?.textContent.includes(text)", arg=text, timeout=timeout
    )


def turn(page, knob, value):
    box = page.locator(f"#pa-{knob} input[type=number]")
    box.fill(str(value))
    box.press("Enter")
    box.blur()


def downloaded(page, tmp_path, click):
    with page.expect_download() as waiting:
        click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


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


def test_programs_find_the_same(served, tmp_path, monkeypatch):
    """README's lines, run."""
    lines = re.findall(r"^    (from gradio_client.*\n|client = .*\n|path = client.*\n)", README, re.MULTILINE)
    assert len(lines) == 3
    shutil.copy(PICTURES / "gc-cow.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("".join(lines).replace("http://127.0.0.1:7860", served.url), names)
    with Image.open(names["path"]) as image:
        assert image.size == (256, 256)
        assert len(image.convert("RGB").getcolors()) <= 16
    client, handle_file = names["client"], names["handle_file"]
    path = client.predict(
        [handle_file(PICTURES / "nt-cat.png"), handle_file(PICTURES / "nt-pie.png")], generator="none", across=20,
        api_name="/make",
    )
    assert sorted(zipfile.ZipFile(path).namelist()) == ["nt-cat.png", "nt-pie.png"]
    for wrong, reason in (({"palette": "/etc/passwd"}, "No built-in palette"), ({"across": 300}, "cells")):
        with pytest.raises(Exception, match=reason):
            client.predict(handle_file("photo.jpg"), generator="none", **wrong, api_name="/pixelize")


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


def test_no_file_of_the_machine_can_be_read(served, visit, tmp_path):
    """By Gradio's file routes: absolute, with .., through a link, and of the run folders, which only we open."""
    page = visit("?generator=none")
    put(page, PICTURES / "nt-cat.png")
    told(page, "96 by 96")
    uploads = [path for path in served.temporary.rglob("*.png") if path.is_file()]
    assert uploads
    link = uploads[0].parent / "link.png"
    link.symlink_to("/etc/passwd")
    inside = next(served.temporary.parent.rglob("to_target.keras"))
    for place in ("/etc/passwd", "../../../../etc/passwd", f"{uploads[0]}/../../../../../../../../etc/passwd", link,
                  inside, ROOT / "setup.cfg", "setup.cfg", "%2e%2e/%2e%2e/etc/passwd"):
        for route in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{served.url}{route}{place}")
            assert caught.value.code in (403, 404, 405), (route, place)
    link.unlink()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", str(PICTURES / "nt-cat.png")])
def test_a_program_cannot_name_a_file_of_the_machine(served, path):
    """Only what came in by an upload is taken."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    knobs = ["none", "", "across", 8, 8, 4, "found", "mean", "none", 1, False, "hard", 1, 1]
    request = urllib.request.Request(
        f"{served.url}/gradio_api/call/pixelize", data=json.dumps({"data": [file, *knobs]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        event = json.loads(urllib.request.urlopen(request).read())["event_id"]
    except urllib.error.HTTPError as error:
        assert error.code in (400, 403, 422)   # noqa: PT017 (either way of refusing is well)
        return
    answer = urllib.request.urlopen(f"{served.url}/gradio_api/call/pixelize/{event}").read().decode()
    assert "event: error" in answer
    assert "event: complete" not in answer


def test_an_uploads_name_is_no_path(served):
    name = "../../../escaped.png"
    body = (
        f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
    ).encode() + (PICTURES / "nt-cat.png").read_bytes() + b"\r\n--x--\r\n"
    request = urllib.request.Request(
        f"{served.url}/gradio_api/upload", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    answer = urllib.request.urlopen(request).read().decode()
    place = Path(answer.strip('[]"'))
    assert place.is_relative_to(served.temporary)
    assert place.is_file()


def test_only_this_machine_is_listened_to(served):
    others = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    for host in others[:2]:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
            assert client.connect_ex((host, served.port)) != 0


def test_a_port_that_is_taken_is_told_in_a_line(served):
    done = subprocess.run(
        [sys.executable, "-m", "pixelart_tf.web", "--port", str(served.port)], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{served.port} cannot be listened at" in done.stderr


RED = """() => {   // whether the left picture is red
    const context = document.createElement('canvas').getContext('2d');
    context.drawImage(document.querySelector('#left img'), 0, 0);
    return context.getImageData(0, 0, 1, 1).data[0] > 0;
}"""


def test_which_is_better(browser, tmp_path):
    """Eight votes of ten for one method; the interval of 8 of 10 by Wilson is 49.0 to 94.3 % (Newcombe 1998, eq. 1)."""
    from pixelart_tf.web import main

    for name, color in (("ours", "red"), ("theirs", "blue")):
        (tmp_path / name).mkdir()
        for nth in range(10):
            Image.new("RGB", (12, 16), color).save(tmp_path / name / f"{nth}.{'png' if name == 'ours' else 'bmp'}")
    save = tmp_path / "which.html"
    assert main(["--compare", str(tmp_path / "ours"), str(tmp_path / "theirs"), "--save", str(save)]) == 0
    assert main(["--compare", str(tmp_path / "ours"), str(tmp_path / "theirs"), "--save", str(save)]) == 2
    page = browser.new_page(viewport={"width": 360, "height": 800})
    asked = []
    page.on("request", lambda request: asked.append(request.url) if not request.url.startswith("data:") else None)
    page.goto(f"{save.as_uri()}?seed=7")
    assert "ours" not in page.locator("#asking").text_content()
    sides = set()
    for nth in range(10):
        page.wait_for_function(f"document.querySelector('#place').textContent.startsWith('Question {nth + 1} ')")
        page.wait_for_function("document.querySelector('#left img').complete")
        is_ours = page.evaluate(RED)
        sides.add(is_ours)
        page.keyboard.press("ArrowLeft" if is_ours == (nth < 8) else "ArrowRight")
        if nth == 3:   # taken back and given again
            page.keyboard.press("Backspace")
            page.wait_for_function("document.querySelector('#place').textContent.startsWith('Question 4 ')")
            page.keyboard.press("ArrowLeft" if is_ours else "ArrowRight")
    assert sides == {True, False}
    cells = page.locator("#rows td").all_text_contents()
    assert cells == ["ours", "80.0 % (49.0 to 94.3 %)", "8 to 2", "0", "ours and theirs"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    votes = json.loads(downloaded(page, tmp_path, lambda: page.click("#votes")).read_text())
    assert [vote["better"] for vote in votes["votes"]].count("ours") == 8
    assert votes["seed"] == 7
    assert asked == [f"{save.as_uri()}?seed=7"]

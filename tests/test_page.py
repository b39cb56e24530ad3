"""What is behind the page: the knobs and their command line, the generators to choose from, what is redone."""

import shlex
import shutil
import threading
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.base.cli import UserError
from pixelart_tf.generators import pretrained
from pixelart_tf.page import show
from pixelart_tf.page.catalogue import Catalogue
from pixelart_tf.page.knobs import KnobError, Knobs
from pixelart_tf.page.opened import Shelf, Upload, is_film
from pixelart_tf.page.studio import Studio
from pixelart_tf.pixelize import palettes
from pixelart_tf.pixelize.color import to_oklab

PICTURES = Path(__file__).parent / "data" / "pictures"
PLAIN = {"generator": "none"}


@pytest.fixture
def bison():
    studio = Studio(Catalogue())
    return studio, studio.shelf.open(studio.shelf.look(PICTURES / "gc-bison.jpg", "gc-bison.jpg"))


@pytest.mark.parametrize("given", [
    {"across": 40, "colors": 8, "dither": "bayer4", "outline": True},
    {"size": "pixels", "pixels": 8, "palette": "pico-8"},
    {"how": "contrast", "palette": "#102030,#ffffff,#804020"},
    {"colors": 0, "saturation": 1.5, "contrast": 1.3},
    {"across": 48, "how": "dominant", "thicken": True},
], ids=str)
def test_the_command_that_is_shown_makes_the_same(given, bison, tmp_path, monkeypatch):
    """Said by the knobs, made by the page, and made by the command: pixel by pixel the same."""
    from pixelart_tf.pixelize.__main__ import main

    studio, opened = bison
    knobs = Knobs(**PLAIN, **given)
    made = studio.make(opened, knobs).art.image()
    words = shlex.split(knobs.command("gc-bison.jpg", generator=None))
    assert words[:3] == ["python", "-m", "pixelart_tf.pixelize"]
    shutil.copy(PICTURES / "gc-bison.jpg", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main([*words[3:], "--scale", "1"]) == 0
    assert np.array_equal(np.asarray(Image.open("gc-bison-pixels.png").convert("RGB")), made)


def test_an_address_says_the_knobs_and_no_more():
    assert Knobs().query() == {}
    knobs = Knobs(generator="none", across=33, palette="pico-8", outline=True, strength=0.5, dither="atkinson")
    assert Knobs.of_query(knobs.query()) == knobs
    assert Knobs.of_query({"across": "many", "palette": "/etc/passwd", "colors": "9999", "no": "x"}) == Knobs()


@pytest.mark.parametrize(("knobs", "knob"), [
    ({"across": 4000}, "across"), ({"size": "pixels", "pixels": 0}, "pixels"), ({"colors": 300}, "colors"),
    ({"dither": "x"}, "dither"), ({"generator": "nobody"}, "generator"),
], ids=str)
def test_a_mistake_names_its_knob_in_a_sentence(knobs, knob, bison):
    studio, opened = bison
    with pytest.raises(KnobError) as caught:
        studio.make(opened, Knobs(**{**PLAIN, **knobs}))
    assert caught.value.knob == knob
    assert "`" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_palette_is_no_way_to_the_files_of_the_machine(tmp_path):
    secret = tmp_path / "secret.hex"
    secret.write_text("112233\n")
    with pytest.raises(KnobError, match="No built-in palette"):
        Knobs(palette=str(secret))


def test_a_knob_redoes_only_what_it_changes(bison, monkeypatch):
    """The network runs once for its cells, and the colors are found once for theirs."""
    from pixelart_tf.page import studio as module

    studio, opened = bison
    ran, found = [], []
    through, own_palette = module._through, module.art.own_palette
    monkeypatch.setattr(module, "_through", lambda *given: ran.append(1) or through(*given))
    monkeypatch.setattr(module.art, "own_palette", lambda *a, **k: found.append(1) or own_palette(*a, **k))
    for change in ({}, {"outline": True}, {"dither": "bayer2"}, {"palette": "pico-8"}, {}):
        studio.make(opened, Knobs(generator="sprite", across=32, **change))
    assert (len(ran), len(found)) == (1, 1)
    studio.make(opened, Knobs(generator="sprite", across=32, colors=5))
    assert (len(ran), len(found)) == (1, 2)
    grey = studio.make(opened, Knobs(generator="sprite", across=32, saturation=0.0)).art.palette.astype(int)
    flat = studio.make(opened, Knobs(generator="sprite", across=32, contrast=0.0)).art.palette
    assert len(ran) == 1
    assert np.ptp(grey, axis=1).max() <= 2
    assert np.ptp(to_oklab(flat)[:, 0]) < 0.02
    studio.make(opened, Knobs(generator="sprite", across=24))
    assert len(ran) == 2


def test_generators_are_those_in_the_folders_and_no_others(tmp_path):
    """A link out of the folder, and a folder that is linked to, are not followed."""
    runs, outside = tmp_path / "runs", tmp_path / "outside"
    sprite = pretrained.find("sprite")
    for place in (runs / "one", runs / "one" / "best", outside):
        place.mkdir(parents=True)
        shutil.copy(sprite, place / "to_target.keras")
    shutil.copy(sprite, runs / "one" / "to_source.keras")
    (runs / "linked.keras").symlink_to(outside / "to_target.keras")
    (runs / "folder").symlink_to(outside)
    entries = Catalogue([runs]).entries()
    assert [name for name in entries if not entries[name].comes_along] == ["runs/one", "runs/one/best"]
    assert list(entries["runs/one"].ways) == ["to_target", "to_source"]
    assert entries["runs/one"].way("to_source").name == "to_source.keras"
    with pytest.raises(UserError, match="no such folder"):
        Catalogue([tmp_path / "nowhere"])


def test_a_generator_that_would_run_code_is_refused_with_a_sentence(tmp_path, bison):
    import keras

    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x)(inputs)).save(tmp_path / "bad.keras")
    studio = Studio(Catalogue([tmp_path]))
    with pytest.raises(KnobError, match="cannot be opened") as caught:
        studio.make(bison[1], Knobs(generator=tmp_path.name))
    assert caught.value.knob == "generator"
    assert str(tmp_path) not in str(caught.value)


def test_what_comes_in_is_looked_at_before_it_is_decoded(tmp_path):
    shelf = Shelf(512)
    large, text, empty = tmp_path / "large.png", tmp_path / "text.png", tmp_path / "empty.png"
    Image.new("1", (513, 8)).save(large)
    text.write_text("no picture")
    empty.touch()
    for path, reason in ((large, "513 by 8"), (text, "neither a picture nor a film"), (empty, "is empty")):
        with pytest.raises(UserError, match=reason):
            shelf.look(path, path.name)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])
    assert shelf.look(tmp_path / "a.gif", "a.gif").moves
    assert not shelf.look(PICTURES / "nt-cat.png", "x").moves
    assert is_film((Path(__file__).parent / "data" / "films" / "live.webm").read_bytes()[:16])
    with pytest.raises(UserError, match="choose it again"):
        shelf.open(Upload(path=tmp_path / "gone.png", name="gone.png"))


def test_pictures_make_room_for_others(monkeypatch):
    from pixelart_tf.page import opened as module

    monkeypatch.setattr(module, "SHELF_BYTES", 2 * 256 * 256 * 4)
    shelf = Shelf(4096)
    uploads = [shelf.look(PICTURES / name, name) for name in ("nt-cat.png", "nt-owl.png", "nt-pie.png")]
    first = shelf.open(uploads[0])
    assert shelf.open(uploads[0]) is first
    for upload in uploads[1:]:
        shelf.open(upload)
    assert shelf.open(uploads[0]) is not first


def test_several_files_are_a_zip_with_their_own_names(tmp_path):
    from pixelart_tf.page.jobs import Stopped, make_files

    studio = Studio(Catalogue(), folder=tmp_path)
    (tmp_path / "in").mkdir()
    twin, film, damaged = (tmp_path / "in" / name for name in ("nt-cat.png", "moves.gif", "damaged.png"))
    shutil.copy(PICTURES / "nt-owl.png", twin)
    owl = np.asarray(Image.open(twin).convert("RGB"))
    frames = [Image.fromarray(np.roll(owl, 16 * nth, axis=1)) for nth in range(3)]
    frames[0].save(film, save_all=True, append_images=frames[1:], duration=100)
    damaged.write_bytes(twin.read_bytes()[:2000])
    uploads = [studio.shelf.look(path, path.name) for path in (PICTURES / "nt-cat.png", twin, film, damaged)]
    told = []
    path, said = make_files(
        studio, uploads, Knobs(**PLAIN, across=16, colors=5), None, stop=threading.Event(),
        progress=lambda share, what: told.append(share),
    )
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["moves.gif", "nt-cat (2).png", "nt-cat.png"]
        for name in archive.namelist():
            image = Image.open(archive.open(name)).convert("RGB")
            assert len(image.getcolors(300)) <= 5
            assert image.size == (256, 256)
    assert said.startswith("3 of 4 in the zip; left out damaged.png: damaged picture")
    assert told == sorted(told)
    assert told[-1] <= 1
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        make_files(studio, uploads, Knobs(**PLAIN), None, stop=stop, progress=lambda *_: None)
    assert len(list(tmp_path.glob("made-*"))) == 1   # what was stopped leaves nothing


def test_two_sets_are_scored_and_the_report_is_one_file(tmp_path):
    """A set against itself is a copy; nothing of the machine's paths is told, and nothing but the report stays."""
    from pixelart_tf.page.score_tab import score

    studio = Studio(Catalogue(), folder=tmp_path)
    pictures = [PICTURES / f"nt-{name}.png" for name in ("cat", "owl", "pie")]
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "real.zip", "w") as archive:
        for path in pictures:
            archive.write(path, path.name)
    copies = [Path(shutil.copy(path, tmp_path / "in")) for path in pictures]   # linked to, on the same disk
    rows, notes, report = score(
        studio, copies, [tmp_path / "in" / "real.zip"], 32, progress=lambda *_: None, stop=threading.Event()
    )
    assert dict(rows)["MiFID"] == "undefined: the sets are copies"
    assert any("copies" in note for note in notes)
    text = report.read_text()
    assert text.count('src="data:image/png;base64,') >= 4
    assert "nt-cat" in text
    assert str(tmp_path) not in text
    assert list(report.parent.iterdir()) == [report]
    with pytest.raises(UserError, match="Drop in the real pictures first"):
        score(studio, copies, [], 32, progress=lambda *_: None, stop=threading.Event())


def test_runs_are_found_and_links_out_of_the_folders_are_not_followed(tmp_path):
    from pixelart_tf.page.run_tab import runs_in

    for place in ("runs/a", "runs/deep/b", "outside"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "log.jsonl").touch()
    (tmp_path / "runs" / "linked").symlink_to(tmp_path / "outside")
    assert list(runs_in([tmp_path / "runs"])) == ["runs/a", "runs/deep/b"]
    assert list(runs_in([tmp_path / "outside"])) == ["outside"]


def test_old_files_are_removed_and_the_pages_own_stay(tmp_path):
    from pixelart_tf.page.building import sweep

    for name in ("a/old.png", "b/own.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    stays = {tmp_path / "b", tmp_path / "b" / "own.png"}
    sweep(tmp_path, stays)
    assert (tmp_path / "a" / "old.png").exists()
    sweep(tmp_path, stays, older=-1)
    assert sorted(tmp_path.rglob("*")) == sorted(stays)


def test_names_are_shown_as_text_and_become_no_paths(bison):
    studio, opened = bison
    nasty = Upload(path=opened.upload.path, name='../..<img src=x onerror="alert(1)">.png')
    knobs = Knobs(**PLAIN)
    html = show.result(studio.make(opened, knobs), nasty, knobs.command(nasty.name, generator=None))
    assert "<img" not in html
    assert 'download="_' in html
    assert 'download="..' not in html


def test_every_palette_can_be_chosen_by_sight():
    listed = show.palette_list()
    assert all(f'data-palette="{name}"' in listed for name in palettes.named())


def test_a_comparison_goes_by_names_and_says_what_is_left_out(tmp_path):
    from pixelart_tf.page import comparison

    for folder, names in (("a", ("one.png", "two.png")), ("b", ("one.bmp", "three.png"))):
        (tmp_path / folder).mkdir()
        for name in names:
            Image.new("RGB", (4, 4)).save(tmp_path / folder / name)
    made = comparison.page([tmp_path / "a", tmp_path / "b"])
    assert "1 picture by 2 methods" in made
    assert "2 more are not in all of the sets." in made
    assert '"methods":["a","b"]' in made
    with pytest.raises(UserError, match="two sets"):
        comparison.page([tmp_path / "a"])
    (tmp_path / "b" / "one.bmp").unlink()
    with pytest.raises(UserError, match="no picture is in all"):
        comparison.page([tmp_path / "a", tmp_path / "b"])


def test_the_comparison_is_served_and_nothing_else(tmp_path):
    from pixelart_tf.page import comparison

    with comparison.serve("<p>page</p>", "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert urllib.request.urlopen(f"{address}/?seed=1").read() == b"<p>page</p>"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/etc/passwd")
        server.shutdown()

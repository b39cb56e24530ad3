"""Which files are meant: links, circles, brackets, `~`, and what is told of files that are left out."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf import records
from pixelart_tf.base.cli import UserError
from pixelart_tf.evaluation.entries import rows_of
from pixelart_tf.pictures import finding, images, sources
from pixelart_tf.settings import config

PNG = images.encode(np.zeros((4, 4, 3), np.uint8), "png")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The current folder and the home folder are the test's own, and nothing was told before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(finding, "_told", set())


def make(*paths: str) -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)


def found(pattern) -> list[str]:
    paths = [path.as_posix() for path in finding.pictures(pattern)]
    assert [item.name for item in sources.read(pattern)] == paths
    assert sources.count(pattern) == len(paths)
    return paths


def test_linked_folders_are_followed_and_circles_end():
    make("a/1.png", "a/deep/2.png", "other/3.png")
    os.symlink("../other", "a/linked")
    os.symlink("deep", "a/again")       # is there already
    os.symlink("..", "a/deep/up")       # a circle
    os.symlink("../a", "other/back")    # and one over two links
    os.symlink("nowhere", "a/broken")
    assert found("a") == ["a/1.png", "a/deep/2.png", "a/linked/3.png"]
    assert found("a/**/*.png") == ["a/1.png", "a/deep/2.png", "a/linked/3.png"]
    os.symlink("a", "link")
    assert found("link") == ["link/1.png", "link/deep/2.png", "link/linked/3.png"]


def test_files_that_are_left_out_are_told_once(capsys):
    make(*(f"photos/{i}.XCF" for i in range(10)), "photos/in/a.txt", "photos/b.txt", "photos/raw", "photos/good.png")
    make("photos/README.md", "photos/LICENSE", "photos/Attribution.txt", "photos/Thumbs.db", "photos/.DS_Store")
    assert found("photos") == ["photos/good.png"]
    note = "note: 13 files in photos are no pictures that can be read here: 10 .xcf, 2 .txt, 1 without a suffix"
    assert capsys.readouterr().err.splitlines() == [note]


def test_usual_files_beside_pictures_are_not_worth_a_word(capsys):
    make("p/1.png", "p/LICENSE-CC0.txt", "p/licences.md", "p/Readme.txt", "p/Thumbs.db", "p/desktop.ini", "p/.hidden")
    assert found("p") == ["p/1.png"]
    assert capsys.readouterr().err == ""


def test_a_folder_of_other_files_says_what_they_are():
    make("photos/1.xcf", "photos/2.xcf")
    with pytest.raises(UserError, match=r"photos: no pictures there \(.*\), but 2 \.xcf$"):
        finding.pictures("photos")


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".tga", ".jp2", ".pbm", ".pnm", ".JFIF"])
def test_rarer_suffixes_are_pictures(suffix):
    Path("p").mkdir()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    format = {".tga": "TGA", ".jp2": "JPEG2000", ".pbm": "PPM", ".pnm": "PPM"}.get(suffix, "JPEG")
    image.save(f"p/1{suffix}", format)
    (item,) = sources.read("p")
    assert item.decode().shape == (16, 16, 3)


def test_folders_with_brackets_are_paths_and_then_patterns():
    make("photos [2024]/1.png", "photos [2024]/in [x]/2.png", "photos [2024]/in [x]/3.jpg", "photos 2/4.png")
    both = ["photos [2024]/1.png", "photos [2024]/in [x]/2.png", "photos [2024]/in [x]/3.jpg"]
    assert found("photos [2024]") == both
    assert found("photos [2024]/*.png") == both[:1]
    assert found("photos [2024]/**/*.png") == both[:2]
    assert found("photos [2024]/in [x]/*.png") == both[1:2]
    assert found("*/in [x]/[23].*") == both[1:]
    assert found("photos [12]/*.png") == ["photos 2/4.png"]
    assert found(Path.cwd() / "photos [2024]" / "*.png") == [str(Path.cwd() / both[0])]


def test_a_quoted_home_folder_is_expanded(tmp_path, capsys):
    make("home/photos/1.png", "home/photos/2.png")
    wanted = [str(tmp_path / "home/photos" / name) for name in ("1.png", "2.png")]
    assert found("~/photos") == found("~/photos/*.png") == wanted
    assert records.main(["pack", "~/photos", "~/shards", "--domain", "photo", "--size", "8"]) == 0
    assert len([*sources.read("~/shards")]) == 2
    assert not Path("~").exists()
    assert records.main(["check", "~/shards"]) == records.main(["check", "~/shards/photo*"]) == 0
    tables = config.overridden({}, ["data.source.files=~/photos"])
    assert config.absolute(tables["data"]["source"]["files"]) == str(tmp_path / "home/photos")


def test_pictures_beside_shards_are_told(capsys):
    make("home/photos/1.png", "home/photos/2.png")
    records.main(["pack", "home/photos", "home/photos", "--domain", "photo", "--size", "8"])
    capsys.readouterr()
    assert len([*sources.read("home/photos")]) == len([*sources.read("home/photos")]) == 2
    assert capsys.readouterr().err == "note: 2 pictures in home/photos not read, as the shards there are\n"


def test_paths_of_a_named_entry_of_the_leaderboard_are_expanded(tmp_path):
    make("home/a, b/1.png", "home/c [1]/2.png")
    (row,) = rows_of(["mine=~/a, b,~/c [1]/*.png"], last=False)
    wanted = [str(tmp_path / "home" / name) for name in ("a, b", "c [1]/*.png")]
    assert [each.path for each in row.contestants] == wanted

"""`records cut`: the pictures in screenshots are found where they were put, and cut."""

import numpy as np
import pytest
from making_screenshots import Screenshots
from PIL import Image

from pixelart_tf import records
from pixelart_tf.data.cutting import cut
from pixelart_tf.data.screenshots import Box, find_pictures
from pixelart_tf.pictures import images


@pytest.fixture(scope="module")
def screenshots():
    return Screenshots()


def farthest(one, other):
    """Pixels between the two boxes' sides, where they are farthest."""
    return max(abs(getattr(one, side) - getattr(other, side)) for side in ("top", "left", "bottom", "right"))


def found_and_more(screenshots, seeds):
    """How many pictures were put there, how many of these are found within 2 pixels, and what else is found."""
    put, good, more = 0, 0, 0
    for seed in seeds:
        encoded, _, boxes, _ = screenshots.draw(seed)
        found = find_pictures(images.read(encoded))
        hits = [any(farthest(box, each) <= 2 for each in found) for box in boxes]
        put, good, more = put + len(boxes), good + sum(hits), more + len(found) - sum(hits)
    return put, good, more


def test_pictures_of_each_kind_of_screenshot_are_found(screenshots):
    """A post, a feed, a letter box, a player, a gallery, a desktop page; the long form is in the benchmarks."""
    put, good, more = found_and_more(screenshots, range(6))
    assert put >= 6
    assert good >= 0.95 * put
    assert more <= 0.05 * put


@pytest.mark.slow
def test_19_of_20_pictures_are_found_within_2_pixels(screenshots):
    put, good, more = found_and_more(screenshots, range(2000, 2024))
    assert good >= 0.95 * put
    assert more <= 0.05 * put


def test_pixel_art_comes_out_at_one_pixel_a_cell(screenshots):
    """A sprite of 32x32 cells in cells of 11 pixels, as JPEG, on a white page under a bar."""
    sprite = screenshots.pictures["sprite"][3]
    sprite = np.where((sprite == 255).all(-1)[..., None], np.uint8([90, 140, 60]), sprite)
    page = np.full((1280, 720, 3), 255, np.uint8)
    page[:100] = 40
    page[300:652, 184:536] = sprite.repeat(11, 0).repeat(11, 1)
    page = images.read(images.encode(page, "jpeg", 90))
    (made,) = cut(page)
    assert farthest(made.box, Box(top=300, left=184, height=352, width=352)) <= 2
    assert made.is_native
    assert made.image.shape == (32, 32, 3)
    assert np.abs(made.image.astype(int) - sprite).mean() < 4   # of 255; what JPEG did


def test_squares(screenshots):
    photo = images.fit(screenshots.pictures["photo"][0], (300, 500))
    page = np.full((900, 700, 3), 250, np.uint8)
    page[200:500, 100:600] = photo
    shapes = {how: [each.image.shape for each in cut(page, square=how)] for how in ("auto", "crop", "pad", "off")}
    assert shapes == {
        "auto": [(300, 300, 3)], "crop": [(300, 300, 3)], "pad": [(500, 500, 3)], "off": [(300, 500, 3)]
    }


def test_the_command_writes_each_picture_and_a_sheet(tmp_path, capsys, screenshots):
    photos = [images.fit(photo, (260, 260)) for photo in screenshots.pictures["photo"][:2]]
    page = np.full((600, 700, 3), 250, np.uint8)
    page[100:360, 50:310], page[100:360, 330:590] = photos
    (tmp_path / "in").mkdir()
    images.write(tmp_path / "in" / "shot.png", page)
    images.write(tmp_path / "in" / "plain.png", page[:90])
    out, sheet = tmp_path / "out", tmp_path / "sheet.png"
    assert records.main(["cut", str(tmp_path / "in"), str(out), "--sheet", str(sheet)]) == 2
    assert "plain.png: no picture found in it" in capsys.readouterr().err
    assert not sheet.exists()
    arguments = ["cut", str(tmp_path / "in"), str(out), "--sheet", str(sheet), "--skip-bad", "--overwrite"]
    assert records.main(arguments) == 0
    assert "2 pictures (0 of pixel art at one pixel a cell) out of 1 screenshots" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["shot-1.png", "shot-2.png"]
    np.testing.assert_array_equal(images.read(out / "shot-1.png"), photos[0])
    with Image.open(sheet) as picture:
        assert picture.width > 240
    assert records.main(arguments[:-1]) == 2
    assert "already there" in capsys.readouterr().err


def test_out_must_be_a_folder(tmp_path, capsys):
    assert records.main(["cut", str(tmp_path), str(tmp_path / "a.png")]) == 2
    assert "must be a folder" in capsys.readouterr().err

"""Figures that tell methods of making pixel art apart, by closed forms and on the bundled sprites."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize.__main__ import main
from pixelart_tf.pixelize.comparing import cells_of
from pixelart_tf.scores import pixel_art

SHARDS = Path(__file__).parents[1] / "tfrecords"


def read(pattern):
    return [images.read(item.data) for item in sources.read(SHARDS / pattern)]


@pytest.fixture(scope="module")
def sprites():
    return read("sprite0*.tfrec"), read("heldout_sprite00-97.tfrec")


def test_style_of_real_sprites_is_small_and_what_is_soft_is_far_away(sprites):
    """This definition gave 10.9 between two other sets of sprites; most of that is the draw."""
    some, others = sprites
    assert 4 < pixel_art.style(some, some) < 10   # two draws of 60,000 patches
    assert pixel_art.style(others, some) == pytest.approx(10, abs=2)
    blurred = [np.asarray(Image.fromarray(each).resize((16, 16), Image.BOX).resize((32, 32), 2)) for each in others]
    assert pixel_art.style(blurred, some) > 40


def test_style_does_not_see_colors_and_brightness(sprites):
    some, others = sprites
    darker = [each // 2 + 20 for each in others]
    assert abs(pixel_art.style(darker, some) - pixel_art.style(others, some)) < 3


def test_style_needs_something_drawn():
    flat = [np.full((32, 32, 3), 90, np.uint8)]
    with pytest.raises(ValueError, match="`real` must hold pictures with more than flat patches"):
        pixel_art.style(read("heldout_sprite00-97.tfrec"), flat)


def test_far_is_the_difference_of_what_is_seen_from_afar():
    """A shift of all colors is that far; a checkerboard of cells is, but for its blurred rest, as far as its mean."""
    original = np.full((128, 128, 3), 100, np.uint8)
    assert pixel_art.far(np.full((32, 32, 3), 110, np.uint8), original) == pytest.approx(10)
    board = 100 + 40 * (np.indices((32, 32)).sum(0) % 2 * 2 - 1)
    board = np.repeat(board[..., None], 3, axis=-1).astype(np.uint8)
    assert pixel_art.far(board, original) < 1
    assert pixel_art.far(original[:32, :32], original) == 0


def test_orphans_and_soft_steps():
    picture = np.full((8, 8, 3), 100, np.uint8)
    picture[3, 3] = 130   # alone
    picture[6, 5:7] = 200   # two, so not alone
    assert pixel_art.orphans(picture) == 1 / 64
    # Neighbouring pairs: 4 around the first of 30 levels, 6 around the others of 100.
    assert pixel_art.soft_steps([picture]) == pytest.approx(0.4)
    assert pixel_art.soft_steps([picture[:2]]) == 0


def test_unevenness_is_the_mean_deviation_within_cells():
    flat = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    assert pixel_art.unevenness(flat, 8) == 0
    assert pixel_art.unevenness(flat, 4) == 0
    halves = np.zeros((8, 16, 1), np.uint8)
    halves[:, ::2] = 20   # half of each cell is 10 above its mean, half below
    assert pixel_art.unevenness(halves, 8) == pytest.approx(10)
    halves[:, 8:] = 7   # and one of the two cells flat
    assert pixel_art.unevenness(halves, 8) == pytest.approx(5)
    with pytest.raises(ValueError, match=r"`cell` must divide the height, 24, and the width, 32. Received: 7"):
        pixel_art.unevenness(flat, 7)


def test_soft_steps_of_real_sprites(sprites):
    """26 % were measured on other sprites, too."""
    assert pixel_art.soft_steps(sprites[0]) == pytest.approx(0.26, abs=0.02)


def test_cells_of_enlarged_pixel_art_are_found(sprites):
    sprite = sprites[0][3]
    larger = sprite.repeat(8, axis=0).repeat(8, axis=1)
    np.testing.assert_array_equal(cells_of(larger), sprite)
    np.testing.assert_array_equal(cells_of(larger, 8), sprite)
    np.testing.assert_array_equal(cells_of(sprite), sprite)


@pytest.fixture
def folders(tmp_path, sprites):
    for folder, scale in (("made", 4), ("originals", 8)):
        (tmp_path / folder).mkdir()
        for i, sprite in enumerate(sprites[1][:4]):
            images.write(tmp_path / folder / f"{i}.png", sprite.repeat(scale, axis=0).repeat(scale, axis=1))
    return tmp_path


def test_the_command_prints_figures_of_a_set(folders, capsys):
    real = str(SHARDS / "sprite00-256.tfrec")
    command = ["measure", str(folders / "made"), "--like", real, "--of", str(folders / "originals")]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 pictures beside 256 real ones"
    assert [line.split()[0] for line in lines[2:]] == ["style", "far", "orphans", "soft", "colors"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pictures"] == 4
    assert found["far"] == 0   # enlarged by whole numbers they are the same
    assert found["style"] > 0


@pytest.mark.parametrize(("options", "message"), [
    (["--of", "originals/0.png"], "--of: no picture is called 1"),
    (["--like", "nowhere"], "nowhere"),
    (["--like", "originals", "--cell", "2.5"], "`cell` must be a whole number with --like and --of. Received: 2.5"),
])
def test_a_mistake_is_one_line(folders, options, message, capsys, monkeypatch):
    monkeypatch.chdir(folders)
    assert main(["measure", "made", *options]) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told

"""Sheets of sprites that were pasted anywhere: each sprite's cells, by its own phase; what cannot be parted."""

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.base.cli import UserError
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize import Style, __main__, pixelize

TILES = Path(__file__).parents[1] / "tfrecords" / "heldout_tile*.tfrec"
COLUMNS, ROWS, FACTOR = 4, 2, 7.3
PART = round(32 * FACTOR) + 8
CLOSE = 32   # levels


@pytest.fixture(scope="module")
def tiles():
    """Eight sprites of 32x32 cells on white."""
    return [item.decode() for item in itertools.islice(sources.read(TILES), 0, 32, 4)]


def sheet(tiles, resample, *, quality=None, seed=0):
    """Each enlarged, and anywhere in its part."""
    random = np.random.default_rng(seed)
    made = np.full((ROWS * PART, COLUMNS * PART, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        large = np.asarray(Image.fromarray(tile).resize((round(32 * FACTOR),) * 2, resample))
        top, left = random.integers(0, 8, 2) + np.array(divmod(number, COLUMNS)) * PART
        made[top : top + len(large), left : left + len(large)] = large
    if quality is None:
        return made
    file = io.BytesIO()
    Image.fromarray(made).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def share_right(cells, tile):
    """The share of a sprite's cells that are right, where its first one is up to two cells off."""
    height, width = cells.shape[:2]
    around = np.pad(tile.astype(int), ((2, 8), (2, 8), (0, 0)), constant_values=255)
    shifts = itertools.product(range(5), repeat=2)
    windows = (around[down : down + height, across : across + width] for down, across in shifts)
    return max((np.abs(each - cells).max(-1) <= CLOSE).mean() for each in windows)


@pytest.mark.parametrize(("resample", "quality"), [
    (Image.Resampling.NEAREST, None), (Image.Resampling.NEAREST, 85), (Image.Resampling.BILINEAR, 85),
    (Image.Resampling.LANCZOS, 85),
], ids=str)
def test_each_sprite_has_cells_of_its_own_phase(tiles, resample, quality):
    """Nearly all, as `experiments/benchmarks/sprite_sheets.py` finds for 99 of 100; one lattice for all has no phase
    that fits."""
    image = sheet(tiles, resample, quality=quality)
    made = pixelize(image, Style(sheet=(COLUMNS, ROWS), colors=256)).image(1)
    side = round(PART / FACTOR)
    assert made.shape == (ROWS * side, COLUMNS * side, 3)
    parts = [made[i * side : (i + 1) * side, j * side : (j + 1) * side] for i in range(ROWS) for j in range(COLUMNS)]
    shares = [share_right(part.astype(int), tile) for part, tile in zip(parts, tiles, strict=True)]
    assert sum(share >= 0.95 for share in shares) >= 7
    whole = pixelize(image, Style(cell=FACTOR, colors=256)).image(1).astype(int)
    parts = [whole[i * side : (i + 1) * side, j * side : (j + 1) * side] for i in range(ROWS) for j in range(COLUMNS)]
    assert sum(share_right(part, tile) >= 0.95 for part, tile in zip(parts, tiles, strict=True)) <= 3


def test_gaps_part_sprites_and_stay(tiles):
    """Sprites of 32, 20 and 12 cells of 3 pixels, two cells apart and three from the border, on clear ground."""
    widths = (32, 20, 12)
    native = np.zeros((38, 3 + sum(widths) + 2 * 2 + 3, 4), np.uint8)
    left = 3
    for tile, width in zip(tiles, widths, strict=False):
        native[3:35, left : left + width, :3] = tile[:, :width]
        native[3:35, left : left + width, 3] = 255
        left += width + 2
    image = native.repeat(3, axis=0).repeat(3, axis=1)
    made = pixelize(image, Style(sheet="gaps"))
    np.testing.assert_array_equal(made.image(1), native)
    assert made.cell == 3
    np.testing.assert_array_equal(pixelize(native, Style(sheet="gaps")).image(1), native)   # done twice, it stays


def test_cells_of_a_given_size_need_no_finding(tiles):
    image = np.concatenate(tiles[:3], axis=1).repeat(5, axis=0).repeat(5, axis=1)
    made = pixelize(image, Style(sheet=(3, 1), cell=5, colors=256))
    np.testing.assert_array_equal(made.image(1), image[::5, ::5])


def test_the_command_tells_what_it_found(tiles, tmp_path, capsys):
    images.write(tmp_path / "sheet.png", sheet(tiles, Image.Resampling.NEAREST))
    argv = [str(tmp_path / "sheet.png"), str(tmp_path / "out.png"), "--sheet", "4x2", "--colors", "12", "--scale", "2"]
    assert __main__.main(argv) == 0
    told = capsys.readouterr().out
    assert "132x66 cells" in told
    assert "4x2 sprites, cells of 7.3" in told
    with Image.open(tmp_path / "out.png") as made:
        assert made.size == (264, 132)
        assert len(np.unique(np.asarray(made.convert("RGB")).reshape(-1, 3), axis=0)) <= 12


@pytest.mark.parametrize(("options", "message"), [
    (["--sheet", "5x2"], "its width of 968 pixels has no 5 equal parts, which --sheet asks for"),
    (["--sheet", "0x2"], "`sheet` must be columns x rows, such as 8x4, or gaps. Received: (0, 2)"),
    (["--sheet", "many"], "`sheet` must be columns x rows, such as 8x4, or gaps. Received: 'many'"),
    (["--sheet", "4x2", "--width", "32"], "`sheet` takes `cell`, or finds it, and no `width` or `height`"),
    (["--sheet", "4x2", "--cell", "300"], "cells of 300 pixels are larger than a sprite of 242"),
    (["--sheet", "4x2", "--generator", "sprite"], "`sheet` finds the cells of pixel art, and a generator makes cells"),
], ids=str)
def test_mistakes_are_one_line(tiles, tmp_path, capsys, options, message):
    images.write(tmp_path / "sheet.png", sheet(tiles, Image.Resampling.NEAREST))
    assert __main__.main([str(tmp_path / "sheet.png"), str(tmp_path / "out.png"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


def test_what_is_no_sheet_is_told():
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    with pytest.raises(UserError, match="no empty rows or columns part it into sprites"):
        pixelize(noise, Style(sheet="gaps"))
    with pytest.raises(UserError, match="no sprite has cells that are sure; give their size"):
        pixelize(noise, Style(sheet=(3, 2)))

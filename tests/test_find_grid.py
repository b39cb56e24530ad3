"""Grids that are not exact: real sprites, enlarged by any factor and method, and pictures that have none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.pictures import images
from pixelart_tf.pixelize.cells import reduce
from pixelart_tf.pixelize.find import find
from pixelart_tf.pixelize.grid import find_grid, native

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "tests" / "data" / "pictures"
SPRITES = sorted(PICTURES.glob("crawl-*.png"))
KERNELS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def enlarged(small: np.ndarray, scale: float, kernel: str, quality: int | None = None) -> np.ndarray:
    size = (round(small.shape[1] * scale), round(small.shape[0] * scale))
    image = np.asarray(Image.fromarray(small).resize(size, KERNELS[kernel]))
    return images.read(images.encode(image, "jpeg", quality)) if quality else image


def recovered(image: np.ndarray, how: str, core: float = 1) -> np.ndarray | None:
    found = find(image)
    return found and reduce(image, found.rows, found.columns, how=how, core=core)[0]


def records(name: str) -> list[np.ndarray]:
    """The pictures of a bundled shard."""
    from pixelart_tf.pictures.shards import read

    return [images.read(encoded) for _, encoded in read(ROOT / "tfrecords" / f"{name}*.tfrec")]


def test_exact_grids_come_back_as_they_are():
    for path in SPRITES:
        image = images.read(path)
        grid, found = find_grid(image), find(image)
        assert found.exact
        assert (found.cell_height, found.cell_width, found.confidence) == (grid.cell, grid.cell, 1)
        assert {(row - grid.top) % grid.cell for row in found.rows[1:-1]} == {0}
        assert {(column - grid.left) % grid.cell for column in found.columns[1:-1]} == {0}
        assert (recovered(image, "mean") == image[np.ix_(found.rows[:-1], found.columns[:-1])]).all()


@pytest.mark.parametrize("path", SPRITES, ids=lambda path: path.stem)
@pytest.mark.parametrize("scale", [2.5, 3.7, 5.3, 7.4, 11.6])
def test_uneven_enlargement_is_undone_exactly(path, scale):
    small = native(images.read(path))
    image = enlarged(small, scale, "nearest")
    assert find_grid(image) is None
    for how in ("median", "dominant"):
        back = recovered(image, how)
        assert back.shape == small.shape
        # at 2.5 a cell may have 2 pixels of 3 on the wrong side of a line that is half a pixel off
        assert (back == small).all(-1).mean() >= (0.99 if scale < 3 else 1)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("scale", [3.7, 5.3, 8, 11.6])
@pytest.mark.parametrize("quality", [None, 90])
def test_soft_enlargement_is_found(kernel, scale, quality):
    errors = {}
    for path in SPRITES:
        small = native(images.read(path))
        image = enlarged(small, scale, kernel, quality)
        for core in (1, 0.5):
            back = recovered(image, "median", core)
            assert back is not None
            assert back.shape == small.shape
            errors.setdefault(core, []).append(np.abs(back.astype(int) - small).mean())
    assert np.mean(errors[0.5]) < np.mean(errors[1])
    assert np.mean(errors[0.5]) < {"bilinear": 10, "bicubic": 8, "lanczos": 8}[kernel]


HEART = ["........", ".XX..XX.", "XrrXXrrX", "XrwrrrrX", "XrrrrrrX", ".XrrrrX.", "..XrrX..", "...XX..."]


@pytest.mark.parametrize(("scale", "kernel", "quality"), [
    (33.3, "bicubic", None), (40, "nearest", 80), (40, "bilinear", 85), (25.4, "lanczos", 75), (21.7, "nearest", 75),
])
def test_icons_of_very_few_cells_are_found(scale, kernel, quality):
    """Of 8x8 cells none were found, or 16x16."""
    colors = {".": (255, 255, 255), "X": (60, 10, 20), "r": (220, 40, 60), "w": (255, 220, 225)}
    small = np.array([[colors[each] for each in row] for row in HEART], np.uint8)
    back = recovered(enlarged(small, scale, kernel, quality), "median", core=0.5)
    assert back.shape == small.shape
    assert (np.abs(back.astype(int) - small).max(axis=-1) <= 32).mean() >= 0.9


def test_crops_stretches_and_jpeg():
    rng = np.random.default_rng(0)
    for trial in range(24):
        small = native(images.read(SPRITES[trial % 3]))
        scale = rng.choice([3.7, 5, 7.4, 8])
        tall = scale * rng.uniform(0.98, 1.02)
        size = (round(small.shape[1] * scale), round(small.shape[0] * tall))
        large = Image.fromarray(small).resize(size, list(KERNELS.values())[trial % 4])
        cut = rng.integers(0, int(2 * scale), 2)
        image = images.read(images.encode(np.asarray(large), "jpeg", 90))[cut[0] :, cut[1] :]
        found = find(image)
        assert found is not None
        true = size[1] / small.shape[0], size[0] / small.shape[1]
        for cell, edges, gone, length in zip(true, (found.rows, found.columns), cut, image.shape, strict=False):
            there = np.arange(0, length + gone, cell) - gone
            there = there[there >= 0]
            apart = np.abs(edges[1:-1, None] - there).min(axis=1) / cell
            assert apart.max() < 0.35   # of a cell, anywhere in the picture; lines are whole pixels, which are 0.14


@pytest.mark.parametrize("path", [*PICTURES.glob("gc-*"), *PICTURES.glob("nt-*")], ids=lambda path: path.name)
def test_photographs_and_drawings_have_none(path):
    image = images.read(path)
    assert find(image) is None
    for quality in (30, 75, 90):   # JPEG's own blocks of 8 pixels are no cells
        assert find(images.read(images.encode(image, "jpeg", quality))) is None


def test_wide_pixels_keep_all_their_rows():
    """Cells of 10x5 pixels were taken for 10x10, and every second row was lost; square ones have them all."""
    for path in SPRITES:
        small = native(images.read(path))
        wide = np.asarray(Image.fromarray(small).resize((10 * small.shape[1], 5 * small.shape[0]), KERNELS["nearest"]))
        back = recovered(images.read(images.encode(wide, "jpeg", 85)), "median", core=0.5)
        assert back.shape == (small.shape[0], 2 * small.shape[1], 3)
        assert (np.abs(back[:, ::2].astype(int) - small).max(axis=-1) <= 32).mean() > 0.95


def test_the_lattice_of_jpeg_is_no_grid():
    """These were taken for pixel art of 8 pixels a cell."""
    photographs = records("photo")
    for number, quality in ((12, 50), (13, 50), (45, 30)):
        assert find(images.read(images.encode(photographs[number], "jpeg", quality))) is None


@pytest.mark.parametrize("name", ["gc-bison.jpg", "gc-chicken.jpg", "gc-cow.jpg"])
@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_enlarged_photographs_have_none(name, kernel):
    assert find(enlarged(images.read(PICTURES / name), 2, kernel)) is None


def test_what_leaves_it_open_has_none():
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert find(rng.integers(0, 256, (*rng.integers(20, 200, 2), 3)).astype(np.uint8)) is None
    for height, width in [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3), (5, 4), (24, 24), (25, 300)]:
        image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        assert find(image) is None
        assert find(np.zeros_like(image)) is None
    ramp = np.arange(256, dtype=np.uint8)[:, None, None].repeat(256, 1).repeat(3, 2)
    assert find(ramp) is None
    with pytest.raises(ValueError, match="`image` must be uint8"):
        find(np.zeros((8, 8), np.uint8))


@pytest.mark.slow
def test_all_held_out_sprites_and_no_photographs():
    """The shares are those of 200 other sprites (0.98, 0.99, 0.985, 0.965, 0.97, 0.91) less two standard errors."""
    sprites = records("heldout_sprite")   # one pixel a cell
    assert len(sprites) == 97
    for kernel, scale, quality, least in [
        ("nearest", 2.5, None, 0.95),
        ("nearest", 7.4, 75, 0.97),
        ("bilinear", 5.3, 75, 0.96),
        ("bicubic", 3.7, 75, 0.93),
        ("lanczos", 8, None, 0.935),
        ("lanczos", 4.4, 75, 0.85),
    ]:
        backs = [(small, recovered(enlarged(small, scale, kernel, quality), "median")) for small in sprites]
        right = [back is not None and back.shape == small.shape for small, back in backs]
        assert np.mean(right) >= least, (kernel, scale, quality)
    photographs = records("photo")
    assert sum(find(image) is not None for image in photographs) == 0
    drawings = records("heldout_cartoon")
    assert np.mean([find(image) is not None for image in drawings]) <= 0.02

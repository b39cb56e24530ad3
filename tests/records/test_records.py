"""Records: how shards and what is in them are named, and what is packed of a picture."""

import shutil

import numpy as np
import pytest
from packed_pictures import PICTURES
from PIL import Image

from pixelart_tf import records
from pixelart_tf.data import packing
from pixelart_tf.pictures import images
from pixelart_tf.pictures import shards as shard_files
from pixelart_tf.pixelize.grid import native

ALTAR = "crawl-dngn-altars-ashenzari"   # cells of 7 pixels, 30 x 31 cells without the border


def decode(encoded: bytes) -> np.ndarray:
    return images.read(encoded)


# --- schema and names ---


def test_names_and_schema_are_the_competitions(shards):
    # FACTS: `monet00-60.tfrec`; scalar strings image_name, image, target; image is a JPEG of 256x256x3.
    import tensorflow as tf

    paths = sorted(path.name for path in shards.iterdir())
    assert paths == ["monet00-2.tfrec", "monet01-2.tfrec", "monet02-2.tfrec"]
    schema = {key: tf.io.FixedLenFeature([], tf.string) for key in ("image_name", "image", "target")}
    names = []
    for record in tf.data.TFRecordDataset([str(shards / path) for path in paths]):
        example = tf.io.parse_single_example(record, schema)
        assert tf.io.decode_image(example["image"]).shape == (256, 256, 3)
        assert example["target"].numpy() == b"monet"
        names.append(example["image_name"].numpy().decode())
    assert names == ["gc-bison", "gc-chicken", "gc-cow", "nt-cat", "nt-owl", "nt-pie"]


def test_shards_named_as_the_competitions_are_read_in_order(tmp_path, shards):
    # monet00, 04, 08, 12, 16 - and 100 after 20, which the alphabet puts first
    for index in (0, 4, 100, 20):
        shutil.copy(shards / "monet00-2.tfrec", tmp_path / f"x{index:02d}-60.tfrec")
    listed = [path.name for path in shard_files.list_shards(tmp_path / "x*.tfrec")]
    assert listed == ["x00-60.tfrec", "x04-60.tfrec", "x20-60.tfrec", "x100-60.tfrec"]


def test_read_gives_names_and_pictures(shards, folder):
    read = dict(shard_files.read(shards))
    assert list(read) == sorted(path.stem for path in folder.iterdir())
    assert shard_files.count(shards) == shard_files.count(shards / "monet*.tfrec") == 6
    assert shard_files.count(shards / "monet01-2.tfrec") == 2
    # 256 px PNG drawings stay as they are, up to JPEG of quality 95
    cow = images.read(folder / "gc-cow.jpg")
    assert np.abs(decode(read["gc-cow"]).astype(int) - cow).mean() < 1.5


def test_names_stay_apart(tmp_path):
    for name in ("a/x.png", "b/x.png", "b/y.png", "b/y.gif"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(tmp_path / "in" / name)
    packing.pack(tmp_path / "in", tmp_path / "out", domain="d")
    assert [name for name, _ in shard_files.read(tmp_path / "out")] == ["a/x", "b/x", "b/y.gif", "b/y.png"]


# --- what is packed ---


def pack_one(tmp_path, path, **options) -> np.ndarray:
    packing.pack(path, tmp_path / "one", domain="one", overwrite=True, **options)
    ((_, encoded),) = shard_files.read(tmp_path / "one")
    return decode(encoded)


def test_photographs_are_cut_to_the_middle_square(tmp_path):
    wide = np.zeros((64, 200, 3), np.uint8)
    wide[:, 68:132] = np.random.default_rng(0).integers(0, 256, (64, 64, 3))   # the middle
    images.write(tmp_path / "wide.png", wide)
    assert (pack_one(tmp_path, tmp_path / "wide.png", size=64, format="png") == wide[:, 68:132]).all()


def test_pixel_art_keeps_square_cells_of_whole_numbers(tmp_path):
    # 38 x 38 cells, of 7 pixels in the file: 3 is the largest whole factor for 128 pixels, 7 pixels of border are left.
    sprite = native(images.read(PICTURES / f"{ALTAR}.png"))
    packed = pack_one(tmp_path, PICTURES / f"{ALTAR}.png", size=128)
    assert (packed[7:121, 7:121] == sprite.repeat(3, 0).repeat(3, 1)).all()
    assert (packed[:7] == 255).all()
    # and at its own size nothing is done
    assert (pack_one(tmp_path, PICTURES / f"{ALTAR}.png") == images.read(PICTURES / f"{ALTAR}.png")).all()


def test_small_pictures_of_few_colors_are_pixel_art(tmp_path):
    sprite = native(images.read(PICTURES / f"{ALTAR}.png"))[3:35, 3:35]   # 32 x 32, one pixel a cell
    images.write(tmp_path / "sprite.png", sprite)
    assert (pack_one(tmp_path, tmp_path / "sprite.png", size=96) == sprite.repeat(3, 0).repeat(3, 1)).all()


def test_auto_format_is_png_for_pixel_art_and_few_colors(tmp_path):
    flag = np.array([[[255, 0, 0]], [[0, 0, 255]]], np.uint8).repeat(150, 0).repeat(300, 1)
    images.write(tmp_path / "flag.png", flag)
    for path, format in (
        (PICTURES / f"{ALTAR}.png", "png"),
        (tmp_path / "flag.png", "png"),
        (PICTURES / "gc-cow.jpg", "jpeg"),
        (PICTURES / "nt-owl.png", "jpeg"),
    ):
        assert packing.pack(path, tmp_path / "out", domain="d", overwrite=True).formats == {format: 1}


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("resample", ["lanczos", "nearest", "area", "bilinear"])
def test_fit_and_resample_are_those_of_images(tmp_path, fit, resample):
    photo = images.read(PICTURES / "gc-cow.jpg")[:200]
    images.write(tmp_path / "photo.png", photo)
    packed = pack_one(tmp_path, tmp_path / "photo.png", size=50, fit=fit, resample=resample, format="png")
    assert (packed == images.fit(photo, 50, how=fit, resample=resample)).all()


def test_native_gives_one_pixel_a_cell(tmp_path):
    image = images.read(PICTURES / f"{ALTAR}.png")
    small = pack_one(tmp_path, PICTURES / f"{ALTAR}.png", native=True)
    assert (small == native(image)).all()
    centred = pack_one(tmp_path, PICTURES / f"{ALTAR}.png", native=True, size=32)
    assert centred.shape == (32, 32, 3)
    # 30 x 31 cells, as its maker says: one column each side, the last row
    content = np.argwhere((centred != 255).any(axis=-1))
    assert content.min(axis=0).tolist() == [0, 1]
    assert content.max(axis=0).tolist() == [30, 30]


def test_quality_is_that_of_jpeg(tmp_path):
    sizes = [
        packing.pack(PICTURES / "gc-cow.jpg", tmp_path / "out", domain="d", quality=quality, overwrite=True)
        .shards[0].stat().st_size
        for quality in (30, 85)
    ]
    assert sizes[0] < sizes[1] / 2


def test_the_bytes_do_not_depend_on_the_number_of_workers(folder, tmp_path):
    one, four = (
        packing.pack(folder, tmp_path / str(workers), domain="d", shard_size=4, workers=workers) for workers in (1, 4)
    )
    assert [path.name for path in one.shards] == [path.name for path in four.shards] == ["d00-4.tfrec", "d01-2.tfrec"]
    assert [path.read_bytes() for path in one.shards] == [path.read_bytes() for path in four.shards]


def test_over_a_hundred_shards_sort_by_name(tmp_path):
    images.write(tmp_path / "x.png", np.full((8, 8, 3), 9, np.uint8))
    shards = packing.pack([tmp_path / "x.png"] * 101, tmp_path / "out", domain="d", size=8, shard_size=1).shards
    assert [shards[0].name, shards[100].name] == ["d000-1.tfrec", "d100-1.tfrec"]


def test_near_duplicates_are_named_and_packed(folder, capsys, tmp_path):
    cow = images.read(folder / "gc-cow.jpg")
    images.write(folder / "again.jpg", cow, quality=60)
    images.write(folder / "smaller.png", images.fit(cow, 200))
    assert records.main(["pack", str(folder), str(tmp_path / "out"), "--domain", "d"]) == 0
    assert "near-duplicates: again, gc-cow, smaller\n" in capsys.readouterr().out
    assert shard_files.count(tmp_path / "out") == 8


def test_different_pictures_are_no_duplicates(folder, tmp_path):
    assert packing.pack(folder, tmp_path / "out", domain="d").duplicates == []

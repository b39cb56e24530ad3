"""A submission: what is in the zip."""

import io
import zipfile

import numpy as np
from keras import layers
from making_zips import NAMES, members, model, run, zipped
from PIL import Image

from pixelart_tf.data import packing
from pixelart_tf.pictures import images


def test_the_pictures_are_the_generators(made, photos):
    found = members(made)
    assert list(found) == [f"{name}.jpg" for name in NAMES]
    for name, encoded in found.items():
        wanted = 255 - images.read(photos / name)
        with Image.open(io.BytesIO(encoded)) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (256, 256))
            reference = io.BytesIO()
            Image.fromarray(wanted).save(reference, "JPEG", quality=95)
            assert image.quantization == Image.open(reference).quantization
        assert np.abs(images.read(encoded).astype(int) - wanted).mean() < 2   # what quality 95 loses


def test_the_bytes_are_always_the_same(generator, photos, made, tmp_path):
    for options in [(), ("--batch-size", 2), ("--batch-size", 1)]:
        again = run(generator, photos, tmp_path / "again.zip", *options, "--overwrite")
        assert again.read_bytes() == made.read_bytes()
    with zipfile.ZipFile(made) as file:
        for info in file.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert (info.compress_type, info.create_system, info.external_attr) == (zipfile.ZIP_STORED, 3, 0o644 << 16)


def test_each_source_of_photos_gives_the_same_zip(generator, photos, made, tmp_path):
    zipped(tmp_path / "photos.zip", {f"deep/{path.name}": path.read_bytes() for path in photos.iterdir()})
    for pattern in (photos / "*.jpg", tmp_path / "photos.zip"):
        assert run(generator, pattern, tmp_path / "again.zip", "--overwrite").read_bytes() == made.read_bytes()
    packing.pack(photos, tmp_path / "shards", domain="photo", shard_size=2, format="png")   # PNG: nothing is lost twice
    assert run(generator, tmp_path / "shards", tmp_path / "s.zip").read_bytes() == made.read_bytes()


def test_names_lose_folders_and_suffix_only(generator, photos, tmp_path):
    (photos / "sub").mkdir()
    (photos / "gc-cow.jpg").rename(photos / "sub" / "a.b.JPG")
    assert list(members(run(generator, photos, tmp_path / "x.zip"))) == ["gc-bison.jpg", "gc-chicken.jpg", "a.b.jpg"]


def test_the_first_photos_are_taken(generator, photos, tmp_path):
    found = members(run(generator, photos, tmp_path / "x.zip", "--limit", 2))
    assert list(found) == ["gc-bison.jpg", "gc-chicken.jpg"]


def test_other_sizes_are_cut_and_resampled_if_asked(generator, photos, tmp_path):
    wide = np.zeros((128, 300, 3), np.uint8)
    wide[:, 86:214] = 255   # the middle square
    images.write(photos / "a.png", wide)
    found = members(run(generator, photos, tmp_path / "x.zip", "--fit"))
    assert images.read(found["a.jpg"]).shape == (256, 256, 3)
    assert images.read(found["a.jpg"]).max() <= 3


def test_pixel_art(generator, photos, tmp_path):
    found = members(run(generator, photos, tmp_path / "x.zip", "--pixelize", "--cell", 16, "--palette", "pico-8"))
    image = images.read(found["gc-cow.jpg"]).reshape(16, 16, 16, 16, 3)
    # A JPEG keeps a cell of whole blocks of one color, as its other coefficients are 0.
    assert (image == image[:, :1, :, :1]).all()
    assert len(np.unique(image[:, 0, :, 0].reshape(-1, 3), axis=0)) <= 16


def test_pixel_art_keeps_the_cells_of_the_generator(photos, tmp_path):
    model(layers.AveragePooling2D(8), layers.UpSampling2D(8)).save(tmp_path / "cells.keras")
    found = members(run(tmp_path / "cells.keras", photos, tmp_path / "x.zip", "--pixelize", "--colors", 4))
    image = images.read(found["gc-bison.jpg"]).reshape(32, 8, 32, 8, 3)
    assert (image == image[:, :1, :, :1]).all()
    assert 2 <= len(np.unique(image[:, 0, :, 0].reshape(-1, 3), axis=0)) <= 4


def png(image):
    return images.encode(image, "png")

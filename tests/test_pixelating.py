"""`records pixelate`: pictures -> files of cells, by the pipeline's own functions."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf import records
from pixelart_tf.data import feeds, loading, pixelating
from pixelart_tf.pictures import finding, images
from pixelart_tf.settings.domain import Domain

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "data" / "pictures"


def noise(height=32, width=48):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def put(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, image)


def pixelate(*arguments):
    return records.main(["pixelate", *map(str, arguments)])


def test_cells_are_the_means_of_their_pixels():
    image = noise()
    means = image.reshape(4, 8, 6, 8, 3).mean((1, 3))   # (4, 6, 3)
    cells = pixelating.pixelate(image, 8, enlarge=False)
    assert (cells.dtype, cells.shape) == (np.uint8, (4, 6, 3))
    np.testing.assert_allclose(cells, means, atol=0.501)   # rounded
    np.testing.assert_array_equal(pixelating.pixelate(image, 8), cells.repeat(8, 0).repeat(8, 1))
    grey = pixelating.pixelate(image, 8, enlarge=False, grey=True)
    np.testing.assert_allclose(grey[..., 0], means @ [0.2989, 0.5870, 0.1140], atol=0.501)   # ITU-R BT.601


def test_a_picture_is_what_a_training_gets(tmp_path):
    options = {"grey": True, "fit": "crop"}
    domain = Domain(files=str(PICTURES / "gc-cow.jpg"), image_size=(128, 96), pixelate=8, jitter=0, **options)
    trained_on = feeds.without_augmentation(loading.load(domain), [0]).numpy()[0]
    assert pixelate(PICTURES / "gc-cow.jpg", tmp_path / "cow.png", "--grey", "--size", "128x96", "--block", 8) == 0
    with Image.open(tmp_path / "cow.png") as picture:
        assert (picture.mode, picture.size) == ("L", (96, 128))
        np.testing.assert_array_equal(np.asarray(picture)[..., np.newaxis], images.to_uint8(trained_on))


@pytest.mark.parametrize("size", [(), ("--size", 64)], ids=["own size", "64"])
def test_names_and_formats_are_kept_and_jpeg_leaves_cells_of_8_alone(tmp_path, capsys, size):
    put(tmp_path / "in" / "sub" / "a.png", noise(64, 64))
    put(tmp_path / "in" / "sub" / "b.jpg", noise(64, 64))
    assert pixelate(tmp_path / "in", tmp_path / "out", "--block", 8, *size) == 0
    assert capsys.readouterr().out == f"2 pictures in {tmp_path / 'out'}\n"
    found = finding.pictures(tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in found] == ["sub/a.png", "sub/b.jpg"]
    for image in map(images.read, found):
        assert image.shape == (64, 64, 3)
        cells = image.reshape(8, 8, 8, 8, 3)
        assert (cells == cells[:, :1, :, :1]).all()


def test_shards_become_files_named_as_their_records(tmp_path):
    shard = ROOT / "tfrecords" / "heldout_sprite00-97.tfrec"
    assert pixelate(shard, tmp_path, "--block", 4, "--one-pixel") == 0
    found = finding.pictures(tmp_path)
    assert len(found) == 97
    assert {path.suffix for path in found} == {".png"}
    assert images.read(found[0]).shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--block", 7), "in/a.png: `block` must divide the height, 32, and the width, 48. Received: 7"),
        (("--block", 8, "--size", "128x90"), "`block` must divide the height, 128, and the width, 90. Received: 8"),
        (("--block", 0), "`block` must divide the height, 32, and the width, 48. Received: 0"),
        (("--block", 8, "--size", "8000"), "`size` must be at most 4096 pixels a side. Received: (8000, 8000)"),
        (("--block", 8, "--size", "0x8"), "`size` must be a positive number of pixels"),
    ],
)
def test_mistakes_are_one_line(tmp_path, capsys, arguments, said):
    put(tmp_path / "in" / "a.png", noise())
    assert pixelate(tmp_path / "in", tmp_path / "out", *arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert not list((tmp_path / "out").glob("*"))


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path, capsys):
    put(tmp_path / "in" / "a.png", noise())
    put(tmp_path / "in" / "b.png", noise(30, 30))
    command = (tmp_path / "in", tmp_path / "out", "--block", 16)
    assert pixelate(*command) == 2
    assert "b.png: `block` must divide the height, 30" in capsys.readouterr().err
    assert pixelate(*command, "--skip-bad", "--overwrite") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"skipped {tmp_path / 'in' / 'b.png'}: `block` must divide")
    assert out[1] == f"1 picture in {tmp_path / 'out'}"
    before = (tmp_path / "out" / "a.png").read_bytes()
    assert pixelate(*command, "--skip-bad") == 2
    assert "already there; --overwrite replaces it" in capsys.readouterr().err
    assert (tmp_path / "out" / "a.png").read_bytes() == before


@pytest.mark.slow
def test_the_command_says_nothing_else_and_knows_a_size_when_it_sees_one(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pixelart_tf.records", "pixelate", str(PICTURES), str(tmp_path), *arguments],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )

    done = run("--block", "8", "--size", "128x96", "--grey", "--format", "jpeg")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(finding.pictures(tmp_path)) == 9
    wrong = run("--block", "8", "--size", "128*96")
    assert wrong.returncode == 2
    assert "argument --size: must be HEIGHTxWIDTH, such as 128x96, or one number. Received: '128*96'" in wrong.stderr

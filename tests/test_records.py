import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelart_tf import records
from pixelart_tf.data import packing
from pixelart_tf.pictures import images
from pixelart_tf.pictures import shards as shard_files
from pixelart_tf.pixelize.grid import native

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "tests" / "data" / "pictures"
ALTAR = "crawl-dngn-altars-ashenzari"   # cells of 7 pixels, 30 x 31 cells without the border


@pytest.fixture
def folder(tmp_path):
    """Six good pictures: three photographs and three drawings."""
    (tmp_path / "pictures").mkdir()
    for path in [*PICTURES.glob("gc-*"), *PICTURES.glob("nt-*")]:
        shutil.copy(path, tmp_path / "pictures")
    return tmp_path / "pictures"


@pytest.fixture
def shards(folder, tmp_path):
    packing.pack(folder, tmp_path / "shards", domain="monet", shard_size=2)
    return tmp_path / "shards"


@pytest.fixture
def open_dir():
    """A folder that everybody may enter, unlike `tmp_path`."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def no_privileges():
    """For the time of the test, file modes hold for this process even if it is root's."""
    import tensorflow  # noqa: F401  while its files can be read

    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def fails(capsys, *argv) -> str:
    """Runs the command, which must end with 2 and one line on stderr. Returns the line."""
    capsys.readouterr()
    assert records.main([str(argument) for argument in argv]) == 2
    output = capsys.readouterr()
    assert output.err.count("\n") == 1, output.err
    assert "Traceback" not in output.err
    return output.err.strip()


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


# --- what is wrong with the pictures ---


def png_of(width: int, height: int) -> bytes:
    """The head of a PNG that says it is this large, with no pixels: what a bomb looks like before it goes off."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return head + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


BAD = {
    "zero bytes": (b"", "empty file"),
    "text": (b"not a picture, whatever its name says", "not a picture"),
    "truncated": ((PICTURES / "gc-cow.jpg").read_bytes()[:5000], "truncated"),
    "one pixel": (images.encode(np.zeros((1, 1, 3), np.uint8), "png"), "1x1 pixels, under 4x4"),
    "bomb": (png_of(30_000, 30_000), "decompression bomb"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_picture_is_named_and_nothing_is_written(case, folder, tmp_path, capsys):
    (folder / "bad.jpg").write_bytes(BAD[case][0])
    line = fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d")
    assert f"{folder / 'bad.jpg'}: " in line
    assert BAD[case][1] in line
    assert "--skip-bad packs the other 6" in line
    assert not (tmp_path / "out").exists()


def test_bad_pictures_are_named_counted_and_skipped(folder, tmp_path, capsys):
    for index, (file, _) in enumerate(BAD.values()):
        (folder / f"bad{index}.jpg").write_bytes(file)
    assert "5 of 11 pictures are bad" in fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d")
    assert records.main(["pack", str(folder), str(tmp_path / "out"), "--domain", "d", "--skip-bad"]) == 0
    output = capsys.readouterr().out
    for index, (_, reason) in enumerate(BAD.values()):
        assert any(f"skipped {folder}/bad{index}.jpg" in line and reason in line for line in output.splitlines())
    assert "6 pictures (6 jpeg) in 1 shard," in output
    assert "5 bad skipped" in output
    assert shard_files.count(tmp_path / "out") == 6


def test_nothing_but_bad_pictures_is_an_error_even_when_skipping(tmp_path, capsys):
    (tmp_path / "bad.jpg").write_bytes(b"")
    line = fails(capsys, "pack", tmp_path / "bad.jpg", tmp_path / "out", "--domain", "d", "--skip-bad")
    assert "bad.jpg: empty file" in line
    assert not (tmp_path / "out").exists()


def test_native_refuses_what_has_no_grid_or_is_too_large(tmp_path, capsys):
    line = fails(capsys, "pack", PICTURES / "gc-cow.jpg", tmp_path / "out", "--domain", "d", "--native")
    assert "gc-cow.jpg: no exact grid" in line
    antaeus = PICTURES / "crawl-mon-unique-antaeus.png"
    line = fails(capsys, "pack", antaeus, tmp_path / "out", "--domain", "d", "--native", "--size", "32")
    assert "antaeus.png: the sprite is 32x48 cells, larger than 32x32" in line


def test_one_picture_is_packed(tmp_path):
    assert records.main(["pack", str(PICTURES / "nt-cat.png"), str(tmp_path / "out"), "--domain", "d"]) == 0
    assert os.listdir(tmp_path / "out") == ["d00-1.tfrec"]


def test_no_pictures(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "no pictures there" in fails(capsys, "pack", tmp_path / "empty", tmp_path / "out", "--domain", "d")
    assert "no such file" in fails(capsys, "pack", tmp_path / "nothing", tmp_path / "out", "--domain", "d")
    assert not (tmp_path / "out").exists()


# --- what is wrong with the order ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "0"], "`size` must be from 4 to 8192. Received: 0"),
        (["--size", "-256"], "`size` must be from 4 to 8192. Received: -256"),
        (["--size", "100000000"], "`size` must be from 4 to 8192. Received: 100000000"),
        (["--quality", "101"], "`quality` must be from 1 to 100. Received: 101"),
        (["--shard-size", "0"], "`shard_size` and `workers` must be positive. Received: 0"),
        (["--workers", "0"], "`shard_size` and `workers` must be positive"),
        (["--native", "--fit", "crop"], "`fit` and `resample` have nothing to do with `native`"),
        (["--domain", "a/b"], "`domain` must be letters, digits, - or _ and not end in a digit. Received: 'a/b'"),
        (["--domain", "set1"], "`domain` must be .* Received: 'set1'"),
    ],
)
def test_impossible_options(options, message, folder, tmp_path, capsys):
    assert re.search(message, fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d", *options))
    assert not (tmp_path / "out").exists()


def test_misspelt_option_and_wrong_type_end_with_2(folder, tmp_path, capsys):
    for options in (["--sise", "256"], ["--size", "large"], ["--fit", "squash"]):
        assert options[0] in fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d", *options)


def test_shards_that_are_there_stay_unless_overwritten(shards, folder, capsys):
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    line = fails(capsys, "pack", folder, shards, "--domain", "monet")
    assert "monet00-2.tfrec: shards of `monet` are here already; --overwrite replaces them" in line
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before
    records.main(["pack", str(folder), str(shards), "--domain", "photo"])   # another domain is welcome
    replace = ["--overwrite", "--shard-size", "4"]
    assert records.main(["pack", str(folder), str(shards), "--domain", "monet", *replace]) == 0
    assert sorted(os.listdir(shards)) == ["monet00-4.tfrec", "monet01-2.tfrec", "photo00-6.tfrec"]


def test_a_failed_overwrite_leaves_the_old_shards(shards, folder, capsys):
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    (folder / "zzz.jpg").write_bytes(b"")
    fails(capsys, "pack", folder, shards, "--domain", "monet", "--overwrite")
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before


# --- what is wrong with the disk ---


def test_a_full_disk_leaves_nothing_half_written(small_disk, folder, capsys):
    line = fails(capsys, "pack", folder, small_disk, "--domain", "d")
    assert f"{small_disk}: No space left on device" in line
    assert os.listdir(small_disk) == []


def test_a_full_disk_shows_when_a_picture_is_written(small_disk):
    with pytest.raises(OSError, match="No space left") as error:
        images.write(small_disk / "x.png", np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8))
    assert error.value.filename == str(small_disk / "x.png")
    assert os.listdir(small_disk) == []


def test_a_file_in_place_of_the_folder(folder, tmp_path, capsys):
    (tmp_path / "out").write_bytes(b"mine")
    assert f"{tmp_path / 'out'}: " in fails(capsys, "pack", folder, tmp_path / "out", "--domain", "d")
    assert f"{tmp_path / 'out'}: " in fails(capsys, "pack", folder, tmp_path / "out/deeper", "--domain", "d")
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_unwritable_and_unreadable_folders(open_dir, capsys, no_privileges):
    shutil.copy(PICTURES / "nt-cat.png", open_dir / "cat.png")
    for name, mode in (("read-only", 0o555), ("closed", 0o000)):
        (open_dir / name).mkdir()
        (open_dir / name).chmod(mode)
    line = fails(capsys, "pack", open_dir / "cat.png", open_dir / "read-only", "--domain", "d")
    assert f"{open_dir / 'read-only'}" in line
    assert "Permission denied" in line
    line = fails(capsys, "pack", open_dir / "cat.png", open_dir / "closed", "--domain", "d")
    assert "Permission denied" in line
    line = fails(capsys, "pack", open_dir / "closed", open_dir / "out", "--domain", "d")
    assert f"{open_dir / 'closed'}: Permission denied" in line
    (open_dir / "cat.png").chmod(0)
    line = fails(capsys, "pack", open_dir / "cat.png", open_dir / "out", "--domain", "d")
    assert "cat.png: Permission denied" in line


def test_unreadable_shards(shards, open_dir, capsys, no_privileges):
    (open_dir / "x00-1.tfrec").write_bytes(b"x")
    (open_dir / "x00-1.tfrec").chmod(0)
    capsys.readouterr()
    assert records.main(["check", str(open_dir)]) == 2
    assert f"{open_dir / 'x00-1.tfrec'}: Permission denied" in capsys.readouterr().err
    (open_dir / "closed").mkdir(mode=0)
    assert f"{open_dir / 'closed'}: Permission denied" in fails(capsys, "check", open_dir / "closed")


def test_stopping_leaves_nothing_behind(folder, tmp_path):
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packing.pack(folder, tmp_path / "out", domain="d", shard_size=1, progress=stop)
    assert not (tmp_path / "out").exists()


KILLED = """
import os, signal, sys
from pixelart_tf.data import packing

replace, left = os.replace, 3

def killed(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*arguments)

os.replace = killed
packing.pack(sys.argv[1], sys.argv[2], domain="d", size=16, shard_size=1, overwrite=True)
"""


@pytest.mark.slow
def test_a_pack_that_was_killed_between_its_moves_is_whole(folder, tmp_path):
    """It left some of the new shards beside some of the old ones."""
    out = tmp_path / "out"
    packing.pack(folder, out, domain="d", size=16)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(out)], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == -9
    assert 1 < len(list(out.glob("*.tfrec"))) < 7   # half moved
    assert [shard.path.name for shard in shard_files.check_shards(out)] == [f"d{i:02}-1.tfrec" for i in range(6)]
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


def test_what_is_being_written_by_another_process_stays(folder, tmp_path):
    (tmp_path / "out" / f".packing-x-{os.getppid()}").mkdir(parents=True)
    (tmp_path / "out" / ".packing-x-999999999").mkdir()
    packing.pack(folder, tmp_path / "out", domain="d", size=16)
    hidden = [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    assert hidden == [f".packing-x-{os.getppid()}"]


# --- check ---


def test_check_prints_a_table(shards, capsys):
    assert records.main(["check", str(shards)]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert table[0] == ["shard", "by", "name", "records", "sizes", "formats", "bad"]
    assert table[1] == ["monet00-2.tfrec", "2", "2", "256x256", "(2)", "jpeg", "(2)", "0"]
    assert table[-1] == ["3", "shards", "6", "6", "0"]


def test_check_finds_every_flipped_byte(shards, capsys):
    path = shards / "monet00-2.tfrec"
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 12).astype(int):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        line = fails(capsys, "check", path)
        assert f"{path}: damaged after " in line
        with pytest.raises(shard_files.RecordError, match=r"monet00-2\.tfrec: damaged"):
            list(shard_files.read(shards))


def test_check_finds_every_cut(shards, capsys):
    path = shards / "monet00-2.tfrec"
    whole = path.read_bytes()
    first = 16 + struct.unpack("<Q", whole[:8])[0]   # length, its checksum, data, checksum of the data
    for length in (0, 1, 8, 100, first - 1, first + 5, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert f"{path}: {'damaged after' if length else 'empty file'}" in fails(capsys, "check", path)
    path.write_bytes(whole[:first])   # between two records, where no checksum can tell
    assert f"{path}: 2 records by its name, 1 in the file" in fails(capsys, "check", path)


def serialized(**features) -> bytes:
    import tensorflow as tf

    lists = {
        key: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        if isinstance(value, int)
        else tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (lambda: serialized(picture=b"x", label=3), "not of our schema: .*, found label, picture"),
        (lambda: serialized(image_name=b"x", image=7, target=b"x"), "not of our schema"),
        (lambda: serialized(), "found nothing"),
        (lambda: b"\xff\xff\xff", "record 0 is not a tf.train.Example"),
        (lambda: serialized(image_name=b"x", image=b"no picture", target=b"x"), "x: not a picture"),
        (
            lambda: serialized(image_name=b"x", image=images.encode(np.zeros((8, 8, 3), "u1"), "gif"), target=b"x"),
            "x: gif, neither JPEG nor PNG",
        ),
    ],
)
def test_records_of_another_schema(record, message, tmp_path, capsys):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(tmp_path / "x00-1.tfrec")) as writer:
        writer.write(record())
    line = fails(capsys, "check", tmp_path)
    assert re.search(message, line)
    assert f"{tmp_path / 'x00-1.tfrec'}: " in line


def test_check_goes_on_after_a_bad_shard(shards, capsys):
    (shards / "monet01-2.tfrec").write_bytes(b"no records, only text")
    assert "monet01-2.tfrec: damaged after 0 good records" in fails(capsys, "check", shards)
    assert len(list(shard_files.check_shards(shards))) == 3


def test_no_shards(tmp_path, capsys):
    assert f"{tmp_path}: no shards (*.tfrec) there" in fails(capsys, "check", tmp_path)
    assert "no shards" in fails(capsys, "check", tmp_path / "nothing*.tfrec")


# --- as a command ---


@pytest.mark.slow
def test_the_command_prints_its_line_and_nothing_else(shards):
    # TensorFlow itself would say a word on stderr about the machine and about the damage.
    path = shards / "monet02-2.tfrec"
    path.write_bytes(path.read_bytes()[:-1])
    command = [sys.executable, "-m", "pixelart_tf.records", "check", shards]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == f"python -m pixelart_tf.records: {path}: damaged after 1 good records (cut off)\n"


def test_the_bundled_shards_are_well_and_small():
    found = list(shard_files.check_shards(ROOT / "tfrecords"))
    assert [fault for shard in found for fault in shard.faults] == []
    assert sum(path.stat().st_size for path in (ROOT / "tfrecords").iterdir()) < 10_000_000
    numbers = {shard.path.name: shard.count for shard in found}
    assert sum(numbers.values()) == 3624
    for shard in found:
        size = "32x32" if re.search("sprite|tile|terrain", shard.path.name) else "256x256"
        assert list(shard.sizes) == [size]
    held_out = {name for name, _ in shard_files.read(ROOT / "tfrecords/heldout_*.tfrec")}
    for pattern in ("cartoon*.tfrec", "sprite*.tfrec", "photo*.tfrec"):
        assert not held_out & {name for name, _ in shard_files.read(ROOT / "tfrecords" / pattern)}


@pytest.mark.parametrize("length", [2**40, 2**63 - 1, 2**64 - 1, 113])
def test_a_length_that_no_file_has_is_not_believed(tmp_path, length):
    """In a process of its own, as TensorFlow died of it: 112 bytes that tell of a record of 2 ** 40."""
    path = tmp_path / "photo00-1.tfrec"
    content = (ROOT / "tests/data/shard_len_2e40.tfrec").read_bytes()
    if length != 2**40:   # the checksum of the length is wrong then
        content = struct.pack("<Q", length) + content[8:]
    path.write_bytes(content)
    command = [sys.executable, "-m", "pixelart_tf.records", "check", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{path}: damaged after 0 good records (cut off)" in done.stderr
    with pytest.raises(shard_files.RecordError, match="damaged after 0 good records"):
        list(shard_files.read(path))


def test_held_out_tiles_are_no_recolorings_of_those_that_are_trained_on():
    """Many tiles are one drawing in several colors; such ones have the same pixels that are not white."""
    shapes = {
        domain: {
            (images.read(encoded) != 255).any(axis=-1).tobytes()
            for _, encoded in shard_files.read(ROOT / "tfrecords" / f"{domain}*.tfrec")
        }
        for domain in ("tile", "heldout_tile")
    }
    assert len(shapes["heldout_tile"]) > 90
    assert not shapes["tile"] & shapes["heldout_tile"]

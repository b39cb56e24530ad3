"""Pictures as they are read: every kind of file, and those that cannot be read."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from noise import NOISE
from PIL import Image, ImageOps

from pixelart_tf.pictures import images

PICTURES = Path(__file__).parent / "data" / "pictures"


def encoded(picture: Image.Image, format: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def huge_png(side: int) -> bytes:
    """A valid PNG of side x side black pixels, one bit each: 30,000 x 30,000 takes 110 KB."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (1 + side // 8)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_read_of_lossless_formats_is_exact(format):
    assert (images.read(encoded(Image.fromarray(NOISE), format)) == NOISE).all()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_read_scales_16_bit_grey_to_8_bits(format):
    # 65535 / 255 = 257; Pillow's own conversion clips everything above 255 to white.
    grey = np.array([[0, 257, 32896, 65535]], np.uint16)
    assert images.read(encoded(Image.fromarray(grey), format))[0, :, 0].tolist() == [0, 1, 128, 255]


def test_read_takes_16_bit_color():
    # Pillow writes no 16-bit RGB, so the file is put together here: 1x1, depth 16, color type 2.
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = zlib.compress(b"\0" + struct.pack(">HHH", 0xFFFF, 0x8080, 0))
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    assert images.read(file).tolist() == [[[255, 128, 0]]]


def test_read_takes_cmyk():
    cmyk = Image.new("CMYK", (4, 4), (0, 255, 255, 0))   # magenta and yellow inks make red
    assert images.read(encoded(cmyk, "TIFF"))[0, 0].tolist() == [255, 0, 0]
    assert abs(images.read(encoded(cmyk, "JPEG"))[0, 0].astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_read_puts_transparency_over_white(mode):
    # alpha a over white: color * a / 255 + 255 - a. 100 at a = 51 (a fifth): 20 + 204 = 224.
    picture = Image.new(mode, (3, 2), (100, 100, 100, 51) if mode == "RGBA" else (100, 51))
    assert np.unique(images.read(encoded(picture, "PNG"))).tolist() == [224]
    assert images.read(encoded(picture, "PNG"), mode="RGBA")[0, 0].tolist() == [100, 100, 100, 51]


def test_read_takes_palette_with_transparency():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    assert images.read(encoded(picture, "PNG", transparency=0)).tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_read_takes_grey_and_one_bit():
    assert images.read(encoded(Image.new("L", (2, 2), 77), "PNG"))[0, 0].tolist() == [77, 77, 77]
    assert images.read(encoded(Image.new("1", (2, 2), 1), "PNG"))[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_read_takes_the_first_frame_of_an_animation(format):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    picture = images.read(encoded(frames[0], format, save_all=True, append_images=frames[1:]))
    assert picture.shape == (8, 8, 3)
    assert abs(picture[4, 4].astype(int) - [255, 0, 0]).max() <= 3   # WebP is lossy


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_turns_upright_as_pillow_does(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(Image.fromarray(NOISE), format, exif=exif)
    with Image.open(io.BytesIO(file)) as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    assert (images.read(file) == upright).all()
    assert upright.shape == ((10, 20, 3) if orientation < 5 else (20, 10, 3))


def test_read_survives_a_damaged_exif_block():
    file = encoded(Image.fromarray(NOISE), "JPEG", exif=b"Exif\0\0" + b"\xff" * 40)
    assert images.read(file).shape == (10, 20, 3)


def test_read_takes_a_single_pixel():
    assert images.read(encoded(Image.new("RGB", (1, 1), "red"), "PNG")).tolist() == [[[255, 0, 0]]]


BAD = {
    "zero bytes": (b"", "empty file"),
    "text": (b"I am a text file, whatever my name says.\n", "not a picture"),
    "truncated JPEG": ((PICTURES / "gc-cow.jpg").read_bytes()[:9000], "truncated"),
    "truncated PNG": ((PICTURES / "nt-pie.png").read_bytes()[:9000], "damaged"),
    "bomb": (huge_png(30_000), "50,000,000 pixels"),
    "bomb that Pillow would only warn of": (huge_png(12_000), "50,000,000 pixels"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("case", BAD)
def test_read_names_the_bad_file_and_the_reason_in_one_line(case, tmp_path):
    file, reason = BAD[case]
    path = tmp_path / "x.jpg"
    path.write_bytes(file)
    with pytest.raises(images.ImageError, match=reason) as error:
        images.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_bomb_is_refused_without_pillows_warning(tmp_path):
    # In a process of its own: pytest sets the filters of warnings aside.
    (tmp_path / "x.png").write_bytes(huge_png(12_000))
    program = "from pixelart_tf.pictures import images\ntry: images.read('x.png')\nexcept ValueError: print(1)"
    command, path = [sys.executable, "-c", program], str(Path(__file__).parent.parent)
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": path})
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_every_cut_of_a_picture_is_an_image_error():
    for name in ("gc-cow.jpg", "crawl-dngn-altars-dithmenos.png"):
        whole = (PICTURES / name).read_bytes()
        for length in range(1, len(whole) - 20, max(1, len(whole) // 60)):
            with pytest.raises(images.ImageError, match=r"^cut: "):
                images.read(whole[:length], name="cut")


def test_a_flipped_byte_is_an_image_error_or_a_picture():
    for name in ("nt-pie.png", "gc-cow.jpg"):
        whole = (PICTURES / name).read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 100)):
            file = bytearray(whole)
            file[place] ^= 0xFF
            try:
                assert images.read(bytes(file)).ndim == 3   # in the pixels, JPEG cannot tell
            except images.ImageError as error:
                assert str(error).startswith("picture: ")   # noqa: PT017


def test_missing_file_and_folder_are_image_errors(tmp_path):
    with pytest.raises(images.ImageError, match=r"nothing\.png: No such file"):
        images.read(tmp_path / "nothing.png")
    with pytest.raises(images.ImageError, match="Is a directory"):
        images.read(tmp_path)


def test_no_other_program_is_started_for_a_picture():
    """A PostScript file with a picture's name, for which Pillow would start Ghostscript."""
    path = Path(__file__).parent / "data" / "postscript_cat.png"
    assert path.read_bytes().startswith(b"%!PS")
    with pytest.raises(images.ImageError, match="not a picture, or of an unknown format"):
        images.read(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "z.png")
    with pytest.raises(images.ImageError, match=r"z\.png: not a regular file"):
        images.read(tmp_path / "z.png")


def test_large_pictures_wait_for_one_another_and_what_waits_is_bounded(monkeypatch):
    """Twelve large pictures were all held at once."""
    from pixelart_tf.base import limits
    from pixelart_tf.base.threads import ahead

    monkeypatch.setattr(limits, "AHEAD_BYTES", 2 * 64 * 64 * 3)
    picture, alive, most = np.zeros((64, 64, 3), np.uint8), [], 0

    def make(number):
        alive.append(number)
        return picture.copy(), number

    for _, number in ahead(make, range(40), num_threads=1, depth=30):
        most = max(most, len(alive) - number)
    assert most <= 5   # two that fit, one that is being made, and one on its way
    assert images.alone(3000, 3000) is not images.alone(5000, 5000)
    with images.alone(5000, 5000), images.alone(5000, 5000):   # a thread does not wait for itself
        pass


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_heic_is_read_where_its_library_is_there(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    image = images.read(PICTURES / "gc-cow.jpg")
    pillow_heif.from_pillow(Image.fromarray(image)).save(tmp_path / "a.heic", quality=95)
    found = images.read(tmp_path / "a.heic")
    assert np.abs(found.astype(int) - image).mean() < 3
    assert images.is_picture_name("a.HEIC")
    with pytest.raises(images.ImageError, match="cut: damaged picture"):
        images.read((tmp_path / "a.heic").read_bytes()[:500], name="cut")


def test_without_the_library_heic_is_named_with_what_to_install(tmp_path):
    (tmp_path / "a.heic").write_bytes(HEIC)
    images.write(tmp_path / "b.png", np.zeros((4, 4, 3), np.uint8))
    code = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "import importlib.util; found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'pillow_heif' else found(name)\n"
        "from pixelart_tf.pictures import finding, images\n"
        "print([path.name for path in finding.pictures(sys.argv[1])])\n"
        "try: images.read(sys.argv[1] + '/a.heic')\n"
        "except images.ImageError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    hint = 'takes pillow-heif: pip install "pixelart-tf[heic]"'
    assert done.stdout == f"['b.png']\n{tmp_path / 'a.heic'}: HEIC, which {hint}\n"
    assert done.stderr == (
        f"note: 1 file in {tmp_path} is no picture that can be read here: 1 .heic (HEIC {hint})\n"
    )

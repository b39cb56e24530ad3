import struct

import numpy as np
import pytest
from PIL import Image

from pixelart_tf.base import cli
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import palette_files
from pixelart_tf.pixelize.palette_files import PaletteError

COLORS = [[255, 0, 64], [19, 19, 19], [255, 255, 255]]


def riff(entries: bytes, count: int) -> bytes:
    """A palette as Microsoft's "Multimedia Programming Interface" (1991) lays it out."""
    data = struct.pack("<HH", 0x0300, count) + entries
    body = b"PAL " + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def swatches(*colors) -> bytes:
    """As Adobe's files are, by what is public of them: big-endian, names in UTF-16 that end in zero."""
    blocks = b""
    for model, *values in colors:
        body = struct.pack(">H", 2) + "a\0".encode("utf-16-be") + model + struct.pack(f">{len(values)}f", *values)
        body += b"\0\2"
        blocks += struct.pack(">HI", 1, len(body)) + body
    return b"ASEF\0\1\0\0" + struct.pack(">I", len(colors)) + blocks


GOOD = {
    "gimp.gpl": b"GIMP Palette\nName: Some colors\nColumns: 3\n#\n# note: 1 2 3\n255   0  64\tBlood\n 19 19 19\n\n"
    b"255 255 255 White 2\n",
    "aseprite.gpl": b"GIMP Palette\nChannels: RGBA\n#\n255 0 64 255 Blood\n19 19 19 255 Dark\n255 255 255 255 White\n",
    "windows.gpl": b"\xef\xbb\xbfGIMP Palette\r\nName: x\r\n255 0 64\r\n19 19 19\r\n255 255 255\r\n",
    "lospec.hex": b"ff0040\n131313\nFFFFFF\n",
    "hashes.HEX": b"#ff0040\r\n\r\n#131313\r\n#FFFFFF",
    "twice.hex": b"ff0040\n131313\nff0040\nffffff\n131313\n",
    "jasc.pal": b"JASC-PAL\r\n0100\r\n3\r\n255 0 64\r\n19 19 19\r\n255 255 255\r\n",
    "wrong_count.pal": b"JASC-PAL\r\n0100\r\n16\r\n255 0 64\r\n19 19 19\r\n255 255 255\r\n",
    "alpha.pal": b"JASC-PAL\n0100\n4\n255 0 64 255\n1 2 3 0\n19 19 19 255\n255 255 255 255\n",
    "alpha.gpl": b"GIMP Palette\nChannels: RGBA\n#\n1 2 3 0 Mask\n255 0 64 255 Blood\n19 19 19 255\n255 255 255 9\n",
    "solar.gpl.txt": b"GIMP Palette\n#\n255 0 64 k\n19 19 19\n255 255 255 w\n",
    "gimp.pal": b"GIMP Palette\n#\n255 0 64 k\n19 19 19\n255 255 255 w\n",
    "list.txt": b"ff0040\n131313\nffffff\n",
    "paint_net.txt": b";paint.net Palette File\n;Colors: 3\nFFff0040\nFF131313\n00123456\nFFffffff\n",
    "prefixes.hex": b"// mine\n0xff0040\n#131313, 0xFFFFFF\n",
    "names.hex": b"# mine\nff0040 Blood\n#131313ff\tDark\nffffff, white\n",
    "one_line.hex": b"ff0040,131313,ffffff",
    "no_suffix": b"ff0040\n131313\nffffff\n",
    "raw.act": bytes([255, 0, 64, 19, 19, 19]) + b"\xff" * 762,
    "counted.act": bytes([255, 0, 64, 7, 7, 7, 19, 19, 19, 255, 255, 255]) + bytes(756) + b"\x00\x04\x00\x01",
    "nes.pal": bytes([255, 0, 64, 19, 19, 19]) + b"\xff" * 186,
    "adobe.ase": swatches((b"RGB ", 1, 0, 64 / 255), (b"Gray", 19 / 255), (b"CMYK", 0, 0, 0, 0)),
    "riff.pal": riff(bytes([255, 0, 64, 0, 19, 19, 19, 0, 255, 255, 255, 4]), 3),
}


@pytest.mark.parametrize("name", GOOD)
def test_known_kinds(tmp_path, name):
    (tmp_path / name).write_bytes(GOOD[name])
    found = palette_files.read(tmp_path / name)
    assert found.dtype == np.uint8
    assert found.tolist() == COLORS


BAD = {
    "a.gpl": (b"", "no colors in it"),
    "b.gpl": (b"GIMP\n1 2 3\n", "line 1: expected 6 hexadecimal digits, not 'GIMP'"),
    "c.gpl": (b"GIMP Palette\nName: x\n#\n1 2\n", "line 4: expected three numbers from 0 to 255, not '1 2'"),
    "d.gpl": (b"GIMP Palette\n1 2 3\n1 2 256 x\n", "line 3: expected three numbers from 0 to 255, not '1 2 256 x'"),
    "e.gpl": (b"GIMP Palette\n1 -2 3\n", "line 2: expected three numbers from 0 to 255"),
    "f.gpl": (b"GIMP Palette\nName: x\n#\n", "no colors in it"),
    "g.gpl": ("GIMP Palette\n1 2 \u00b3\n".encode(), "line 2: expected three numbers"),
    "h.gpl": (b"GIMP Palette\n" + b"x" * 5000, "line 2: expected three numbers from 0 to 255, not 'xxxxx"),
    "i.gpl": (b"GIMP Palette\nChannels: RGBA\n1 2 3\n", "line 3: expected four numbers from 0 to 255, not '1 2 3'"),
    "b.hex": (b"ff0040\nff004\n", "line 2: expected 6 hexadecimal digits, not 'ff004'"),
    "c.hex": (b"ff0040, 12\nff0040, #12345\n", "line 2: expected 6 hexadecimal digits, not '#12345'"),
    "e.hex": (b"ff00\x0040\n", "neither text nor a palette of bytes that is known"),
    "f.hex": ("".join(f"{i:06x}\n" for i in range(300)).encode(), "300 different colors; a palette has 256 at most"),
    "b.pal": (b"JASC-PAL\n0200\n", "line 2: expected '0100'"),
    "c.pal": (b"JASC-PAL\n0100\n", "line 3: expected the number of colors, not ''"),
    "e.pal": (b"JASC-PAL\n0100\n1\n1 2 3 4 5\n", "line 4: expected three or four numbers from 0 to 255, not '1 2 3 4"),
    "f.pal": (b"JASC-PAL\n0100\n0\n", "no colors in it"),
    "g.pal": (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a RIFF file, but not a palette"),
    "h.pal": (riff(bytes(8), 3), "cut off: 3 colors announced, 2 there"),
    "i.pal": (riff(b"", 0), "no colors in it"),
    "j.pal": (riff(bytes(4), 1)[:21], "cut off: 0 colors announced, 0 there"),
    "k.pal": (b"RIFF\x04\x00\x00\x00PAL ", "no colors in it"),
    "a.ase": (swatches((b"RGB ", 1, 0, 0))[:-4], "cut off within color 1"),
    "b.ase": (swatches((b"LAB ", 1, 0, 0)), "color 1 is of the model 'LAB ', not RGB, Gray or CMYK"),
    "a.txt": (b"dear all,\n", "line 1: expected 6 hexadecimal digits, not 'dear all'"),
    "a.png": (b"\x89PNG\r\n\x1a\n123", "neither text nor a palette of bytes"),
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_files_are_told_in_one_line(tmp_path, name):
    content, reason = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(cli.UserError) as caught:
        palette_files.read(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / name}: {reason}")
    assert "\n" not in message
    assert len(message) < len(str(tmp_path)) + 160


@pytest.mark.parametrize("name", ["gone.gpl", "gone.png"])
def test_no_file(tmp_path, name):
    with pytest.raises(cli.UserError, match="No such file"):
        palette_files.read(tmp_path / name)


def test_every_cut_of_a_binary_palette_is_refused(tmp_path):
    content = GOOD["riff.pal"]
    for length in range(4, len(content)):
        (tmp_path / "cut.pal").write_bytes(content[:length])
        with pytest.raises(PaletteError):
            palette_files.read(tmp_path / "cut.pal")


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_pictures_in_reading_order(tmp_path, suffix):
    picture = np.array([[COLORS[0], COLORS[1], COLORS[0]], [COLORS[2], COLORS[1], COLORS[2]]], np.uint8)
    images.write(tmp_path / f"p{suffix}", picture)
    assert palette_files.read(tmp_path / f"p{suffix}").tolist() == COLORS


def test_what_is_fully_transparent_is_no_color(tmp_path):
    picture = np.array([[[9, 9, 9, 0], [*COLORS[0], 255], [*COLORS[1], 40]]], np.uint8)
    images.write(tmp_path / "p.png", picture)
    assert palette_files.read(tmp_path / "p.png").tolist() == COLORS[:2]
    images.write(tmp_path / "p.png", picture[:, :1])
    with pytest.raises(PaletteError, match="no colors in it"):
        palette_files.read(tmp_path / "p.png")


def test_a_photograph_is_no_palette(tmp_path):
    picture = np.arange(257 * 3, dtype=np.uint16).astype(np.uint8).reshape(1, 257, 3)
    picture[..., 0] = np.arange(257) >> 8
    images.write(tmp_path / "p.png", picture)
    count = len(np.unique(picture[0], axis=0))
    assert count > 256
    with pytest.raises(PaletteError, match=f"{count} different colors; a palette has 256 at most"):
        palette_files.read(tmp_path / "p.png")


@pytest.mark.parametrize("suffix", palette_files.WRITES)
def test_written_palettes_are_read_again(tmp_path, suffix):
    random = np.random.default_rng(0)
    for k in (1, 2, 16, 256):
        palette = random.permutation(np.unique(random.integers(0, 256, (k, 3)), axis=0)).astype(np.uint8)
        path = tmp_path / f"p{k}{suffix}"
        palette_files.write(path, palette, "Some\nname")
        assert (palette_files.read(path) == palette).all()
        assert not list(tmp_path.glob(".part*"))


def test_written_text(tmp_path):
    palette = np.array(COLORS, np.uint8)
    palette_files.write(tmp_path / "warm.gpl", palette)
    expected = "GIMP Palette\nName: warm\n#\n255 0 64\tff0040\n19 19 19\t131313\n255 255 255\tffffff\n"
    assert (tmp_path / "warm.gpl").read_text() == expected
    palette_files.write(tmp_path / "warm.gpl", palette, "Two words")
    assert "Name: Two words\n" in (tmp_path / "warm.gpl").read_text()
    palette_files.write(tmp_path / "warm.hex", palette)
    assert (tmp_path / "warm.hex").read_text() == "ff0040\n131313\nffffff\n"
    palette_files.write(tmp_path / "warm.pal", palette)
    assert (tmp_path / "warm.pal").read_text() == "JASC-PAL\n0100\n3\n255 0 64\n19 19 19\n255 255 255\n"
    palette_files.write(tmp_path / "warm.png", palette)
    assert Image.open(tmp_path / "warm.png").size == (3, 1)


def test_what_cannot_be_written(tmp_path):
    palette = np.array(COLORS, np.uint8)
    with pytest.raises(PaletteError, match=r"must be written as one of \.gpl \.hex \.pal \.png"):
        palette_files.write(tmp_path / "p.gif", palette)
    with pytest.raises(OSError, match="No such file") as caught:
        palette_files.write(tmp_path / "gone" / "p.hex", palette)
    assert caught.value.filename == str(tmp_path / "gone" / "p.hex")
    with pytest.raises(ValueError, match="`palette` must be uint8"):
        palette_files.write(tmp_path / "p.hex", np.zeros((257, 3), np.uint8))
    assert not list(tmp_path.iterdir())

"""ICC profiles, put together here from published numbers, against the arithmetic of the standards."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from pixelart_tf.films.reading import open_film
from pixelart_tf.pictures import images, profiles

# CIE XYZ of red, green and blue, adapted to D50, as the profiles of these names have them.
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
ADOBE_GAMMA = 563 / 256
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
D50 = (0.9642, 1.0, 0.8249)
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*values)


def text(name: str) -> bytes:
    encoded = name.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">2I", 1, 12) + b"enUS" + struct.pack(">2I", len(encoded), 28) + encoded


def profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 4 (ICC.1:2010, 7)."""
    tags = {b"desc": text("made for a test"), b"cprt": text("public domain"), b"wtpt": xyz(D50)} | tags
    place, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += name + struct.pack(">2I", place + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s4sIIIQI", 0, b"none", 0x04000000, kind, space, connection, bytes(12), b"acsp",
                       b"APPL", 0, 0, 0, 0, 0) + fixed(*D50)
    head += bytes(128 - len(head))
    whole = head + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", len(whole)) + whole[4:]


def of_matrix(matrix: np.ndarray, curve: bytes) -> bytes:
    tags = {name + b"XYZ": xyz(tuple(column)) for name, column in zip((b"r", b"g", b"b"), matrix.T, strict=True)}
    return profile(b"mntr", b"RGB ", b"XYZ ", tags | {name + b"TRC": curve for name in (b"r", b"g", b"b")})


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


P3 = of_matrix(DISPLAY_P3, b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + fixed(*SRGB_CURVE))
ADOBE = of_matrix(ADOBE_RGB, gamma(ADOBE_GAMMA))
GREY = profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma(1.0)})


def decoded(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_srgb(light: np.ndarray) -> np.ndarray:
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def meant(pixels: np.ndarray, matrix: np.ndarray, decode) -> np.ndarray:
    return to_srgb(decode(pixels / 255) @ matrix.T @ np.linalg.inv(SRGB).T)


def encoded(picture: Image.Image, format: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


CASES = {
    "Display P3": (P3, DISPLAY_P3, decoded),
    "Adobe RGB": (ADOBE, ADOBE_RGB, lambda values: values**ADOBE_GAMMA),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_colors_are_what_their_profile_means(name, format):
    icc, matrix, decode = CASES[name]
    options = {"lossless": True} if format == "WEBP" else {}
    found = images.read(encoded(Image.fromarray(PIXELS), format, icc_profile=icc, **options))
    off = found - meant(PIXELS, matrix, decode)
    assert np.abs(off).max() < 3   # littlecms works with 15 bits of light, which is coarse near black
    assert np.abs(off).mean() < 0.5
    assert np.abs(found.astype(int) - PIXELS).max() > 30


def test_of_a_jpeg_too():
    flat = np.full((16, 16, 3), (200, 60, 40), np.uint8)
    found = images.read(encoded(Image.fromarray(flat), "JPEG", icc_profile=P3, quality=95))
    assert np.abs(found - meant(flat, DISPLAY_P3, decoded)).max() < 6


def test_alpha_is_kept():
    pixels = np.dstack([PIXELS, np.arange(192, dtype=np.uint8).reshape(12, 16)])
    found = images.read(encoded(Image.fromarray(pixels), "PNG", icc_profile=P3), mode="RGBA")
    assert (found[..., 3] == pixels[..., 3]).all()
    opaque = images.read(encoded(Image.fromarray(PIXELS), "PNG", icc_profile=P3))
    assert (found[..., :3] == opaque).all()


def test_palettes_and_their_transparency():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 200, 60, 40])
    picture.putpixel((1, 0), 1)
    found = images.read(encoded(picture, "PNG", icc_profile=P3, transparency=0), mode="RGBA")
    expected = meant(np.array([200, 60, 40]), DISPLAY_P3, decoded)
    assert found[0, 0, 3] == 0
    assert np.abs(found[0, 1, :3] - expected).max() < 2
    assert found[0, 1, 3] == 255


@pytest.mark.parametrize("wide", [False, True])
def test_grey(wide):
    # Of linear light: half of it is sRGB's 188.
    grey = np.array([[0, 32768 if wide else 128, 65535 if wide else 255]], np.uint16 if wide else np.uint8)
    found = images.read(encoded(Image.fromarray(grey), "PNG", icc_profile=GREY))
    assert np.abs(found[0].astype(int) - np.array([[0], [188], [255]])).max() <= 1
    # Grey pixels under a profile of RGB
    adobe = images.read(encoded(Image.fromarray(grey), "PNG", icc_profile=ADOBE))[0, 1]
    assert np.abs(adobe - to_srgb(np.float64(128 / 255) ** ADOBE_GAMMA)).max() < 2


def test_16_bit_color():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = zlib.compress(b"\0" + struct.pack(">HHH", 200 * 257, 60 * 257, 40 * 257))
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    icc = b"P3\0\0" + zlib.compress(P3)
    parts = chunk(b"IHDR", header) + chunk(b"iCCP", icc) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    found = images.read(b"\x89PNG\r\n\x1a\n" + parts)[0, 0]
    assert np.abs(found - meant(np.array([200, 60, 40]), DISPLAY_P3, decoded)).max() < 2


def test_cmyk():
    # A table of the 16 mixtures of full inks, in CIE L*a*b* of 8 bits: all white but magenta with yellow, sRGB's red
    # (54.3, 80.8, 69.9 at D50), and what has black ink, black.
    identity = bytes(range(256))
    red = bytes([round(54.3 * 2.55), round(80.8 + 128), round(69.9 + 128)])
    corners = [
        bytes([0, 128, 128]) if key else red if (cyan, magenta, yellow) == (0, 1, 1) else bytes([255, 128, 128])
        for cyan in (0, 1) for magenta in (0, 1) for yellow in (0, 1) for key in (0, 1)
    ]
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += 4 * identity + b"".join(corners) + 3 * identity
    icc = profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table, b"A2B1": table})
    inks = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    inks.putpixel((1, 0), (0, 0, 0, 0))
    inks.putpixel((0, 1), (0, 0, 0, 255))
    found = images.read(encoded(inks, "TIFF", icc_profile=icc)).astype(int)
    assert np.abs(found[0, 0] - [255, 0, 0]).max() < 8
    assert found[0, 1].tolist() == [255] * 3
    assert found[1, 0].max() < 8
    assert np.abs(images.read(encoded(inks, "JPEG", icc_profile=icc, quality=100))[0, 0] - found[0, 0]).max() < 8
    # Without it, or with one for other pixels, inks are taken as they were.
    plain = images.read(encoded(inks, "TIFF"))
    assert plain[0, 0].tolist() == [255, 0, 0]
    assert (images.read(encoded(inks, "TIFF", icc_profile=P3)) == plain).all()


def test_srgb_is_left_alone():
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = of_matrix(SRGB, b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + fixed(*SRGB_CURVE))
    for icc in (own, same):
        assert (images.read(encoded(Image.fromarray(PIXELS), "PNG", icc_profile=icc)) == PIXELS).all()
        assert profiles.is_srgb(Image.open(io.BytesIO(encoded(Image.fromarray(PIXELS), "PNG", icc_profile=icc))))


def test_a_damaged_profile_is_no_fault_of_the_pixels():
    random = np.random.default_rng(1)
    damaged = [b"no profile", P3[:200], bytes(len(P3)), GREY, profile(b"mntr", b"RGB ", b"XYZ ", {})]
    for icc in damaged:
        assert (images.read(encoded(Image.fromarray(PIXELS), "PNG", icc_profile=icc)) == PIXELS).all()
    for _ in range(60):
        flipped = bytearray(P3)
        for place in random.integers(0, len(P3), 4):
            flipped[place] ^= int(random.integers(1, 256))
        assert images.read(encoded(Image.fromarray(PIXELS), "PNG", icc_profile=bytes(flipped))).shape == PIXELS.shape


def test_frames_of_an_animation(tmp_path):
    frames = [Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1])]
    path = tmp_path / "a.png"
    path.write_bytes(encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], icc_profile=P3))
    found = [frame.image for frame in open_film(path).frames()]
    for frame, pixels in zip(found, (PIXELS, PIXELS[::-1]), strict=True):
        assert np.abs(frame - meant(pixels, DISPLAY_P3, decoded)).max() < 3

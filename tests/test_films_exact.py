"""Films <-> frames: animations and lossless films give back each pixel, and what is transparent."""

import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from making_films import pictures
from PIL import GifImagePlugin, Image
from saving_films import Rate, arts, read, save

from pixelart_tf import films
from pixelart_tf.pixelize import Art

pytest.importorskip("av")


@pytest.mark.parametrize("suffix", [".gif", ".png", ".apng", ".webp", ""])
@pytest.mark.parametrize("shots", [1, 3])
@pytest.mark.parametrize("see_through", [False, True])
def test_animations_and_folders_are_exact(tmp_path, suffix, shots, see_through):
    opaque = np.zeros((7, 9), bool) if see_through else None
    made = list(arts(5, shots=shots, opaque=opaque))
    save(tmp_path / f"film{suffix}", made, scale=3)
    _, frames = read(tmp_path / f"film{suffix}")
    assert len(frames) == len(made)
    for art, frame in zip(made, frames, strict=True):
        expected = art.image(3)
        if frame.image.shape[-1] == 4 and expected.shape[-1] == 3:
            assert frame.image[..., 3].min() == 255
            frame = frame._replace(image=frame.image[..., :3])
        if expected.shape[-1] == 4:
            np.testing.assert_array_equal(frame.image[..., 3], expected[..., 3])
            frame.image[frame.image[..., 3] == 0] = 0   # what lies under transparency is not seen
        np.testing.assert_array_equal(frame.image, expected)
        assert frame.duration == Fraction(1, 25)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("scale", [1, 3])
def test_lossless_films_are_exact(tmp_path, suffix, scale):
    made = list(arts(6, rows=17, columns=23))   # odd sizes
    save(tmp_path / f"film{suffix}", made, scale=scale, lossless=True)
    found = pictures(tmp_path / f"film{suffix}")
    assert len(found) == 6
    for art, (_, image) in zip(made, found, strict=True):
        np.testing.assert_array_equal(image, art.image(scale))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_usual_films_keep_cells_apart(tmp_path, suffix):
    made = list(arts(4, rows=15, columns=21, k=8))
    save(tmp_path / f"film{suffix}", made, scale=8)
    for art, (_, image) in zip(made, pictures(tmp_path / f"film{suffix}"), strict=True):
        assert image.shape == (120, 168, 3)
        assert np.abs(image[4::8, 4::8].astype(int) - art.image()).mean() < 5


def test_more_colors_than_an_indexed_file_has(tmp_path):
    made = list(arts(2, k=200, rows=20, columns=20, shots=4))
    save(tmp_path / "film.png", made, scale=2)
    assert Image.open(tmp_path / "film.png").mode == "RGB"
    for art, frame in zip(made, read(tmp_path / "film.png")[1], strict=True):
        np.testing.assert_array_equal(frame.image[..., :3], art.image(2))
    save(tmp_path / "few.png", list(arts(3)), scale=2)
    assert Image.open(tmp_path / "few.png").mode == "P"


def test_apng_is_made_as_its_specification_says(tmp_path):
    # Chunks in order, checksums, one sequence over fcTL and fdAT, as many frames as acTL says.
    save(tmp_path / "film.apng", list(arts(4)))
    data, place, chunks = (tmp_path / "film.apng").read_bytes(), 8, []
    while place < len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length :][:4])[0] == zlib.crc32(name + body)
        chunks.append((name, body))
        place += 12 + length
    assert [name for name, _ in chunks] == [b"IHDR", b"acTL", b"PLTE", b"fcTL", b"IDAT"] + [b"fcTL", b"fdAT"] * 3 + [
        b"IEND"]
    assert struct.unpack(">2I", chunks[1][1]) == (4, 0)
    numbered = [struct.unpack(">I", body[:4])[0] for name, body in chunks if name in (b"fcTL", b"fdAT")]
    assert numbered == list(range(7))


def test_transparency_is_white_in_films_proper(tmp_path):
    opaque = np.array([[True, False], [False, True]])
    art = Art(index=np.zeros((2, 2), np.uint8), palette=np.array([[10, 20, 200]], np.uint8), opaque=opaque, cell=1)
    save(tmp_path / "film.mkv", [art], scale=8, lossless=True)
    image = pictures(tmp_path / "film.mkv")[0][1]
    np.testing.assert_array_equal(image[::8, ::8], np.where(opaque[..., None], [10, 20, 200], 255))


def see_through(index):
    """Art of 4x4 cells of which a column is transparent."""
    opaque = np.ones((4, 4), bool)
    opaque[:, index] = False
    palette = np.array([[200, 30, 40], [20, 30, 200]], np.uint8)
    return Art(index=np.eye(4, dtype=np.uint8), palette=palette, opaque=opaque, cell=1)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_nothing_is_seen_through_what_is_transparent(tmp_path, suffix):
    """A GIF's opaque frame stayed below the next one."""
    art = see_through(1)
    whole = Art(index=1 - art.index, palette=art.palette, opaque=np.ones((4, 4), bool), cell=1)
    made = [whole, art, whole, whole, see_through(2), whole]
    save(tmp_path / f"film{suffix}", made, scale=3)
    for each, frame in zip(made, read(tmp_path / f"film{suffix}")[1], strict=True):
        expected = np.dstack([each.image(3)[..., :3], np.uint8(255) * each.opaque.repeat(3, 0).repeat(3, 1)])
        found = np.array(Image.fromarray(frame.image).convert("RGBA"))
        found[found[..., 3] == 0] = 0
        expected[expected[..., 3] == 0] = 0
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_an_animation_plays_as_often_as_before(tmp_path, suffix, plays):
    film = Rate()
    film.plays = plays
    save(tmp_path / f"film{suffix}", arts(3), film=film)
    with Image.open(tmp_path / f"film{suffix}") as made:
        # A GIF tells how often it begins anew, and without a number it does not; the others, how often they are shown.
        told = {0: 0, 1: None, 3: 2}[plays] if suffix == ".gif" else plays
        assert made.info.get("loop") == told
    assert films.open_film(tmp_path / f"film{suffix}").plays == plays


def test_what_a_gif_clears_is_transparent(tmp_path):
    """Pillow puts the background's color there, where browsers show what is below the GIF."""
    red, small = Image.new("RGB", (6, 4), (200, 0, 0)), Image.new("RGB", (2, 2), (0, 0, 200))
    with (tmp_path / "a.gif").open("wb") as file:
        file.write(b"GIF89a" + struct.pack("<HH3B", 6, 4, 0x70, 0, 0))
        for image, corner, disposal in ((red, (0, 0), 2), (small, (1, 1), 1), (small, (4, 0), 3), (small, (5, 3), 1)):
            image = image.convert("P", palette=Image.Palette.ADAPTIVE)
            parts = GifImagePlugin.getdata(image, corner, include_color_table=True, duration=50, disposal=disposal)
            file.write(b"".join(parts))
        file.write(b";")
    film, found = read(tmp_path / "a.gif")
    assert film.notes == []
    assert found[0].image.tolist() == np.array(red).tolist()
    seen = [frame.image[..., 3] > 0 for frame in found[1:]]
    expected = np.zeros((3, 4, 6), bool)
    expected[:, 1:3, 1:3] = expected[1, :2, 4:] = expected[2, 3, 5] = True
    np.testing.assert_array_equal(seen, expected)
    assert {frame.duration for frame in found} == {Fraction(1, 20)}


def test_a_hidden_first_picture_is_no_frame(tmp_path):
    frames = [Image.new("RGB", (4, 4), (nth, 0, 0)) for nth in range(4)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], default_image=True, duration=80)
    film, found = read(tmp_path / "a.png")
    assert [int(frame.image[0, 0, 0]) for frame in found] == [1, 2, 3]
    assert (film.num_frames, film.notes) == (3, [])

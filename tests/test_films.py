"""Films <-> frames: times, rotation, sound, exact colors, and files that are no films."""

import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from making_films import PICTURES, packets, pan, pictures, write
from PIL import GifImagePlugin, Image

from pixelart_tf import films
from pixelart_tf.base.cli import UserError
from pixelart_tf.films.pyav import turned
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Art

av = pytest.importorskip("av")
VARIABLE = [0, 3000, 4500, 9000, 20000, 21000, 48000]   # in 1/90000 seconds


def arts(number, *, rows=7, columns=9, k=16, opaque=None, shots=1, seed=0):
    """Random art, of which about a third changes from frame to frame."""
    random = np.random.default_rng(seed)
    opaque = np.ones((rows, columns), bool) if opaque is None else opaque
    for _ in range(shots):
        palette = np.unique(random.integers(0, 256, (k, 3), np.uint8), axis=0)
        index = random.integers(0, len(palette), (rows, columns)).astype(np.uint8)
        for _ in range(number):
            fresh = random.integers(0, len(palette), (rows, columns)).astype(np.uint8)
            index = np.where(random.random((rows, columns)) < 0.3, fresh, index)
            yield Art(index=index, palette=palette, opaque=opaque & (random.random(opaque.shape) < 2 - opaque.all()),
                      cell=4)


class Rate:
    """What a writer asks of the film it is made from."""

    def __init__(self, path="film", rate=Fraction(25), time_base=None, sound=()):
        self.path, self.rate, self.time_base = path, rate, time_base or 1 / rate
        self.sound, self.notes = list(sound), []
        self.plays, self.origin, self.start, self.end = 0, Fraction(0), Fraction(0), None


def save(path, frames, *, scale=4, film=None, times=None, **options):
    """Writes frames; by default 25 a second."""
    film = film or Rate()
    with films.create(path, film, scale=scale, **options) as writer:
        for nth, art in enumerate(frames):
            time, duration = times[nth] if times else (nth / film.rate, 1 / film.rate)
            writer.write(art, time, duration)
    return film


def read(path, **options):
    film = films.open_film(path, **options)
    return film, list(film.frames())


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_frames_come_upright_at_their_exact_times(tmp_path, rotation):
    made = pan("gc-cow.jpg", 7)
    path = write(tmp_path / "film.mp4", made, times=VARIABLE, time_base=Fraction(1, 90000), rotation=rotation)
    film, frames = read(path)
    assert [frame.time for frame in frames] == [Fraction(time, 90000) for time in VARIABLE]
    assert [frame.duration for frame in frames[:-1]] == list(np.diff([frame.time for frame in frames]))
    assert (film.time_base, film.notes) == (Fraction(1, 90000), [])
    # A rotation of 90 turns what is stored by 90 degrees counterclockwise to show it, as np.rot90 does.
    for image, frame in zip(made, frames, strict=True):
        expected = np.rot90(image, rotation // 90)
        assert frame.image.shape == expected.shape
        assert np.abs(frame.image.astype(int) - expected).mean() < 5   # H.264 at crf 10


def test_rotation_agrees_with_ffmpeg(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    for rotation in (90, -90, 180):
        path = write(tmp_path / "film.mp4", pan("gc-cow.jpg", 1), rotation=rotation)
        subprocess.run([ffmpeg, "-v", "error", "-y", "-i", path, tmp_path / "frame.png"], check=True)
        frame = read(path)[1][0]
        assert np.abs(frame.image.astype(int) - images.read(tmp_path / "frame.png")).mean() < 3


def test_display_matrices_turn_and_mirror():
    # The eight matrices of ISO/IEC 14496-12 without translation: (x, y) goes to (a x + c y, b x + d y).
    image = np.arange(6).reshape(2, 3, 1)
    for a, b, c, d in [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1),
                       (0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0), (0, -1, -1, 0)]:
        height, width = (2, 3) if a else (3, 2)
        expected = np.empty((height, width, 1), int)
        for y in range(2):
            for x in range(3):
                expected[(b * x + d * y) % height, (a * x + c * y) % width] = image[y, x]
        # -x is counted from the far side: -1 is the first.
        expected = np.roll(expected, (-1 if b + d < 0 else 0, -1 if a + c < 0 else 0), axis=(0, 1))
        matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1]) * 65536
        np.testing.assert_array_equal(turned(image, matrix), expected)


def test_pixels_become_square(tmp_path):
    path = write(tmp_path / "film.mp4", pan("gc-cow.jpg", 2), pixel_shape=Fraction(3, 2))
    assert read(path)[1][0].image.shape == (96, 192, 3)


def test_colors_of_both_standards_are_read_right(tmp_path):
    # BT.709 and BT.601 give the same red other numbers; what is written is tagged and comes back within rounding.
    palette = np.array([[255, 0, 0], [0, 200, 0], [30, 60, 250], [128, 128, 128]], np.uint8)
    index = np.arange(4, dtype=np.uint8).reshape(2, 2)
    art = Art(index=index, palette=palette, opaque=np.ones((2, 2), bool), cell=64)
    save(tmp_path / "film.mp4", [art] * 3, scale=64)
    image = read(tmp_path / "film.mp4")[1][0].image
    assert np.abs(image[32::64, 32::64].astype(int) - palette[index]).max() <= 4


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


@pytest.mark.parametrize(("suffix", "unit"), [(".mp4", Fraction(1, 90000)), (".png", Fraction(1, 90000)),
                                          (".mkv", Fraction(1, 1000)), (".gif", Fraction(1, 100))])
def test_variable_times_are_kept(tmp_path, suffix, unit):
    path = write(tmp_path / "in.mp4", pan("nt-owl.png", 7), times=VARIABLE, time_base=Fraction(1, 90000))
    film, frames = read(path)
    save(tmp_path / f"out{suffix}", arts(7), film=film, times=[frame[1:] for frame in frames])
    if suffix == ".png":   # Pillow tells whole milliseconds; the file holds fractions
        data = (tmp_path / "out.png").read_bytes()
        places = [place for place in range(len(data)) if data[place : place + 4] == b"fcTL"]
        shown = [Fraction(*struct.unpack(">2H", data[place + 24 : place + 28])) for place in places]
        assert shown[:-1] == [frame.duration for frame in frames[:-1]]
        return
    _, again = read(tmp_path / f"out{suffix}")
    expected = [frame.time for frame in frames]
    if suffix == ".gif":   # 20000 and 21000 of 90000 are a hundredth of a second apart
        assert film.notes == [f"{tmp_path}/out.gif: frames left out, as a GIF shows at most 50 a second: 1"]
        expected = [time for nth, time in enumerate(expected) if nth != 5]
    assert len(again) == len(expected)
    assert all(abs(frame.time - time) <= unit / 2 for frame, time in zip(again, expected, strict=True))
    if suffix == ".mp4":
        assert [frame.time for frame in again] == expected


@pytest.mark.parametrize(("sound", "source", "suffix"), [
    ("aac", ".mp4", ".mp4"), ("aac", ".mp4", ".mkv"), ("libopus", ".mkv", ".webm"), ("libopus", ".mkv", ".mp4"),
])
def test_sound_is_copied_bit_by_bit(tmp_path, sound, source, suffix):
    path = write(tmp_path / f"in{source}", pan("nt-owl.png", 25), sound=sound)
    film, frames = read(path)
    save(tmp_path / f"out{suffix}", arts(25), film=film, times=[frame[1:] for frame in frames])
    before, after = packets(path, "audio"), packets(tmp_path / f"out{suffix}", "audio")
    assert [data for _, data in after] == [data for _, data in before]
    # Matroska has no negative times, as AAC begins with: all is later by one and the same. It counts milliseconds.
    later = pictures(tmp_path / f"out{suffix}")[0][0] - frames[0].time
    shifts = [float(after[nth][0] - before[nth][0] - later) for nth in (0, len(after) // 2, -1)]
    assert max(map(abs, shifts)) <= 0.002


def test_sound_that_does_not_fit(tmp_path):
    film, _ = read(write(tmp_path / "in.mp4", pan("nt-owl.png", 5), sound="aac"))
    with pytest.raises(UserError, match=r"out\.webm: aac sound does not go into \.webm as it is.*--no-sound"):
        save(tmp_path / "out.webm", arts(5), film=film)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4"]
    save(tmp_path / "out.webm", arts(5), film=film, sound=False)
    save(tmp_path / "out.gif", arts(5), film=film)
    assert film.notes == [f"{tmp_path}/out.gif: without the sound, as .gif has none"]


def test_folders_are_counted_as_people_do(tmp_path):
    for nth in range(1, 12):
        images.write(tmp_path / f"frame{nth}.png", np.full((4, 4, 3), nth, np.uint8))
    film, frames = read(tmp_path, rate=Fraction(12))
    assert [frame.image[0, 0, 0] for frame in frames] == list(range(1, 12))
    assert (film.num_frames, frames[-1].time, frames[-1].duration) == (11, Fraction(10, 12), Fraction(1, 12))
    images.write(tmp_path / "frame12.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(UserError, match=r"frames must be of one size\. Received: 4x4 and 5x4 at 0\.440 seconds"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_film_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path, suffix):
    whole = write(tmp_path / f"whole{suffix}", pan("gc-bison.jpg", 75), faststart=suffix == ".mp4")
    _, frames = read(whole)
    assert len(frames) == 75
    data = whole.read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: len(data) * 6 // 10])
    film, frames = read(tmp_path / f"cut{suffix}")
    assert 20 <= len(frames) <= 60
    if suffix != ".ts":   # which does not say how long it is
        assert any("cut off" in note or "cannot be read further" in note for note in film.notes)


def test_a_live_recording_does_not_say_when_it_ends():
    film, frames = read(PICTURES.parent / "films" / "live.webm")   # no duration of the stream, of the file, or as a tag
    assert (len(frames), film.notes, film.num_frames) == (12, [], None)
    assert [frame.time for frame in frames] == [Fraction(nth, 25) for nth in range(12)]


def test_damaged_frames_are_left_out(tmp_path):
    whole = write(tmp_path / "whole.mkv", pan("gc-bison.jpg", 60))
    data = bytearray(whole.read_bytes())
    for place in np.random.default_rng(0).integers(3000, len(data) - 1000, 40):
        data[place] ^= 255
    (tmp_path / "bad.mkv").write_bytes(data)
    film, frames = read(tmp_path / "bad.mkv")
    assert 20 < len(frames) < 60
    assert f"{tmp_path}/bad.mkv: damaged frames left out: {60 - len(frames)}" in film.notes
    assert sorted({frame.time for frame in frames}) == [frame.time for frame in frames]


def test_an_animation_that_is_cut_off(tmp_path):
    save(tmp_path / "film.gif", list(arts(20)))
    data = (tmp_path / "film.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(data[: len(data) // 2])
    film, frames = read(tmp_path / "cut.gif")
    assert 5 <= len(frames) <= 12
    assert film.notes == [f"{tmp_path}/cut.gif: cut off; {len(frames)} frames could be read"]


def test_what_is_no_film(tmp_path):
    (tmp_path / "text.mp4").write_text("no film at all " * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "half.mp4").write_bytes(write(tmp_path / "whole.mp4", pan("nt-owl.png", 9)).read_bytes()[:2000])
    (tmp_path / "bad.gif").write_bytes(b"GIF89a")
    (tmp_path / "folder").mkdir()
    with av.open(str(tmp_path / "tone.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for name, words in [
        ("text.mp4", "not a film"), ("empty.mp4", "empty file"), ("half.mp4", "not a film, damaged, or cut off"),
        ("bad.gif", "not an animation"), ("folder", "no pictures there"), ("tone.m4a", "has no pictures"),
    ]:
        with pytest.raises(UserError, match=f"{name}: .*{words}") as info:
            read(tmp_path / name)
        assert "\n" not in str(info.value)
    for name in ("nt-owl.png", "gc-cow.jpg"):
        with pytest.raises(UserError, match="a picture, not a film"):
            read(PICTURES / name)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.mp4")


def test_codecs_that_nobody_knows(tmp_path):
    data = write(tmp_path / "in.mp4", pan("nt-owl.png", 9), sound="aac").read_bytes()
    (tmp_path / "pictures.mp4").write_bytes(data.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC"))
    with pytest.raises(UserError, match=r"pictures\.mp4: its pictures are of a codec that this PyAV does not know"):
        read(tmp_path / "pictures.mp4")
    (tmp_path / "sound.mp4").write_bytes(data.replace(b"mp4a", b"zz4a").replace(b"esds", b"zsds"))
    film, frames = read(tmp_path / "sound.mp4")
    assert (film.sound, len(frames)) == (["unknown"], 9)
    with pytest.raises(UserError, match=r"out\.mp4: unknown sound does not go into \.mp4 as it is.*--no-sound"):
        save(tmp_path / "out.mp4", arts(9), film=film)


def test_transparency_of_webm_is_read(tmp_path):
    shape = np.zeros((64, 64), np.uint8)
    shape[16:48, 8:40] = 255
    with av.open(str(tmp_path / "in.webm"), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt, stream.options = "yuva420p", {"lossless": "1"}
        for _ in range(5):
            pixels = np.dstack([np.full((64, 64, 3), 90, np.uint8), shape])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgba").reformat(format="yuva420p")))
        container.mux(stream.encode(None))
    film, frames = read(tmp_path / "in.webm")
    assert (film.notes, [frame.time for frame in frames]) == ([], [Fraction(nth, 25) for nth in range(5)])
    for frame in frames:
        np.testing.assert_array_equal(frame.image[..., 3], shape)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc, where not even root may write")
@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.gif", "out.png", "out"])
def test_a_place_that_takes_no_file(name):
    with pytest.raises(OSError, match=f"/proc/{name}") as info:
        save(Path("/proc") / name, arts(3))
    assert info.value.filename == f"/proc/{name}"


def test_a_film_without_frames(tmp_path):
    with av.open(str(tmp_path / "none.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        container.start_encoding()
    with pytest.raises(UserError, match=r"none\.mkv: (a film without frames|not a film|has no pictures)"):
        read(tmp_path / "none.mkv")


def test_outputs_are_checked_first(tmp_path):
    path = write(tmp_path / "in.mp4", pan("nt-owl.png", 2))
    film = films.open_film(path)
    (tmp_path / "there.gif").write_bytes(b"")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "000001.png").write_bytes(b"")
    for name, overwrite, words in [
        ("out.avi", False, "must end in one of .mkv .mov .mp4 .webm .apng .gif .png .webp"),
        ("in.mp4", True, "an input, which is never overwritten"),
        ("there.gif", False, "--overwrite"), ("old", False, "--overwrite"), ("mine", True, "more than numbered frames"),
    ]:
        with pytest.raises(UserError, match=words):
            films.target(tmp_path / name, film, overwrite=overwrite)
    save(films.target(tmp_path / "old", film, overwrite=True), list(arts(3)))
    assert len(list((tmp_path / "old").iterdir())) == 3
    with pytest.raises(UserError, match=r"the scale must be even for \.mp4.*take 4, or --lossless\. Received: 3"):
        save(tmp_path / "out.mp4", arts(1), scale=3)
    with pytest.raises(UserError, match="more than 16384"):
        save(tmp_path / "out.mp4", arts(1), scale=4000)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".png", ""])
def test_nothing_is_left_of_a_film_that_fails(tmp_path, suffix):
    def failing():
        yield from arts(5)
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        save(tmp_path / f"out{suffix}", failing())
    assert list(tmp_path.iterdir()) == []


def test_transparency_is_white_in_films_proper(tmp_path):
    opaque = np.array([[True, False], [False, True]])
    art = Art(index=np.zeros((2, 2), np.uint8), palette=np.array([[10, 20, 200]], np.uint8), opaque=opaque, cell=1)
    save(tmp_path / "film.mkv", [art], scale=8, lossless=True)
    image = pictures(tmp_path / "film.mkv")[0][1]
    np.testing.assert_array_equal(image[::8, ::8], np.where(opaque[..., None], [10, 20, 200], 255))


WITHOUT_PYAV = "import sys; sys.modules['av'] = None; from pixelart_tf.video import main; sys.exit(main(sys.argv[1:]))"


def run_without_pyav(*arguments):
    command = [sys.executable, "-c", WITHOUT_PYAV, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_imageio_ffmpeg_stands_in(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    rate = Fraction(30000, 1001)
    frames = pan("gc-cow.jpg", 30)
    path = write(tmp_path / "in.mp4", frames, rate=rate, time_base=1 / rate, rotation=90, sound="aac")
    done = run_without_pyav(path, tmp_path / "out.mp4", "--cell", 8, "--lossless")
    assert (done.returncode, done.stderr) == (0, "")
    found = pictures(tmp_path / "out.mp4")
    assert [time for time, _ in found] == [nth / rate for nth in range(30)]
    assert packets(tmp_path / "out.mp4", "audio") == packets(path, "audio")
    assert found[0][1].shape == (128, 96, 3)
    for image, (_, drawn) in zip(frames, found, strict=True):
        assert (drawn == drawn[::8, ::8].repeat(8, 0).repeat(8, 1)).all()
        assert len(np.unique(drawn.reshape(-1, 3), axis=0)) <= 16
        assert np.abs(np.rot90(image).astype(int) - drawn).mean() < 25
    # WebM does not take AAC, which ffmpeg says and we hand on in one line.
    done = run_without_pyav(path, tmp_path / "out.webm", "--cell", 8)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--no-sound" in done.stderr
    # What is cut off is made as far as it goes, which a note tells.
    whole = write(tmp_path / "whole.mp4", pan("gc-cow.jpg", 75), sound="aac", faststart=True).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    done = run_without_pyav(tmp_path / "cut.mp4", tmp_path / "cut.gif", "--cell", 8)
    assert done.returncode == 0
    assert "cut.mp4: cut off, or its sound is longer; " in done.stderr
    (tmp_path / "text.mp4").write_text("no film at all " * 100)
    done = run_without_pyav(tmp_path / "text.mp4", tmp_path / "out.gif")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "text.mp4: not a film" in done.stderr


def test_without_either_library_it_says_what_to_install(tmp_path):
    path = write(tmp_path / "in.mp4", pan("nt-owl.png", 2))
    code = WITHOUT_PYAV.replace("= None", "= sys.modules['imageio_ffmpeg'] = None")
    done = subprocess.run([sys.executable, "-c", code, path, tmp_path / "out.gif"], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert 'pip install "pixelart-tf[video]"' in done.stderr


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


@pytest.mark.parametrize("name", ["12:30.mp4", "a b%d[1]?.mkv", "-x.mp4"])
def test_odd_names(tmp_path, name, monkeypatch):
    write(tmp_path / "plain.mp4", pan("nt-owl.png", 5), sound="aac").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    film, frames = read(name)
    assert len(frames) == 5
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    save(Path(name), arts(5), film=films.open_film(f"../{name}"))
    assert len(pictures(tmp_path / "out" / name)) == 5
    with pytest.raises(UserError, match="an empty path: no such file or folder"):
        films.open_film("")
    with pytest.raises(UserError, match="an empty path: no output is called so"):
        films.target("", film)


def test_a_cover_is_no_film(tmp_path):
    path = tmp_path / "in.mkv"
    image = np.full((50, 60, 3), 128, np.uint8)
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 60, 50, "yuvj420p"
        cover.disposition = cover.disposition.attached_pic
        film = container.add_stream("libx264", rate=25)
        film.width, film.height, film.pix_fmt = 128, 96, "yuv420p"
        container.mux(cover.encode(av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuvj420p")))
        for each in pan("nt-owl.png", 5):
            container.mux(film.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(each), "rgb24")))
        container.mux(film.encode(None))
    with av.open(str(path)) as container:
        assert container.streams.video[0].width == 60
    assert [frame.image.shape for frame in read(path)[1]] == [(96, 128, 3)] * 5


@pytest.mark.parametrize("suffix", [".ts", ".mp4"])
def test_a_film_whose_clock_does_not_begin_at_0(tmp_path, suffix):
    base = Fraction(1, 90000)
    times = [180000 + 3600 * nth for nth in range(25)]
    path = write(tmp_path / f"in{suffix}", pan("nt-owl.png", 25), times=times, time_base=base)
    film, frames = read(path)
    assert [frame.time - frames[0].time for frame in frames] == [Fraction(nth, 25) for nth in range(25)]
    assert 0 <= frames[0].time < base
    assert film.notes == []
    save(tmp_path / "out.mkv", arts(25), film=film, times=[frame[1:] for frame in frames])
    assert pictures(tmp_path / "out.mkv")[0][0] == 0


def test_a_part_of_a_film_and_another_rate(tmp_path):
    path = write(tmp_path / "in.mkv", pan("gc-cow.jpg", 75), sound="aac")
    whole = [frame.image for frame in read(path)[1]]
    film, frames = read(path, start=Fraction("1.2"), end=Fraction(2))
    assert [frame.time for frame in frames] == [Fraction(nth, 25) for nth in range(20)]
    assert all((frame.image == whole[30 + nth]).all() for nth, frame in enumerate(frames))
    assert (film.num_frames, film.notes) == (20, [])
    save(tmp_path / "out.mkv", arts(20), film=film, times=[frame[1:] for frame in frames])
    sound = packets(tmp_path / "out.mkv", "audio")
    assert -0.03 < sound[0][0] < 0.05
    assert 0.7 < sound[-1][0] < 0.83
    original = [data for _, data in packets(path, "audio")]
    assert [data for _, data in sound] == original[original.index(sound[0][1]) :][: len(sound)]
    film, frames = read(path, rate=Fraction(10))
    assert [frame.time for frame in frames] == [Fraction(nth, 10) for nth in range(30)]
    shown = [int(2.5 * nth) for nth in range(30)]
    assert all((frame.image == whole[place]).all() for frame, place in zip(frames, shown, strict=True))
    assert film.rate == 10
    film, frames = read(path, rate=Fraction(50), start=Fraction(2))
    assert len(frames) == 50
    assert (frames[3].image == whole[51]).all()
    for start, end, words in ((4, None, "nothing is shown from 4 seconds on"), (2, 1, "Received: 2 and 1")):
        with pytest.raises(UserError, match=words):
            read(path, start=Fraction(start), end=None if end is None else Fraction(end))
    with pytest.raises(UserError, match="the frame rate must be over 0"):
        read(path, rate=Fraction(0))

"""Films <-> frames: times, rotation, sound, colors, and a part of a film."""

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from making_films import PICTURES, packets, pan, pictures, write
from saving_films import VARIABLE, arts, read, save

from pixelart_tf import films
from pixelart_tf.base.cli import UserError
from pixelart_tf.films.pyav import turned
from pixelart_tf.pictures import images
from pixelart_tf.pixelize import Art

av = pytest.importorskip("av")


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


def test_a_live_recording_does_not_say_when_it_ends():
    film, frames = read(PICTURES.parent / "films" / "live.webm")   # no duration of the stream, of the file, or as a tag
    assert (len(frames), film.notes, film.num_frames) == (12, [], None)
    assert [frame.time for frame in frames] == [Fraction(nth, 25) for nth in range(12)]


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

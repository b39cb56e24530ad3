"""The report page: what is in the folder, and that it can be read."""

import csv
import html.parser

import numpy as np
import pytest

from pixelart_tf.evaluation.report import ColorHistogram, Nearest, write_report
from pixelart_tf.pictures import images

RNG = np.random.default_rng(0)
EVIL = 'a <script>alert("1")</script> & b.png'


class Page(html.parser.HTMLParser):
    """The tags, the images' sources and the text of a page; fails where tags do not match."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.sources, self.text = [], set(), [], ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "img":
            self.sources.append(dict(attributes)["src"])
            assert dict(attributes)["alt"]
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def colors(*pictures):
    histogram = ColorHistogram()
    for picture in pictures:
        histogram.update(picture)
    return histogram


def pictures(number, size=8):
    return RNG.integers(0, 256, (number, size, size, 3), dtype=np.uint8)


def report(folder, *, number=5, size=8, **changes):
    nearest = [Nearest(f"{i}.png", f"real {i}.png", 0.3 - i / 1000) for i in range(number)]
    generated, real = pictures(number, size), pictures(number, size)
    options = {
        "summary": {"MiFID": "40.3", "Note": "<b>none</b>"},
        "nearest": nearest,
        "epsilon": 0.1,
        "pairs": list(zip(generated, real, nearest, strict=True)),
        "generated_colors": colors(*generated),
        "real_colors": colors(*real),
    }
    return write_report(folder, **options | changes)


def test_the_page_shows_what_was_given_and_all_its_pictures_are_there(tmp_path):
    path = report(tmp_path / "new" / "report")
    page = Page(path)
    assert path == tmp_path / "new" / "report" / "index.html"
    assert "MiFID" in page.text
    assert "40.3" in page.text
    assert "<b>none</b>" in page.text   # as text, not as a tag
    assert len(page.sources) == 5 + 2
    for source in page.sources:
        assert images.read(path.parent / source).std() > 0
    assert "http" not in path.read_text()   # nothing is loaded from elsewhere
    assert not [file for file in path.parent.rglob("*") if file.name.startswith(".")]


def test_the_table_has_every_generated_picture_nearest_first(tmp_path):
    report(tmp_path, number=40, pairs=[])
    with open(tmp_path / "nearest.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["generated"] for row in rows] == [f"{i}.png" for i in reversed(range(40))]
    assert rows[0] == {"generated": "39.png", "nearest_real": "real 39.png", "distance": "0.261"}


def test_the_likely_copies_are_the_nearest_pairs_enlarged_by_whole_numbers(tmp_path):
    ground = np.zeros((32, 32, 3), np.uint8)
    names = [Nearest(f"{i}", f"r{i}", 0.5 - i / 100) for i in range(30)]
    pairs = [(ground + np.uint8(i), ground + np.uint8(100 + i), each) for i, each in enumerate(names)]
    path = report(tmp_path, pairs=pairs)
    assert len(list((tmp_path / "copies").iterdir())) == 24
    first = images.read(tmp_path / "copies" / "01.png")
    assert first.shape == (192, 192 + 8 + 192, 3)   # 6 * 32
    assert (first[:, :192] == 29).all()
    assert (first[:, 200:] == 129).all()
    assert Page(path).text.index("0.2100") < Page(path).text.index("0.2200")


@pytest.mark.parametrize(
    ("generated", "real", "shape"),
    [
        ((48, 32), (32, 32), (192, 128 + 8 + 192)),
        ((1000, 500), (256, 256), (256, 128 + 8 + 256)),
        ((1, 1), (200, 100), (200, 192 + 8 + 100)),
    ],
)
def test_pairs_of_any_size_fit_side_by_side(tmp_path, generated, real, shape):
    pair = (np.zeros((*generated, 3), np.uint8), np.zeros((*real, 3), np.uint8), Nearest("a", "b", 0.1))
    report(tmp_path, pairs=[pair])
    assert images.read(tmp_path / "copies" / "01.png").shape == (*shape, 3)


def test_names_of_any_kind_are_shown_as_they_are(tmp_path):
    names = [EVIL, 'comma, "quote".png', "日本.png", "line\nbreak.png", "bad\udcff.png"]
    nearest = [Nearest(name, name, i / 10) for i, name in enumerate(names)]
    path = report(tmp_path, title=EVIL, nearest=nearest, pairs=[(*pictures(2), each) for each in nearest])
    page = Page(path)
    assert "script" not in page.tags
    assert page.text.count(EVIL) == 4   # title, heading, generated, real
    assert all(name in page.text for name in names[:4])
    with open(tmp_path / "nearest.csv", encoding="utf-8", newline="") as file:
        assert [row["generated"] for row in csv.DictReader(file)] == [*names[:4], r"bad\udcff.png"]


def test_a_second_report_replaces_the_first_and_nothing_else(tmp_path):
    report(tmp_path, number=5)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "copies" / "mine.png").write_bytes(b"")
    path = report(tmp_path, number=2, generated_colors=None, real_colors=None)
    assert sorted(file.name for file in (tmp_path / "copies").iterdir()) == ["01.png", "02.png", "mine.png"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "copies", "distances.png", "index.html", "nearest.csv", "notes.txt",
    ]
    assert Page(path).sources == ["copies/01.png", "copies/02.png", "distances.png"]


def test_features_alone_make_a_report(tmp_path):
    page = Page(report(tmp_path, pairs=[], generated_colors=None, real_colors=None))
    assert page.sources == ["distances.png"]
    assert "only features" in page.text


@pytest.mark.parametrize("distances", [[], [float("nan")], [0.0, 0.0], [0.2, float("nan"), 0.05]])
def test_odd_distances_make_a_report(tmp_path, distances):
    nearest = [Nearest(f"{i}", "r", distance) for i, distance in enumerate(distances)]
    path = report(tmp_path, nearest=nearest, pairs=[], epsilon=0.1)
    text = Page(path).text
    finite = [distance for distance in distances if distance == distance]
    if finite:
        assert f"{sum(distance < 0.1 for distance in finite)} of {len(finite)} are below" in text
    else:
        assert "No picture has a distance" in text
        assert not (tmp_path / "distances.png").exists()
    with open(tmp_path / "nearest.csv", encoding="utf-8", newline="") as file:
        written = [float(row["distance"]) for row in csv.DictReader(file)]
    assert written[: len(finite)] == sorted(finite)
    assert np.isnan(written[len(finite) :]).all()


def test_the_color_histogram_counts_pixels():
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 0] = (255, 4, 3)
    histogram = colors(image, pictures(1)[0])
    alone = colors(image)
    assert alone.counts.sum(axis=1).tolist() == [6, 6, 6]
    assert (alone.counts[0, 63], alone.counts[1, 1], alone.counts[2, 0]) == (1, 1, 6)
    np.testing.assert_allclose(alone.means, image.mean(axis=(0, 1)))
    assert histogram.counts.sum(axis=1).tolist() == [70, 70, 70]
    assert ColorHistogram().means.tolist() == [0, 0, 0]


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="power of two"):
        ColorHistogram(100)
    with pytest.raises(ValueError, match="uint8"):
        ColorHistogram().update(np.zeros((2, 2, 3), np.float32))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        report(tmp_path / "file")

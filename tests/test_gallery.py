"""The page of a run: what it shows, that all of it is there, and that it asks for nothing from outside."""

import html.parser
import json
from urllib.parse import unquote

import numpy as np
import pytest

from pixelart_tf.pictures import images
from pixelart_tf.settings.run_folder import RunFolder
from pixelart_tf.training import gallery


class Page(html.parser.HTMLParser):
    """A page's links and its data."""

    def __init__(self, text):
        super().__init__()
        self.links, self.titles, self._in, self.data = [], [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self._in = attributes.get("id", tag)
        self.links += [attributes[name] for name in ("src", "href") if name in attributes]

    def handle_data(self, data):
        if self._in == "data":
            self.data = json.loads(data)
            self._in = ""
        elif self._in in ("title", "h1"):
            self.titles.append(data)
            self._in = ""


@pytest.fixture
def folder(tmp_path):
    """Of a run of twelve epochs whose name has to be escaped."""
    folder = RunFolder(tmp_path / "a <b> & 'c' #1")
    paths = [folder.curves, folder.networks, folder.batch]
    paths += [folder.sheet(kind, epoch) for kind in ("samples", "patch_maps", "pairs") for epoch in (4, 8, 12)]
    paths += [folder.sheet("samples", 10_001), folder.path / "samples" / "epoch_mine.png"]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        images.write(path, np.zeros((2, 2, 3), np.uint8))
    for epoch in (5, 10):
        for name in ("to_target", "to_source"):
            path = folder.kept_generator(name, epoch)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return folder


def test_it_shows_what_is_there_and_asks_for_nothing_else(folder):
    gallery.write(folder, [{"epoch": epoch, "step": 9 * epoch, "cycle": 0.1 * epoch} for epoch in range(1, 13)])
    text = folder.gallery.read_text(encoding="utf-8")
    page = Page(text)
    assert page.titles == ["Gallery of a <b> & 'c' #1"] * 2
    assert list(page.data["sheets"]) == ["samples", "pairs", "patch_maps"]   # what one looks at first comes first
    assert page.data["epochs"] == [4, 5, 8, 10, 12, 10_001]
    assert list(page.data["sheets"]["pairs"]) == ["4", "8", "12"]
    assert page.data["kept"]["10"] == ["kept/epoch_0010/to_source.keras", "kept/epoch_0010/to_target.keras"]
    assert page.data["numbers"]["4"] == {"cycle": 0.4}
    assert set(page.data["numbers"]) == {"4", "5", "8", "10", "12"}
    in_data = [path for sheets in page.data["sheets"].values() for path in sheets.values()]
    in_data += [path for paths in page.data["kept"].values() for path in paths]
    links = [link for link in page.links if link != "data:,"]   # an icon of nothing, which no browser looks for
    assert {"curves.png", "networks.png", "samples/batch.png", "samples/epoch_10001.png"} == set(links)
    assert all((folder.path / unquote(path)).is_file() for path in (*links, *in_data))
    assert "//" not in text.replace(" // ", "")   # but for comments
    assert text.count("</script>") == 2


def test_a_name_cannot_end_the_script(folder):
    path = folder.path / "<!--<script>" / "epoch_0001.png"
    path.parent.mkdir(parents=True)
    images.write(path, np.zeros((2, 2, 3), np.uint8))
    gallery.write(folder, [{"epoch": 4, "</script>": 1.0}])
    page = Page(folder.gallery.read_text(encoding="utf-8"))
    assert page.data["numbers"]["4"] == {"</script>": 1.0}
    assert "<!--<script>" in page.data["sheets"]


def test_without_sheets_there_is_no_page(tmp_path):
    gallery.write(RunFolder(tmp_path), [{"epoch": 1}])
    assert not list(tmp_path.iterdir())

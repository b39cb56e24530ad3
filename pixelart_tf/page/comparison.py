"""A blind comparison of two or more sets of pictures: one file of HTML that needs no server and nothing else."""

import http.server
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pixelart_tf.base.cli import UserError, printable
from pixelart_tf.page.markup import data_url
from pixelart_tf.pictures import images, sources

PAGE = Path(__file__).parent / "assets" / "comparison.html"
MOST_BYTES = 256 * 2**20   # of all pictures together, as the page holds them
SHOWN_AS_THEY_ARE = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


def page(sets: Sequence[str | Path], *, names: Sequence[str] | None = None, originals: str | Path | None = None) -> str:
    """The page that asks which of two pictures is better, and tells in the end how often each set was preferred.

    Pictures belong together by their names, whatever their folders and suffixes. Which set a picture is from is hidden
    until the end; the order of the questions and the sides are drawn anew for each visitor.

    Args:
        sets: folders, zips or shards, two or more.
        names: what the sets are called in the end; None is what they are called.
        originals: what all were made from, shown above if given.

    Raises:
        UserError: fewer than two sets, no pictures of one name in all of them, a bad picture, or too large ones.
    """
    if len(sets) < 2:
        raise UserError(f"--compare: takes two sets of pictures or more. Received: {len(sets)}")
    called = [printable(str(each)) for each in (names or _called(sets))]
    found = [_read(each) for each in sets]
    common = [stem for stem in found[0] if all(stem in each for each in found[1:])]
    if not common:
        raise UserError(f"--compare: no picture is in all of {', '.join(map(str, sets))} by the same name")
    shown = _read(originals) if originals is not None else {}
    total, pictures = 0, []
    for stem in common:
        links = [_link(each[stem]) for each in found]
        original = _link(shown[stem]) if stem in shown else ""
        total += sum(map(len, links)) + len(original)
        if total > MOST_BYTES:
            raise UserError(f"--compare: over {MOST_BYTES // 2**20} MB of pictures; give fewer or smaller ones")
        pictures.append({"name": printable(stem), "links": links, "original": original})
    data = json.dumps({"methods": called, "pictures": pictures}, separators=(",", ":")).replace("<", "\\u003c")
    left_out = len(set().union(*found)) - len(common)
    note = f" {left_out} more are not in all of the sets." if left_out else ""
    made = PAGE.read_text(encoding="utf-8")
    # The data last, as a name in it may look like a place to fill.
    count = f"{len(common)} picture{'' if len(common) == 1 else 's'}"
    for place, text in {"count": count, "sets": str(len(sets)), "note": note, "data": data}.items():
        made = made.replace(f"@{place}@", text, 1)
    return made


def serve(content: str, host: str, port: int) -> http.server.ThreadingHTTPServer:
    """A server of this one page, which reads no files; its `serve_forever` is the caller's."""
    encoded = content.encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            there = self.path.partition("?")[0] == "/"
            self.send_response(200 if there else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(encoded) if there else 0))
            self.end_headers()
            if there:
                self.wfile.write(encoded)

        def log_message(self, *_):   # nobody asked for a line each
            pass

    return http.server.ThreadingHTTPServer((host, port), Handler)


def _called(sets: Sequence[str | Path]) -> list[str]:
    """The last part of each path, or all of it where these are the same."""
    short = [Path(each).name or str(each) for each in sets]
    return short if len(set(short)) == len(short) else [str(each) for each in sets]


def _read(pattern: str | Path) -> dict[str, sources.Encoded]:
    """The pictures of a set by their names without folder and suffix."""
    found = {}
    for item in sources.read(pattern):
        stem = PurePosixPath(item.name).name.rsplit(".", 1)[0]
        if stem in found:
            raise UserError(f"{item.place}: a second picture is called {stem}; --compare goes by the names")
        found[stem] = item
    if not found:
        raise UserError(f"{pattern}: no pictures there")
    return found


def _link(item: sources.Encoded) -> str:
    """The picture as it is, where browsers show its kind; else as PNG."""
    data = item.data
    kind = next((kind for head, kind in SHOWN_AS_THEY_ARE.items() if data.startswith(head)), None)
    image = images.read(data, name=item.place, mode="RGBA")   # a bad one is told now, not by an empty place
    if kind is None:
        kind, data = "image/png", images.encode(image, "png")
    return data_url(kind, data)

"""Screenshots of phones and desktops with known pictures in them, drawn from a seed.

For `test_screenshots` and for `experiments/benchmarks/screenshots.py`. The pictures are the bundled ones. A picture is
only placed where it can be seen to end: on each side half of its border differs from what is around it.
"""

import io
import itertools
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pixelart_tf.data.screenshots import Box
from pixelart_tf.pictures import images, sources

SHARDS = Path(__file__).parents[1] / "tfrecords"
PHONES = [(720, 1280), (750, 1334), (828, 1792), (1080, 1920), (1080, 2400)]   # width, height
DESKTOPS = [(1280, 720), (1366, 768), (1600, 900), (1920, 1080)]
MODES = {   # page, card, bar, ink, faint ink
    "light": [
        ("#ffffff", "#ffffff", "#ffffff", "#0f1419", "#8899a6"),
        ("#f0f2f5", "#ffffff", "#1877f2", "#050505", "#65676b"),
        ("#dae0e6", "#ffffff", "#f6f7f8", "#1a1a1b", "#878a8c"),
    ],
    "dark": [
        ("#000000", "#000000", "#000000", "#e7e9ea", "#71767b"),
        ("#18191a", "#242526", "#242526", "#e4e6eb", "#b0b3b8"),
        ("#15202b", "#15202b", "#192734", "#ffffff", "#8899a6"),
    ],
}
WORDS = (
    "the", "of", "pixel", "art", "today", "made", "a", "new", "small", "castle", "with", "many", "colors", "and",
    "light", "for", "my", "game", "what", "do", "you", "think",
)
KINDS = ("post", "feed", "letterbox", "player", "gallery", "desktop")


def pictures(kind, count=40):
    """Up to `count` bundled pictures: `"photo"`, `"sprite"`, `"tile"` or `"cartoon"`."""
    patterns = {"photo": "photo0*", "sprite": "heldout_sprite*", "tile": "terrain00*", "cartoon": "heldout_cartoon*"}
    found = sources.read(SHARDS / f"{patterns[kind]}.tfrec")
    return [each.decode() for each in itertools.islice(found, count)]


class Screenshots:
    """Draws screenshots: `draw(seed)` gives the picture's bytes, its kind and its boxes."""

    def __init__(self):
        self.pictures = {kind: pictures(kind) for kind in ("photo", "sprite", "tile", "cartoon")}

    def draw(self, seed):
        """Returns (encoded, kind, boxes, cells): bytes of a PNG or JPEG, one of `KINDS`, where the pictures are, and of
        each the native pixel art (H, W, 3) in it, or None."""
        page = _Page(self.pictures, np.random.default_rng(seed), KINDS[seed % len(KINDS)])
        getattr(page, page.kind)()
        file = io.BytesIO()
        if page.rng.random() < 0.25:
            page.image.save(file, "PNG")
        else:
            page.image.save(file, "JPEG", quality=int(page.rng.integers(70, 96)))
        return file.getvalue(), page.kind, page.boxes, page.cells


class _Page:
    def __init__(self, given, rng, kind):
        self.given, self.rng, self.kind = given, rng, kind
        sizes = DESKTOPS if kind == "desktop" else PHONES
        self.width, self.height = sizes[rng.integers(len(sizes))]
        schemes = MODES[("light", "dark")[rng.integers(2)]]
        self.page, self.card, self.bar, self.ink, self.faint = schemes[rng.integers(len(schemes))]
        self.unit = self.width / (1280 if kind == "desktop" else 360)   # pixels a point
        self.image = Image.new("RGB", (self.width, self.height), self.page)
        self.pen = ImageDraw.Draw(self.image)
        self.boxes, self.cells = [], []

    def px(self, points):
        return round(points * self.unit)

    def text(self, x, y, size, width, lines=1, ink=None):
        """Lines of words; gives where they end."""
        font = ImageFont.load_default(self.px(size))
        for _ in range(lines):
            line = ""
            while self.pen.textlength(line, font) < width * self.rng.uniform(0.5, 0.9):
                line += WORDS[self.rng.integers(len(WORDS))] + " "
            while self.pen.textlength(line, font) > width:
                line = line[:-1]
            self.pen.text((x, y), line, ink or self.ink, font)
            y += self.px(size * 1.4)
        return y

    def icons(self, y, count, side=20):
        step = self.width // count
        for index in range(count):
            x, s = index * step + step // 2 - self.px(side) // 2, self.px(side)
            box = (x, y, x + s, y + s)
            shape = self.rng.integers(3)
            draw = (self.pen.ellipse, self.pen.rectangle)[shape % 2]
            draw(box, outline=self.faint if shape else self.ink, width=max(2, self.px(2)))

    def top(self):
        """The status bar and the app's bar; gives where they end."""
        own = "#ffffff" if self.bar == "#1877f2" else self.ink
        end = self.px(24 + 52)
        self.pen.rectangle((0, 0, self.width, end - 1), self.bar)
        self.text(self.px(16), self.px(5), 12, self.px(40), ink=own)
        for index in range(3):
            x = self.width - self.px(24 + 20 * index)
            self.pen.rectangle((x, self.px(8), x + self.px(12), self.px(17)), own)
        self.text(self.px(56), self.px(40), 18, self.width // 2, ink=own)
        self.pen.line((self.px(16), self.px(50), self.px(36), self.px(50)), own, max(2, self.px(2)))
        if self.bar == self.page:
            self.pen.line((0, end - 1, self.width, end - 1), self.faint, 1)
        return end

    def bottom(self):
        """The bar of icons; gives where it begins."""
        begin = self.height - self.px(56)
        self.pen.rectangle((0, begin, self.width, self.height), self.card)
        self.pen.line((0, begin, self.width, begin), self.faint, 1)
        self.icons(begin + self.px(16), 5)
        return begin

    def place(self, left, top, width, height, *around, corner=0, bottom=None):
        """Puts a picture there, cut off at `bottom`; says whether one was found that can be seen to end."""
        for _ in range(60):
            kind = ("photo", "photo", "sprite", "tile", "cartoon")[self.rng.integers(5)]
            art = self.given[kind][self.rng.integers(len(self.given[kind]))]
            shown, cells = self.shown(art, kind, width, height)
            if bottom is not None:
                cells = None if top + height > bottom else cells
                shown = shown[: bottom - top]
            if all(ends_seen(shown, color) for color in around):
                break
        else:
            return False
        picture = Image.fromarray(shown)
        mask = Image.new("L", picture.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, picture.width - 1, picture.height - 1), corner, 255)
        self.image.paste(picture, (left, top), mask)
        self.boxes.append(Box(top=top, left=left, height=picture.height, width=picture.width))
        self.cells.append(cells)
        return True

    def shown(self, art, kind, width, height):
        """A picture at the size at which it is shown: uint8 (height, width, 3); and its cells, if it is pixel art."""
        if kind in ("photo", "cartoon"):
            return images.fit(art, (height, width), how="crop"), None
        ground = np.array([self.rng.integers(40, 220) for _ in range(3)], np.uint8)
        if kind == "sprite":
            white = (art == 255).all(-1)
            art = np.where(white[..., None], ground, art)
        rows = max(12, min(64, round(32 * height / width)))
        tiles = np.tile(art, (-(-rows // art.shape[0]), -(-32 // art.shape[1]), 1))
        cells = tiles[:rows, :32]
        how = ("nearest", "bilinear")[self.rng.integers(2)]
        if how == "bilinear":   # as browsers do: nearest by a whole number, then smoothly to the screen's size
            cells_large = cells.repeat(8, 0).repeat(8, 1)
            return images.fit(cells_large, (height, width), how="stretch", resample="bilinear"), cells
        return images.fit(cells, (height, width), how="stretch", resample="nearest"), cells

    def post(self, top=None):
        top = self.top() if top is None else top
        margin = self.px((0, 0, 8, 16)[self.rng.integers(4)])
        if self.card != self.page:
            inset = margin if self.rng.random() < 0.5 else 0
            self.pen.rectangle((inset, top + self.px(8), self.width - inset - 1, self.height), self.card)
        y = top + self.px(20)
        x = margin + self.px(14)
        colors = tuple(int(v) for v in self.rng.integers(30, 230, 3))
        self.pen.ellipse((x, y, x + self.px(36), y + self.px(36)), colors)
        self.text(x + self.px(46), y, 14, self.px(150))
        self.text(x + self.px(46), y + self.px(18), 12, self.px(100), ink=self.faint)
        y += self.px(48)
        y = self.text(x, y, 14, self.width - 2 * x, int(self.rng.integers(0, 4))) + self.px(8)
        width = self.width - 2 * margin
        height = round(width * self.rng.uniform(0.55, 1.25))
        end = self.height - self.px(56)
        if end - y > self.px(120):
            corner = self.px(self.rng.choice([0, 0, 12])) if margin else 0
            self.place(margin, y, width, height, self.card, corner=corner, bottom=end)
        y += height + self.px(12)
        self.pen.rectangle((0, end, self.width, self.height), self.page)
        if y < end - self.px(60):
            self.icons(y, 4)
            y = self.text(x, y + self.px(32), 14, self.width - 2 * x, int(self.rng.integers(1, 4)))
        if y < end - self.px(250) and self.kind == "feed":
            self.post(y)
            return
        while y < end - self.px(30) and self.kind == "post":
            y = self.text(x, y + self.px(10), 13, self.width - 2 * x, 1, ink=self.faint)
        self.pen.rectangle((0, end, self.width, self.height), self.card)
        self.bottom()

    feed = post

    def letterbox(self):
        self.page = self.card = self.bar = ("#000000", "#0b0b0b", "#ffffff")[self.rng.integers(3)]
        dark = self.page != "#ffffff"
        self.ink, self.faint = ("#ffffff", "#b0b0b0") if dark else ("#111111", "#808080")
        self.pen.rectangle((0, 0, self.width, self.height), self.page)
        self.text(self.px(16), self.px(5), 12, self.px(40))
        if self.rng.random() < 0.7:
            self.icons(self.px(40), 3)
            self.icons(self.height - self.px(44), 4)
        height = round(self.width * self.rng.uniform(0.5, 1.3))
        top = (self.height - height) // 2
        self.place(0, top, self.width, height, self.page)

    def player(self):
        y, ground = self.top(), "#000000"
        self.page = self.card
        self.pen.rectangle((0, y, self.width, self.height), self.page)
        margin = self.px((0, 12)[self.rng.integers(2)])
        y += self.px((0, 16)[self.rng.integers(2)])
        width = self.width - 2 * margin
        height = round(width * 9 / 16)
        self.pen.rectangle((margin, y, margin + width - 1, y + height - 1), ground)
        inner = round(height * self.rng.uniform(0.8, 1.35))
        if not margin and self.rng.random() < 0.5:   # bars above and below
            tall = round(width / 2.35)
            self.place(margin, y + (height - tall) // 2, width, tall, ground)
        else:
            self.place(margin + (width - inner) // 2, y, inner, height, ground, self.page, self.bar)
        y = self.text(self.px(14), y + height + self.px(14), 18, self.width - self.px(28), 2)
        while y < self.height - self.px(120):
            y = self.text(self.px(14), y + self.px(12), 13, self.width - self.px(28), 2, ink=self.faint)
        self.bottom()

    def gallery(self):
        y = self.top() + self.px(12)
        self.card = self.page
        columns, gap = int(self.rng.integers(2, 4)), self.px((2, 4, 8)[self.rng.integers(3)])
        edge = gap if self.rng.random() < 0.5 else 0
        side = (self.width - 2 * edge - (columns - 1) * gap) // columns
        for _ in range(2):
            for column in range(columns):
                self.place(edge + column * (side + gap), y, side, side, self.page)
            y += side + gap
        self.text(self.px(14), y + self.px(14), 14, self.width - self.px(28), 3)
        self.bottom()

    def desktop(self):
        tabs = "#202124" if self.page < "#444444" else "#dee1e6"
        self.pen.rectangle((0, 0, self.width, self.px(36)), tabs)
        self.pen.rounded_rectangle((self.px(8), self.px(6), self.px(220), self.px(36)), self.px(8), self.bar)
        self.text(self.px(24), self.px(12), 12, self.px(150), ink="#ffffff" if self.bar == "#1877f2" else self.ink)
        self.pen.rectangle((0, self.px(36), self.width, self.px(76)), self.card)
        self.pen.rounded_rectangle((self.px(120), self.px(43), self.px(1000), self.px(69)), self.px(13), tabs)
        self.text(self.px(136), self.px(49), 13, self.px(240), ink=self.faint)
        y = self.text(self.px(40), self.px(110), 15, self.px(200))
        while y < self.height - self.px(60):
            y = self.text(self.px(40), y + self.px(14), 14, self.px(220), 1, ink=self.faint)
        left, width = self.px(320), self.px(int(self.rng.integers(420, 640)))
        around = self.page
        if self.card != self.page:
            self.pen.rectangle((left - self.px(16), self.px(92), left + width + self.px(16), self.height), self.card)
            around = self.card
        y = self.text(left, self.px(104), 20, width) + self.px(8)
        y = self.text(left, y, 14, width, int(self.rng.integers(0, 3))) + self.px(10)
        count, gap = int(self.rng.integers(1, 4)), self.px((4, 12)[self.rng.integers(2)])
        each = (width - (count - 1) * gap) // count
        tall = min(round(each * self.rng.uniform(0.6, 1.1)), self.height - y - self.px(60))
        for index in range(count):
            self.place(left + index * (each + gap), y, each, tall, around)
        y = self.text(left, y + tall + self.px(12), 14, width, 1)
        x = left + width + self.px(60)
        y = self.px(110)
        while y < self.height - self.px(60) and x < self.width - self.px(150):
            y = self.text(x, y, 14, self.width - x - self.px(30), 1) + self.px(12)


def ends_seen(shown, around):
    """Whether on each side half of a picture's border differs from the color around it."""
    color = np.array([int(around[i : i + 2], 16) for i in (1, 3, 5)])
    return all(
        (np.abs(line.astype(int) - color).max(-1) > 48).mean() > 0.5
        for line in (shown[0], shown[-1], shown[:, 0], shown[:, -1])
    )

"""Where the pictures are in a screenshot: posts, galleries, players, pages of a browser."""

import itertools
from dataclasses import dataclass

import numpy as np
import scipy

NEAR = 20   # levels: what a flat color may differ by in a JPEG
FLAT = 8   # levels between the least and the greatest of 3x3 pixels, up to which they are flat
MIN_GROUND, MAX_GROUNDS = 0.008, 5   # a screen's grounds: colors of at least this share of its pixels, and so many
MIN_SIDE, MAX_ASPECT = 0.12, 4.0   # a picture's shorter side, of the screen's; and its longer, of its shorter
SEEN, SEEN_ALL = 0.25, 0.45   # share of a border that must differ from the ground: of each side, and of all
THICK = 3   # of half the pixels: thinner lines of a screen are rulers
REACH = 8   # pixels: JPEG's blocks are so large, and what is next to a picture is smeared as far
LARGE = 0.12   # of a picture: something in it is as large as that, while a post's text and portrait are smaller
FRAMED = 0.7   # as SEEN, of pictures that are framed: a thing on a picture's own ground is seen less
MIN_TEXT = 8   # letters that tell a card from a picture


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The first row below."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The first column beside."""
        return self.left + self.width

    def of(self, image: np.ndarray) -> np.ndarray:
        """What is within it: a view."""
        return image[self.top : self.bottom, self.left : self.right]

    def doubled(self, shape: tuple[int, ...]) -> "Box":
        """The same in a picture of twice the size, whose shape is that."""
        top, left = 2 * self.top, 2 * self.left
        height, width = min(2 * self.height, shape[0] - top), min(2 * self.width, shape[1] - left)
        return Box(top=top, left=left, height=height, width=width)

    def holds(self, other: "Box", slack: int = 2) -> bool:
        """Whether another one is within it."""
        return (
            self.top <= other.top + slack and self.left <= other.left + slack
            and other.bottom <= self.bottom + slack and other.right <= self.right + slack
        )


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A rectangle; `seen` is the share of its border that differs from what is around it."""

    box: Box
    seen: float


def find_pictures(image: np.ndarray) -> list[Box]:
    """Finds the pictures of a screenshot.

    A screen is drawn on a few flat grounds. What is on them is text, bars and pictures: of these, pictures are the
    rectangles that are large, of no extreme shape, and hold something large besides a flat color. A rectangle that
    holds such rectangles is one picture, unless what is left of it is flat and it is a frame: it has letters, or
    rectangles whose borders are seen all along, or bars of a letter box. Borders are put where the step to the ground
    is greatest.

    A picture whose border has the color of what is around it cannot be seen to end, and is missed or cut too small.

    Args:
        image: uint8 (H, W, 3).

    Returns:
        The boxes, from top to bottom, then from left to right.
    """
    colors = _grounds(image)
    small = image[::2, ::2].astype(np.int16)   # sides are fitted to the pixel afterwards
    near = [np.abs(small - color).max(-1) <= NEAR for color in colors]   # bool (H/2, W/2) each
    found: list[_Found] = []
    for number in (1, 2, len(colors)):
        for chosen in itertools.combinations(range(len(colors)), number) if 0 < number <= len(colors) else ():
            ground = np.logical_or.reduce([near[index] for index in chosen])
            found += _rectangles(image, ground, np.array([colors[index] for index in chosen]))
    boxes = [each.box for each in _chosen(image, _distinct(found), colors)]
    return sorted(boxes, key=lambda box: (box.top, box.left))


def _grounds(image: np.ndarray) -> list[np.ndarray]:
    """int16 (3,) each: the flat colors of large parts of a screen, the most frequent first."""
    small = image[::2, ::2].astype(np.int16)
    luma = small.sum(-1) // 3
    flat = scipy.ndimage.maximum_filter(luma, 3) - scipy.ndimage.minimum_filter(luma, 3) <= FLAT
    pixels, grounds = small[flat], []
    while len(pixels) and len(grounds) < MAX_GROUNDS:
        bins = pixels // 8 @ (1024, 32, 1)
        fullest = np.bincount(bins).argmax()
        color = np.median(pixels[bins == fullest], axis=0).astype(np.int16)
        is_near = np.abs(pixels - color).max(-1) <= NEAR
        if is_near.sum() < MIN_GROUND * luma.size:
            break
        grounds.append(color)
        pixels = pixels[~is_near]
    return grounds


def _rectangles(image: np.ndarray, ground: np.ndarray, grounds: np.ndarray) -> list[_Found]:
    """The pictures, as far as their own looks tell, among what is not of the ground."""
    least = MIN_SIDE * min(ground.shape)   # of half the pixels, as all before the sides are fitted
    labels, _ = scipy.ndimage.label(_without_thin(~ground))
    boxes = [
        Box(top=rows.start, left=columns.start, height=rows.stop - rows.start, width=columns.stop - columns.start)
        for rows, columns in scipy.ndimage.find_objects(labels)
        if min(rows.stop - rows.start, columns.stop - columns.start) >= least
    ]
    found = []
    for box in itertools.chain.from_iterable(_split(box, ground, least) for box in boxes):
        box, shares = _fitted(image, box.doubled(image.shape), grounds)
        shorter, longer = sorted((box.height, box.width))
        if shorter < 2 * least or longer > MAX_ASPECT * shorter:
            continue
        shares = [each for each in shares if each is not None]
        # What fills the screen is no picture on it.
        if len(shares) and min(shares) >= SEEN and np.mean(shares) >= SEEN_ALL and _shows_something(image, box):
            found.append(_Found(box=_unboxed(image, box), seen=float(min(shares))))
    return found


def _without_thin(mask: np.ndarray) -> np.ndarray:
    """What is left of a mask without lines of under `THICK` pixels, which join a picture to the screen's borders."""
    for function in (scipy.ndimage.minimum_filter1d, scipy.ndimage.maximum_filter1d):
        for axis in (0, 1):
            mask = function(mask, THICK, axis=axis)
    return mask


def _split(box: Box, ground: np.ndarray, least: float) -> list[Box]:
    """The parts of a box between lines of the ground that go through all of it: pictures that a JPEG's smear joins."""
    inside = box.of(ground)
    for axis in (0, 1):
        lines = np.flatnonzero(inside.mean(axis=1 - axis) > 0.97)
        for at in lines.tolist():
            if least <= at < inside.shape[axis] - least:
                if axis == 0:
                    parts = (_cropped(box, 0, at, 0, box.width), _cropped(box, at + 1, box.height, 0, box.width))
                else:
                    parts = (_cropped(box, 0, box.height, 0, at), _cropped(box, 0, box.height, at + 1, box.width))
                return [each for part in parts for each in _split(part, ground, least)]
    return [box]


def _cropped(box: Box, top: int, bottom: int, left: int, right: int) -> Box:
    return Box(top=box.top + top, left=box.left + left, height=bottom - top, width=right - left)


def _fitted(image: np.ndarray, box: Box, grounds: np.ndarray) -> tuple[Box, list[float | None]]:
    """A box with each side where the step to the ground is greatest; and of each side the share that is seen.

    The share is None at the screen's border, and 0 where what is outside is not of one ground.
    """
    sides, shares = {}, []
    # Each side as if it were the top: the picture turned so that the outside comes first.
    for name, axis, flip in (("top", 0, False), ("bottom", 0, True), ("left", 1, False), ("right", 1, True)):
        span = slice(box.left, box.right) if axis == 0 else slice(box.top, box.bottom)
        lines = image[:, span] if axis == 0 else image[span].swapaxes(0, 1)
        lines = lines[::-1] if flip else lines
        length = len(lines)
        begin, size = (box.top, box.height) if axis == 0 else (box.left, box.width)
        start = length - begin - size if flip else begin
        at, share = _side(lines, start, grounds)
        sides[name] = length - at if flip else at
        shares.append(share)
    top, left = sides["top"], sides["left"]
    return Box(top=top, left=left, height=sides["bottom"] - top, width=sides["right"] - left), shares


def _side(lines: np.ndarray, start: int, grounds: np.ndarray) -> tuple[int, float | None]:
    """Where a picture begins near row `start` of `lines` uint8 (L, n, 3), and the share of its first row that differs
    from the ground."""
    first, last = max(0, start - REACH), min(len(lines), start + REACH + 1)
    near = lines[first:last].astype(np.int16)
    corner = max(1, near.shape[1] // 16)
    middle = near[:, corner:-corner]   # corners may be round
    distance = np.stack([np.abs(middle - color).max(-1) for color in grounds])   # (grounds, rows, n)
    which = distance[:, 0].mean(-1).argmin()
    off = (distance[which] > NEAR).mean(-1)   # share of each row that is not of the ground outside
    if start <= 1 and off[0] > SEEN:
        return 0, None
    steps = np.diff(np.minimum(distance[which], 64).mean(-1))
    at = int(steps.argmax()) + 1
    outside = distance[which][max(0, at - 3) : max(1, at - 1)]   # the last row may be smeared
    if (outside > 2 * NEAR).mean() > 0.2:
        return start, 0.0
    return first + at, float((distance[which][min(at, len(off) - 1)] > NEAR + 4).mean())


def _unboxed(image: np.ndarray, box: Box) -> Box:
    """A box without the bars of a letter box: equally wide, of one color, and all along against the picture."""
    for axis in (0, 1):
        lines = box.of(image).swapaxes(0, axis).astype(np.int16)
        color = np.median(lines[2], axis=0)
        off = (np.abs(lines - color).max(-1) > 2 * NEAR).mean(-1)
        inside = np.flatnonzero(off[2:-2] > 0.03) + 2   # the first lines may be smeared
        if not len(inside):
            continue
        bars = int(inside[0]), len(off) - 1 - int(inside[-1])
        step = min(off[inside[0] : inside[0] + 3].max(), off[inside[-1] - 2 : inside[-1] + 1].max())
        if min(bars) > REACH // 2 and abs(bars[0] - bars[1]) <= 3 and step >= SEEN_ALL:
            top, left = (bars[0], 0) if axis == 0 else (0, bars[0])
            height, width = (box.height - sum(bars), box.width) if axis == 0 else (box.height, box.width - sum(bars))
            return Box(top=box.top + top, left=box.left + left, height=height, width=width)
    return box


def _shows_something(image: np.ndarray, box: Box) -> bool:
    """Whether there is something large within a box, besides its most frequent color."""
    inside = box.of(image)[2:-2:2, 2:-2:2].astype(np.int16)
    bins = (inside // 16 @ (256, 16, 1)).ravel()
    color = np.median(inside.reshape(-1, 3)[bins == np.bincount(bins).argmax()], axis=0)
    other = np.abs(inside - color).max(-1) > NEAR
    labels, count = scipy.ndimage.label(other)
    if not count or other.mean() < 0.04:
        return False
    boxes = scipy.ndimage.find_objects(labels)
    sides = [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes]
    return any(
        min(down, across) >= 0.2 * min(inside.shape[:2]) and down * across >= LARGE * other.size
        for down, across in sides
    )


def _distinct(found: list[_Found]) -> list[_Found]:
    """Of those at the same place the one whose border is seen best; the largest first."""
    kept: list[_Found] = []
    for each in sorted(found, key=lambda each: -each.seen):
        if not any(each.box.holds(other.box, 4) and other.box.holds(each.box, 4) for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda each: -each.box.height * each.box.width)


def _chosen(image: np.ndarray, found: list[_Found], colors: list[np.ndarray]) -> list[_Found]:
    """Without frames of pictures, and without what is within pictures or across them."""
    chosen: list[_Found] = []
    found = [each for each in found if not any(_crosses(each, other) and other.seen > each.seen for other in found)]
    for index, each in enumerate(found):
        if any(_overlap(each.box, other.box) for other in chosen):
            continue
        inner = [other for other in found[index + 1 :] if each.box.holds(other.box)]
        if not _is_frame(image, each, inner, colors):
            chosen.append(each)
    return chosen


def _overlap(one: Box, other: Box) -> bool:
    rows = min(one.bottom, other.bottom) - max(one.top, other.top)
    columns = min(one.right, other.right) - max(one.left, other.left)
    return rows > 4 and columns > 4


def _crosses(one: _Found, other: _Found) -> bool:
    return _overlap(one.box, other.box) and not one.box.holds(other.box) and not other.box.holds(one.box)


def _is_frame(image: np.ndarray, outer: _Found, inner: list[_Found], colors: list[np.ndarray]) -> bool:
    """Whether a rectangle only frames those within it."""
    inner = [each for each in inner if not any(o is not each and o.box.holds(each.box) for o in inner)]
    if not inner or min(each.seen for each in inner) < FRAMED:
        return False
    left = np.ones(outer.box.of(image).shape[:2], bool)
    for each in inner:
        box = each.box
        left[max(0, box.top - outer.box.top - 2) : box.bottom - outer.box.top + 2,
             max(0, box.left - outer.box.left - 2) : box.right - outer.box.left + 2] = False
    pixels = outer.box.of(image).astype(np.int16)
    flat = np.logical_or.reduce([np.abs(pixels - color).max(-1) <= NEAR for color in colors])
    if left.any() and flat[left].mean() < 0.8:
        return False
    if any(_is_boxed(each.box, outer.box) for each in inner) or min(each.seen for each in inner) > 0.9:
        return True
    places = scipy.ndimage.find_objects(scipy.ndimage.label(left & ~flat)[0])
    sizes = [max(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in places]
    return sum(5 <= size <= MIN_SIDE * min(image.shape[:2]) for size in sizes) >= MIN_TEXT


def _is_boxed(inner: Box, outer: Box) -> bool:
    """Whether a box is as wide or as high as another and in its middle, as in a letter box."""
    down = inner.top - outer.top, outer.bottom - inner.bottom
    across = inner.left - outer.left, outer.right - inner.right
    return any(
        max(full) <= 3 and abs(bars[0] - bars[1]) <= 3 and min(bars) > 3
        for full, bars in ((down, across), (across, down))
    )

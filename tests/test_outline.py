"""Outlines of one cell."""

import numpy as np
import pytest

from pixelart_tf.pixelize.outline import outline

WHITE, RED, BLACK = (255, 255, 255), (200, 0, 0), (0, 0, 0)


def drawn(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Cells from letters: `.` transparent, `w` white, `r` red, `#` black."""
    colors = {".": (0, 0, 0), "w": WHITE, "r": RED, "#": BLACK}
    lines = text.split()
    cells = np.array([[colors[letter] for letter in line] for line in lines], np.uint8)
    return cells, np.array([[letter != "." for letter in line] for line in lines])


def letters(cells: np.ndarray, opaque: np.ndarray) -> str:
    names = {WHITE: "w", RED: "r", BLACK: "#"}
    lines = zip(cells, opaque, strict=True)
    return " ".join(
        "".join(names[tuple(cell.tolist())] if solid else "." for cell, solid in zip(*line, strict=True))
        for line in lines
    )


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        ("outside", "..... ..r.. .rrr. ..... .....", "..#.. .#r#. #rrr# .###. ....."),
        ("inside", "..... .rrr. .rrr. .rrr. .....", "..... .###. .#r#. .###. ....."),
        ("outside", "wwwww wwrww wrrrw wwwww wwwww", "ww#ww w#r#w #rrr# w###w wwwww"),
        ("inside", "wwwww wrrrw wrrrw wrrrw wwwww", "wwwww w###w w#r#w w###w wwwww"),
        # a hole gets a line of its own where it is transparent, and is part of the shape where it is not
        ("outside", "....... .rrrrr. .r...r. .r...r. .r...r. .rrrrr. .......",
         ".#####. #rrrrr# #r###r# #r#.#r# #r###r# #rrrrr# .#####."),
        ("outside", "wwwwwww wwwwwww wwrrrww wwrwrww wwrrrww wwwwwww wwwwwww",
         "wwwwwww ww###ww w#rrr#w w#rwr#w w#rrr#w ww###ww wwwwwww"),
        # a shape that the border cuts off is open there
        ("inside", "..rrr ..rrr ..rrr", "..#rr ..#rr ..#rr"),
        ("outside", "..rrr ..rrr ..rrr", ".#rrr .#rrr .#rrr"),
        # an outline that is there already
        ("outside", "..#.. .#r#. ..#.. .....", "..#.. .#r#. ..#.. ....."),
    ],
)
def test_lines_are_where_they_should_be(where, before, after):
    cells, opaque = drawn(before)
    kept = cells.copy(), opaque.copy()
    assert letters(*outline(cells, opaque, color=BLACK, where=where)) == after
    assert (cells == kept[0]).all()
    assert (opaque == kept[1]).all()


@pytest.mark.parametrize("before", ["rrr rrr rrr", "... ... ...", "www www", "w", "."])
def test_nothing_to_outline(before):
    assert letters(*outline(*drawn(before), color=BLACK)) == before


def test_similar_background():
    cells, opaque = drawn("wwwww wwwww wwrww wwwww wwwww")
    cells[0, 1] = 250
    strict, _ = outline(cells, opaque, color=BLACK)
    assert (strict == 0).all(-1).sum() == 4 + 3   # the speck gets a line, too
    lenient, _ = outline(cells, opaque, color=BLACK, tolerance=5)
    assert (lenient == 0).all(-1).sum() == 4


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_twice_is_once(where):
    rng = np.random.default_rng(0)
    changed = 0
    for trial in range(3000):
        height, width = rng.integers(1, 9, 2)
        palette = rng.integers(0, 256, (rng.integers(1, 4), 3)).astype(np.uint8)
        share = rng.choice([0.1, 0.3, 1])
        cells = palette[rng.integers(0, len(palette), (height, width)) * (rng.random((height, width)) < share)]
        opaque = rng.random((height, width)) < rng.choice([0.3, 0.8, 1])
        color = palette[-1] if trial % 4 == 0 else rng.integers(0, 256, 3).astype(np.uint8)
        settings = {"color": color, "where": where, "tolerance": int(rng.choice([0, 0, 60]))}
        once = outline(cells, opaque, **settings)
        twice = outline(*once, **settings)
        assert (once[0] == twice[0]).all()
        assert (once[1] == twice[1]).all()
        assert ((once[0] == cells).all(-1) | (once[0] == color).all(-1)).all()
        assert (once[1] >= opaque).all()
        changed += (once[0] != cells).any() or (once[1] != opaque).any()
    assert changed > 1000


def test_bad_arguments_are_named():
    cells, opaque = drawn("w")
    with pytest.raises(ValueError, match=r"`where` must be one of outside, inside\. Received: 'around'"):
        outline(cells, opaque, color=BLACK, where="around")
    with pytest.raises(ValueError, match="`tolerance`"):
        outline(cells, opaque, color=BLACK, tolerance=256)
    with pytest.raises(ValueError, match="`color`"):
        outline(cells, opaque, color=(1, 2))

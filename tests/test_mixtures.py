import numpy as np
import pytest
from scipy.optimize import minimize

from pixelart_tf.pixelize import color, mixtures, palettes

BLACK_WHITE = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)


def lab(light: np.ndarray) -> np.ndarray:
    return color.of_linear(light, "oklab")


def best(goal: np.ndarray, lights: np.ndarray, random: np.random.Generator) -> float:
    """The least distance in OKLab from a color to any mixture, by SciPy's general search."""
    def distance(roots: np.ndarray) -> float:
        return float(((lab(roots**2 / (roots**2).sum() @ lights) - lab(goal)) ** 2).sum())

    return min(minimize(distance, random.random(len(lights))).fun for _ in range(3)) ** 0.5


@pytest.mark.parametrize("palette", [BLACK_WHITE, palettes.get("game-boy").colors, palettes.get("pico-8").colors])
def test_no_mixture_is_nearer(palette):
    random, lights = np.random.default_rng(0), color.to_linear(palette)
    colors = (random.integers(0, 32, (12, 3)) * 8 + 4).astype(np.uint8)   # middles of the cubes
    found = mixtures.mixable(colors, palette)
    for each, goal in zip(found, color.to_linear(colors), strict=True):
        assert np.linalg.norm(lab(each) - lab(goal)) < best(goal, lights, random) + 0.02   # what the eye hardly sees


def test_what_can_be_mixed_is_left_as_it_is():
    corners = np.stack(np.meshgrid(*[[0, 255]] * 3), axis=-1).reshape(-1, 3).astype(np.uint8)
    colors = np.random.default_rng(1).integers(0, 256, (500, 3)).astype(np.uint8)
    off = lab(mixtures.mixable(colors, corners)) - lab(color.to_linear(colors))
    assert np.linalg.norm(off, axis=1).max() < 0.05   # near the border of what can be mixed


def test_a_color_of_the_palette_is_exact():
    palette = np.unique(np.random.default_rng(2).integers(0, 256, (30, 3)), axis=0).astype(np.uint8)
    assert (mixtures.mixable(palette, palette) == color.to_linear(palette)).all()


def test_a_color_has_one_mixture_whatever_is_beside_it():
    colors = np.random.default_rng(3).integers(0, 256, (300, 3)).astype(np.uint8)
    mixtures._table.cache_clear()
    alone = np.concatenate([mixtures.mixable(each[None], BLACK_WHITE) for each in colors[::-1]])[::-1]
    mixtures._table.cache_clear()
    np.testing.assert_allclose(mixtures.mixable(colors, BLACK_WHITE), alone, rtol=0, atol=1e-9)


def test_of_nothing_and_of_one():
    assert mixtures.mixable(np.zeros((0, 3), np.uint8), BLACK_WHITE).shape == (0, 3)
    assert (mixtures.mixable(np.full((2, 3), 100, np.uint8), BLACK_WHITE[:1]) == 0).all()   # the middle of its cube

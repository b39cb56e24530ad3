import numpy as np
import pytest

from pixelart_tf.pixelize import color


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light -> sRGB 0 to 255 by IEC 61966-2-1, its straight piece carried on below 0."""
    curve = 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, curve)


@pytest.mark.parametrize(
    ("xyz", "lab"),
    [
        ([0.950, 1.000, 1.089], [1.000, 0.000, 0.000]),
        ([1.000, 0.000, 0.000], [0.450, 1.236, -0.019]),
        ([0.000, 1.000, 0.000], [0.922, -0.671, 0.263]),
        ([0.000, 0.000, 1.000], [0.153, -1.415, -0.449]),
    ],
)
def test_ottossons_table(xyz, lab):
    # "Table of example XYZ and Oklab pairs" of the article; XYZ to linear sRGB by the inverse of sRGB's D65 matrix.
    matrix = [[0.4123908, 0.3575843, 0.1804808], [0.2126390, 0.7151687, 0.0721923], [0.0193308, 0.1191948, 0.9505322]]
    color_255 = encoded(np.linalg.solve(matrix, xyz))
    np.testing.assert_allclose(color.to_oklab(color_255), lab, atol=1.1e-3)   # three decimals are published


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        # CSS Color 4, sample values of the sRGB primaries
        ([255, 0, 0], [0.62796, 0.22486, 0.12585]),
        ([0, 255, 0], [0.86644, -0.23389, 0.17950]),
        ([0, 0, 255], [0.45201, -0.03246, -0.31153]),
        ([255, 255, 255], [1, 0, 0]),
        ([0, 0, 0], [0, 0, 0]),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_primaries(rgb, lab, dtype):
    found = color.to_oklab(np.array(rgb, dtype))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, lab, atol=2e-5)


def test_there_and_back_is_exact():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    greys = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    for colors in (grid, greys):
        assert (color.from_oklab(color.to_oklab(colors)) == colors).all()


def test_greys_have_no_hue_and_rise():
    lab = color.to_oklab(np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1))
    assert np.abs(lab[:, 1:]).max() < 1e-6
    assert (np.diff(lab[:, 0]) > 0).all()


def test_a_color_has_the_same_coordinates_wherever_it_stands():
    colors = np.random.default_rng(0).integers(0, 256, (1001, 3), dtype=np.uint8)
    together = color.to_oklab(colors)
    assert all((color.to_oklab(one) == lab).all() for one, lab in zip(colors, together, strict=True))


def test_what_srgb_lacks_is_clipped():
    assert color.from_oklab(np.array([1.2, 0, 0])).tolist() == [255, 255, 255]
    assert color.from_oklab(np.array([-0.1, 0, 0])).tolist() == [0, 0, 0]


def test_spaces():
    colors = np.array([[1, 2, 3]], np.uint8)
    assert color.coordinates(colors, "rgb").tolist() == [[1, 2, 3]]
    assert color.FROM_SPACES["rgb"](np.array([[-3, 254.6, 900]])).tolist() == [[0, 255, 255]]
    with pytest.raises(ValueError, match=r"`space` must be one of oklab, rgb\. Received: 'lab'"):
        color.coordinates(colors, "lab")

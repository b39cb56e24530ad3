import numpy as np
import pytest

from pixelart_tf.pixelize import color, dither
from pixelart_tf.pixelize.mixtures import mixable
from pixelart_tf.pixelize.palette import nearest

DITHERED = [how for how in dither.METHODS if how != "none"]
BLACK_WHITE = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
FLOYD_STEINBERG = {(0, 1): 7 / 16, (1, -1): 3 / 16, (1, 0): 5 / 16, (1, 1): 1 / 16}
ATKINSON = dict.fromkeys([(0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, 0)], 1 / 8)


def random_palette(random: np.random.Generator, k: int) -> np.ndarray:
    return random.permutation(np.unique(random.integers(0, 256, (k, 3)), axis=0)).astype(np.uint8)


def linear(colors: np.ndarray) -> np.ndarray:
    """Light of sRGB, by IEC 61966-2-1."""
    values = np.asarray(colors) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def cell_by_cell(cells, palette, shares, strength, space, opaque):
    """Error diffusion as its papers tell it: one cell after the other, the error handed to the neighbors."""
    rows, columns = cells.shape[:2]
    lights, wanted = linear(palette), mixable(cells.reshape(-1, 3), palette).reshape(cells.shape)
    codes, span = color.of_linear(lights, space), np.ptp(lights, axis=0)
    errors = np.zeros((rows + 2, columns + 4, 3))
    result = nearest(cells, palette, space=space)
    for row, column in np.argwhere(opaque):
        goal = wanted[row, column] + strength * errors[row, column + 1]
        index = ((color.of_linear(goal, space) - codes) ** 2).sum(axis=1).argmin()
        result[row, column] = index
        error = (goal - lights[index]).clip(-span, span)
        for (down, right), share in shares.items():
            errors[row + down, column + 1 + right] += share * error
    return result


@pytest.mark.parametrize(("how", "shares"), [("floyd-steinberg", FLOYD_STEINBERG), ("atkinson", ATKINSON)])
@pytest.mark.parametrize("space", color.SPACES)
def test_diffusion_is_as_cell_by_cell(how, shares, space):
    random = np.random.default_rng(0)
    for shape in [(1, 1), (1, 9), (9, 1), (2, 2), (7, 2), (3, 16), (16, 3), (13, 17)]:
        cells = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        palette = random_palette(random, 6)
        for strength, opaque in [(1.0, np.ones(shape, bool)), (0.6, random.random(shape) < 0.7)]:
            found = dither.dither(cells, palette, how=how, strength=strength, space=space, opaque=opaque)
            assert (found == cell_by_cell(cells, palette, shares, strength, space, opaque)).all()


def test_floyd_steinberg_by_hand():
    # Grey 100 in black and white is light of 0.1274, and white is nearer in sRGB from 0.2122 (127.5) on: 0.1274 -> 0,
    # of which the right neighbor gets 7/16: 0.1831 -> 0. Below the first: 0.1274 + 5/16 * 0.1274 + 3/16 * 0.1831 =
    # 0.2015 -> 0; below the second: 0.1274 + 1/16 * 0.1274 + 5/16 * 0.1831 + 7/16 * 0.2015 = 0.2808 -> 255.
    cells = np.full((2, 2, 3), 100, np.uint8)
    assert dither.dither(cells, BLACK_WHITE, how="floyd-steinberg", space="rgb").tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("how", dither.METHODS)
@pytest.mark.parametrize("space", color.SPACES)
def test_a_picture_of_the_palette_is_left_alone(how, space):
    random = np.random.default_rng(1)
    for _ in range(12):
        palette = random_palette(random, int(random.integers(1, 65)))
        rows, columns = random.integers(1, 30, 2)
        index = random.integers(0, len(palette), (rows, columns))
        opaque = random.random((rows, columns)) < 0.8
        strength = float(random.random())
        found = dither.dither(palette[index], palette, how=how, space=space, strength=strength, opaque=opaque)
        assert found.dtype == np.uint8
        assert (found == index).all()


@pytest.mark.parametrize("how", dither.METHODS)
def test_twice_is_once(how):
    random = np.random.default_rng(2)
    for _ in range(6):
        palette = random_palette(random, 12)
        cells = random.integers(0, 256, (11, 14, 3), dtype=np.uint8)
        once = dither.dither(cells, palette, how=how)
        assert (dither.dither(palette[once], palette, how=how) == once).all()


@pytest.mark.parametrize("how", dither.METHODS)
@pytest.mark.parametrize("space", color.SPACES)
def test_strength_0_is_none(how, space):
    random = np.random.default_rng(3)
    cells, palette = random.integers(0, 256, (20, 30, 3), dtype=np.uint8), random_palette(random, 9)
    found = dither.dither(cells, palette, how=how, strength=0, space=space)
    assert (found == nearest(cells, palette, space=space)).all()


@pytest.mark.parametrize(("how", "steps"), [("bayer2", 4), ("bayer4", 16), ("bayer8", 64)])
@pytest.mark.parametrize("space", color.SPACES)
def test_ordered_dither_of_grey_has_the_share_of_its_light(how, steps, space):
    size = int(steps**0.5)
    for level in range(0, 256, 15):
        cells = np.full((2 * size, 3 * size, 3), level, np.uint8)
        share = dither.dither(cells, BLACK_WHITE, how=how, space=space).mean()
        assert abs(share - linear(level)) < 1 / steps   # less than one step off


@pytest.mark.parametrize(("how", "off"), [("bayer8", 0.01), ("floyd-steinberg", 0.01)])
def test_grey_128_is_22_percent_white(how, off):
    # ((128 / 255 + 0.055) / 1.055) ** 2.4 = 0.2159
    share = dither.dither(np.full((64, 64, 3), 128, np.uint8), BLACK_WHITE, how=how).mean()
    assert abs(share - 0.2159) < off


def test_bayer_matrices():
    # Bayer 1973; the 4x4 one as in every textbook
    assert dither.bayer(2).tolist() == [[0, 2], [3, 1]]
    assert dither.bayer(4).tolist() == [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]
    assert sorted(dither.bayer(8).ravel()) == list(range(64))


@pytest.mark.parametrize(("how", "size"), [("bayer2", 2), ("bayer4", 4), ("bayer8", 8)])
def test_ordered_dither_knows_only_the_cell_and_its_place(how, size):
    random = np.random.default_rng(4)
    palette = random_palette(random, 10)
    cells = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    whole = dither.dither(cells, palette, how=how)
    part = dither.dither(cells[size : 2 * size + 3, 2 * size :], palette, how=how)
    assert (part == whole[size : 2 * size + 3, 2 * size :]).all()
    changed = cells.copy()
    changed[5, 6] ^= 128
    different = dither.dither(changed, palette, how=how) != whole
    different[5, 6] = False
    assert not different.any()


def from_afar(colors: np.ndarray) -> np.ndarray:
    """Means of the light of 8x8 cells, in OKLab."""
    rows, columns, _ = colors.shape
    return color.of_linear(linear(colors).reshape(rows // 8, 8, columns // 8, 8, 3).mean(axis=(1, 3)), "oklab")


@pytest.mark.parametrize("how", DITHERED)
def test_from_afar_it_is_nearer_to_the_picture(how):
    ramp = np.linspace(0, 1, 64)
    picture = np.stack(np.broadcast_arrays(ramp * 255, ramp[:, None] * 255, 128 + 0 * ramp), axis=-1).astype(np.uint8)
    corners = np.stack(np.meshgrid(*[[0, 255]] * 3), axis=-1).reshape(-1, 3).astype(np.uint8)

    def error(method: str) -> float:
        made = corners[dither.dither(picture, corners, how=method)]
        return float(((from_afar(made) - from_afar(picture)) ** 2).sum(axis=-1).mean())

    assert error(how) < error("none") / 3


@pytest.mark.parametrize("how", ["floyd-steinberg", "atkinson"])
def test_what_is_not_opaque_has_no_effect(how):
    random = np.random.default_rng(5)
    palette, opaque = random_palette(random, 8), random.random((15, 21)) < 0.6
    cells = random.integers(0, 256, (15, 21, 3), dtype=np.uint8)
    other = np.where(opaque[..., None], cells, 255 - cells)
    first, second = (dither.dither(picture, palette, how=how, opaque=opaque) for picture in (cells, other))
    assert (first == second)[opaque].all()
    assert (first == nearest(cells, palette))[~opaque].all()


@pytest.mark.parametrize("how", ["floyd-steinberg", "atkinson"])
def test_errors_that_no_entry_can_make_good_do_not_pile_up(how):
    # Strong red beside grey, in four greys: without bounds the redness would be carried over into the grey half.
    greys = np.array([[0] * 3, [85] * 3, [170] * 3, [255] * 3], np.uint8)
    cells = np.full((32, 64, 3), 170, np.uint8)
    cells[:, :32] = (255, 0, 0)
    found = dither.dither(cells, greys, how=how, space="rgb")
    assert (found[:, 40:] == 2).mean() > 0.9


@pytest.mark.parametrize("how", dither.METHODS)
def test_empty_and_single(how):
    assert dither.dither(np.zeros((0, 5, 3), np.uint8), BLACK_WHITE, how=how).shape == (0, 5)
    assert dither.dither(np.full((1, 1, 3), 254, np.uint8), BLACK_WHITE, how=how).tolist() == [[1]]
    assert not dither.dither(np.full((4, 4, 3), 99, np.uint8), BLACK_WHITE[:1], how=how).any()


def test_wrong_options():
    cells = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r"`how` must be one of none, bayer2, .*Received: 'bayer3'"):
        dither.dither(cells, BLACK_WHITE, how="bayer3")
    with pytest.raises(ValueError, match=r"`strength` must be from 0 to 1\. Received: 1\.5"):
        dither.dither(cells, BLACK_WHITE, how="bayer2", strength=1.5)
    with pytest.raises(ValueError, match="`cells` must be uint8"):
        dither.dither(cells[..., 0], BLACK_WHITE)
    with pytest.raises(ValueError, match="`palette` must be uint8"):
        dither.dither(cells, BLACK_WHITE / 2)
    with pytest.raises(ValueError, match=r"`opaque` must be bool \(4, 4\)"):
        dither.dither(cells, BLACK_WHITE, opaque=np.ones((4, 3), bool))

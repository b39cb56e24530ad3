"""Made partners: what they are by definition, and that pictures and partners share what is random."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pixelart_tf.data import feeds, partners
from pixelart_tf.data.drawings import bilateral, drawings, epx
from pixelart_tf.data.loading import load
from pixelart_tf.pictures import images
from pixelart_tf.settings.domain import Domain
from pixelart_tf.settings.partner import MADE, Partner

SPRITES = str(Path(__file__).parents[1] / "tfrecords" / "heldout_sprite00-97.tfrec")


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    """Six native sprites as files."""
    from pixelart_tf.pictures import sources

    folder = tmp_path_factory.mktemp("sprites")
    for i, item in enumerate(list(sources.read(SPRITES))[:6]):
        images.write(folder / f"{i}.png", images.read(item.data))
    return folder


def domain(folder, **options):
    return Domain(files=str(folder), **{"image_size": 32, "resize": "nearest", "mirror": False} | options)


def made_of(settings, target):
    return partners.Partners(settings=settings, target=target)


def batches(target, made, count=1, **options):
    options = {"batch_size": 4, "seed": 0} | options
    data = feeds.unpaired({"target": target}, partners=made, **options)
    return [{key: value.numpy() for key, value in batch.items()} for batch in data.take(count)]


# --- drawings ---

def test_epx_is_scale2x():
    """By its rules, https://www.scale2x.it/algorithm: a diagonal is smoothed; a lone pixel and a straight edge stay."""
    a, b = 0, 200
    diagonal = np.array([[a, a, b], [a, b, b], [b, b, b]], np.uint8)[..., None]
    # The middle has b to the right and below, a above and to the left: its first corner is a.
    assert epx(diagonal)[2:4, 2:4, 0].tolist() == [[a, b], [b, b]]
    lone = np.zeros((3, 3, 1), np.uint8)
    lone[1, 1] = b
    np.testing.assert_array_equal(epx(lone), lone.repeat(2, axis=0).repeat(2, axis=1))
    edge = np.zeros((4, 4, 3), np.uint8)
    edge[:, 2:] = 90
    np.testing.assert_array_equal(epx(edge, times=3), edge.repeat(8, axis=0).repeat(8, axis=1))


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_drawings_of_a_flat_picture_are_flat(scale):
    sprite = np.full((8, 12, 3), (10, 200, 90), np.uint8)
    made = drawings(sprite, scale)
    assert made.shape == (4, 8 * scale, 12 * scale, 3)
    assert np.abs(made.astype(int) - sprite[0, 0]).max() <= 1


def test_drawings_lie_where_their_sprite_is(sprites):
    """Means over cells of a drawing resemble the sprite most when they are not moved."""
    for path in sorted(sprites.glob("*.png")):
        sprite = images.read(path)
        for drawn in drawings(sprite, 4).astype(float):
            means = drawn.reshape(32, 4, 32, 4, 3).mean((1, 3))
            errors = {
                (down, across): np.abs(np.roll(means, (down, across), (0, 1)) - sprite)[2:-2, 2:-2].mean()
                for down in (-1, 0, 1) for across in (-1, 0, 1)
            }
            assert min(errors, key=errors.get) == (0, 0)


def test_thinner_drawings_have_thinner_dark_lines():
    """A dark line of one cell on white: half a cell of it stays, or nothing; the other drawings are as they were."""
    sprite = np.full((9, 9, 3), 255, np.uint8)
    sprite[:, 4] = (20, 0, 40)
    whole, half, gone = (drawings(sprite, 4, [cells]) for cells in (0, 0.5, 1.25))
    assert [len(made) for made in (whole, half, gone)] == [4, 2, 2]
    np.testing.assert_array_equal(drawings(sprite, 4, [0, 1.25]), np.concatenate([whole, gone]))
    assert gone.min() == 255
    darkness = [(255.0 - made[-1]).sum() for made in (whole, half)]
    assert darkness[1] / darkness[0] == pytest.approx(0.5, abs=0.05)
    light = 255 - sprite   # a light line keeps its width
    assert (drawings(light, 4, [0.5])[-1][:, 16:20] > 200).all()


def test_partners_are_drawn_from_all_drawings(sprites):
    """A feed shows those with lines and those without."""
    target = load(domain(sprites), chosen=[0])
    made = made_of(Partner(made="drawing", thinner=[0.0, 1.25], noise=0, shift=False), target)
    assert made.drawn_shape[1] == made.drawings.shape[1] == 6
    shown = np.concatenate([batch["partner"] for batch in batches(target, made, count=48, batch_size=1)])
    assert len(np.unique(shown.reshape(len(shown), -1), axis=0)) == 6


def test_a_bilateral_filter_keeps_borders_and_smooths_what_is_nearly_flat():
    rng = np.random.default_rng(0)
    picture = np.zeros((16, 16, 3))
    picture[:, 8:] = 200
    noisy = np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
    smooth = bilateral(noisy).astype(float)
    assert smooth[:, :8].std() < 0.6 * noisy[:, :8].std()
    assert smooth[:, 8].mean() - smooth[:, 7].mean() > 190   # scipy's Gaussian of this sigma leaves 40


# --- each kind ---

@pytest.mark.parametrize("kind", MADE)
def test_a_partner_has_the_shape_that_is_told(sprites, kind):
    target = load(domain(sprites, output_size=64))
    settings = Partner(made=kind)
    made = made_of(settings, target)
    batch, = batches(target, made)
    assert batch["partner"].shape == (4, *settings.shape(target.domain))
    assert batch["partner"].dtype == np.float32
    assert np.abs(batch["partner"]).max() <= 1
    shown = feeds.partners_without_augmentation(made, [0, 1]).numpy()
    assert shown.shape == (2, *made.shape)
    np.testing.assert_array_equal(shown, feeds.partners_without_augmentation(made, [0, 1]))


def test_plain_partners_are_what_their_names_say(sprites):
    target = load(domain(sprites))
    whole, = batches(target, made_of(Partner(made="grey", noise=0.0), target))
    np.testing.assert_allclose(whole["partner"][..., 0], whole["target"] @ [0.299, 0.587, 0.114], atol=1e-5)
    cells, = batches(target, made_of(Partner(made="pixelated", block=4, enlarge=False, noise=0.0), target))
    means = cells["target"].reshape(4, 8, 4, 8, 4, 3).mean((2, 4))
    np.testing.assert_allclose(cells["partner"], means, atol=1e-5)
    small = Partner(made="low_resolution", factor=2, quality=(100, 100), enlarge=False, noise=0.0)
    grey = load(domain(sprites, grey=True))   # a JPEG of quality 100 loses no more than a level, but of colors
    small, = batches(grey, made_of(small, grey))
    means = small["target"].reshape(4, 16, 2, 16, 2, 1).mean((2, 4))
    assert np.abs(small["partner"] - means).mean() < 1 / 127.5
    edges, = batches(target, made_of(Partner(made="edges", noise=0.0), target))
    flat = np.abs(np.diff(edges["target"], axis=2)).max(-1)[:, 1:-1, 1:-1] == 0
    assert edges["partner"].min() == -1
    assert edges["partner"][:, 1:-1, 1:-2, 0][flat].mean() < edges["partner"].mean()


# --- what is random ---

def test_without_partners_and_hues_batches_are_what_they_were(sprites):
    target = load(domain(sprites, jitter=4, mirror=True))
    plain = batches(target, None, 3)
    paired = batches(target, made_of(Partner(made="grey"), target), 3)
    for one, other in zip(plain, paired, strict=True):
        np.testing.assert_array_equal(one["target"], other["target"])


def test_mirror_jitter_and_hue_are_those_of_the_picture(sprites):
    """Means over cells of each drawing are nearest to its own target's cells."""
    target = load(domain(sprites, jitter=6, mirror=True, hue=True))
    made = made_of(Partner(made="drawing", shift=False, noise=0.0), target)
    for batch in batches(target, made, 4):
        means = batch["partner"].reshape(4, 32, 4, 32, 4, 3).mean((2, 4))
        distances = np.abs(means[:, None] - batch["target"][None]).mean((2, 3, 4))
        others = distances[~np.eye(4, dtype=bool)].reshape(4, 3).min(1)
        assert (np.diag(distances) < 0.5 * others).all() or len(np.unique(batch["target"], axis=0)) < 4


def test_a_drawing_moves_by_up_to_half_a_cell(sprites):
    target = load(domain(sprites))
    still, moved = (
        made_of(Partner(made="drawing", shift=shift, noise=0.0), target) for shift in (False, True)
    )
    seen = set()
    for one, other in zip(batches(target, still, 8), batches(target, moved, 8), strict=True):
        for drawn, shifted in zip(one["partner"], other["partner"], strict=True):
            errors = {
                (down, across): np.abs(np.roll(drawn, (down, across), (0, 1)) - shifted)[4:-4, 4:-4].max()
                for down in range(-3, 4) for across in range(-3, 4)
            }
            place = min(errors, key=errors.get)
            assert errors[place] == 0
            seen.update(place)
    assert seen == {-2, -1, 0, 1, 2}


def test_hues_turn_and_grounds_stay():
    """White and black stay; the hue of a color moves; without a turn nothing changes."""
    picture = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    floats = tf.constant(picture[None] / 127.5 - 1, tf.float32)
    turn = tf.constant([[2.0, 1.3, 1.2]])
    turned = partners.turned(floats, turn).numpy()[0, 0]
    np.testing.assert_allclose(turned[:2], [[1, 1, 1], [-1, -1, -1]], atol=1e-5)
    assert np.abs(turned[2] - floats.numpy()[0, 0, 2]).max() > 0.5
    np.testing.assert_allclose(partners.turned(floats, tf.constant([[0.0, 1.0, 1.0]])), floats, atol=1e-5)
    third = partners.turned(floats, tf.constant([[2 * np.pi / 3, 1.0, 1.0]])).numpy()[0, 0, 2]
    np.testing.assert_allclose(third, [-1, 1, -1], atol=1e-5)   # a third of a turn makes green of red


@pytest.mark.parametrize("kind", ["drawing", "low_resolution"])
def test_a_step_is_the_same_wherever_it_begins_and_whoever_makes_it(sprites, kind):
    target = load(domain(sprites, jitter=4, hue=True, mirror=True))
    made = made_of(Partner(made=kind), target)
    whole = batches(target, made, 5, noise=3)
    later = batches(target, made, 2, noise=3, start_step=3)
    for one, other in zip(whole[3:], later, strict=True):
        for key in ("target", "partner", "noise"):
            np.testing.assert_array_equal(one[key], other[key])
    hosts = [batches(target, made, 5, noise=3, num_hosts=2, host=host) for host in range(2)]
    for batch, *shares in zip(whole, *hosts, strict=True):
        for key in batch:
            np.testing.assert_array_equal(batch[key], np.concatenate([share[key] for share in shares]))


def test_noise_is_standard_normal(sprites):
    target = load(domain(sprites))
    rows = np.concatenate([batch["noise"] for batch in batches(target, None, 40, noise=50)])
    assert rows.shape == (160, 50)
    assert abs(rows.mean()) < 0.05
    assert rows.std() == pytest.approx(1, abs=0.05)


# --- mistakes ---

@pytest.mark.parametrize(("options", "message"), [
    ({"made": "photo"}, "`made` must be one of drawing, pixelated, grey, edges, low_resolution. Received: 'photo'"),
    ({"made": "drawing", "scale": 3}, "`scale` must be 2, 4 or 8. Received: 3"),
    ({"made": "drawing", "thinner": []}, "`thinner` must be numbers from 0 to 2"),
    ({"made": "drawing", "thinner": [0.5, -1.0]}, "`thinner` must be numbers from 0 to 2"),
    ({"made": "grey", "noise": -1.0}, "`noise` must be at least 0"),
    ({"made": "low_resolution", "quality": (90, 10)}, "`quality` must be two numbers from 1 to 100, rising"),
    ({"made": "pixelated", "block": 0}, "`block` must be at least 1"),
])
def test_partner_tables_say_what_is_wrong(options, message):
    with pytest.raises(ValueError, match=message):
        Partner(**options)


@pytest.mark.parametrize(("target", "options", "message"), [
    ({"output_size": 48}, {"made": "drawing"}, "only of a target of one pixel a cell"),
    ({"resize": "area", "output_size": 64}, {"made": "drawing"}, "with `resize = \"nearest\"`"),
    ({"grey": True}, {"made": "drawing"}, "neither grey nor pixelated"),
    ({}, {"made": "pixelated", "block": 5}, "`block` must divide the height, 32"),
    ({}, {"made": "low_resolution", "factor": 3}, "`factor` must divide the height, 32"),
])
def test_targets_that_have_no_such_partner(target, options, message):
    with pytest.raises(ValueError, match=message):
        Partner(**options).shape(domain("x", **target))


def test_the_border_is_repeated_not_wrapped(tmp_path):
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:, :2] = 255
    Image.fromarray(picture).save(tmp_path / "one.png")
    target = load(domain(tmp_path))
    made = made_of(Partner(made="drawing", noise=0.0), target)
    for batch in batches(target, made, 6, batch_size=1):
        assert batch["partner"][..., -8:, :].max() == -1

"""CUT and FastCUT: where patches are taken, how they are told apart, what mirroring changes, a tint that is learnt."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import SHAPES, TINY, batch, four, gradients, perturb, tinted, train_on

from pixelart_tf.models.cut import CUT
from pixelart_tf.models.patches import patch_nce, patches, places
from pixelart_tf.networks.projections import projections

pytestmark = pytest.mark.keras_only
OPTIONS = TINY["cut"]


@pytest.mark.parametrize(("number", "height", "width", "wanted"), [(4, 16, 24, 16), (4, 4, 4, 16), (4, 3, 5, 9)])
def test_places_are_one_in_each_part(number, height, width, wanted):
    noise = np.random.default_rng(0).standard_normal((200, 2 * number**2)).astype("float32")
    noise[0], noise[1] = -9, 9   # the first and the last place of each part
    found = ops.convert_to_numpy(places(ops.convert_to_tensor(noise), number, height, width))
    assert found.shape == (200, wanted)
    assert all(len(set(each)) == wanted for each in found.tolist())
    side = int(wanted**0.5)
    parts = np.arange(side) * height // side, np.arange(side) * width // side
    np.testing.assert_array_equal(found[0], (parts[0][:, None] * width + parts[1]).ravel())
    assert found[1, -1] == height * width - 1
    if height % number == width % number == 0:   # as often each place of its part
        rows, columns = np.divmod(found[:, 0], width)
        assert abs(rows.mean() - (height / number - 1) / 2) < 0.2
        assert abs(columns.mean() - (width / number - 1) / 2) < 0.3


def test_patches_are_told_apart_by_cross_entropy():
    """Equation 3 of the paper, spelled out with NumPy."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    chosen = np.array([[0, 11, 5], [3, 4, 2]], np.int32)
    wanted = np.stack([each.reshape(12, 5)[some] for each, some in zip(features, chosen, strict=True)])
    taken = patches(ops.convert_to_tensor(features), ops.convert_to_tensor(chosen))
    np.testing.assert_array_equal(ops.convert_to_numpy(taken), wanted)
    queries, keys = rng.normal(size=(2, 2, 6, 4)).astype("float32")
    queries, keys = (each / np.linalg.norm(each, axis=-1, keepdims=True) for each in (queries, keys))
    logits = np.einsum("bid,bjd->bij", queries, keys) / 0.07
    entropy = np.log(np.exp(logits).sum(-1)) - np.einsum("bii->bi", logits)
    assert float(patch_nce(ops.convert_to_tensor(queries), ops.convert_to_tensor(keys))) == pytest.approx(
        entropy.mean(), rel=1e-4
    )


def test_heads_that_nothing_passes_still_learn():
    """A vector of zeros has no direction: its gradient must be finite, or one step makes every weight NaN."""
    heads = projections([3, 3], width=4)
    features = ops.convert_to_tensor(np.array([[[0, 0, 0], [1, 2, 3]]], "float32"))   # without biases 0 stays 0
    vectors = ops.convert_to_numpy(heads([features, features])[0])
    assert np.abs(vectors[0, 0]).max() == 0

    def loss():
        return ops.sum(patch_nce(heads([features, features])[0], ops.ones((1, 2, 4)) / 2))

    assert all(np.isfinite(each).all() for each in gradients(loss, heads.trainable_variables))


def test_fastcut_mirrors_what_goes_in_and_compares_with_what_is_there():
    """By pictures' own draws: the keys stay as they are, the translation is that of the mirrored picture."""
    fast = perturb(CUT(SHAPES, **OPTIONS | {"identity_nce_weight": 0.0, "flips": True}))
    plain = CUT(SHAPES, **OPTIONS | {"identity_nce_weight": 0.0})
    plain.set_weights(fast.get_weights())
    x = batch(fast)
    x["noise"][:, -1] = 1.0, -1.0
    made, wanted = fast(x), plain(x | {"noise": x["noise"][:, :-1]})
    assert "identity_keys" not in made
    turned = np.stack([x["source"][0][:, ::-1], x["source"][1]])
    np.testing.assert_allclose(
        ops.convert_to_numpy(made["fake_target"]), ops.convert_to_numpy(fast.to_target(turned)), atol=1e-5
    )
    for one, other in zip(made["keys"], wanted["keys"], strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(one), ops.convert_to_numpy(other), atol=1e-5)
    for one, other in zip(made["queries"], wanted["queries"], strict=True):
        one, other = ops.convert_to_numpy(one), ops.convert_to_numpy(other)
        np.testing.assert_allclose(one[1], other[1], atol=1e-5)


@pytest.mark.parametrize(("options", "message"), [
    ({"num_patches": 10}, "`num_patches` must be a square number. Received: 10"),
    ({"nce_weight": -1.0}, "`nce_weight` must be at least 0. Received: -1.0"),
    ({"objective": "wgangp"}, "`objective` must be one of lsgan, bce, hinge"),
    ({"head_width": 0}, "`width` must be a whole number of at least 1. Received: 0"),
    ({"generator": {"name": "unet"}}, "`model.generator.name` must be one of resnet. Received: 'unet'"),
    ({"shapes": {"source": (16, 16, 3), "target": (32, 32, 3)}}, "source and target must be of one shape"),
], ids=str)
def test_what_is_not_possible_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        CUT(**{"shapes": SHAPES} | OPTIONS | options)


@pytest.mark.slow
def test_four_drawings_take_on_a_tint_and_stay_themselves():
    """After 250 steps towards four tinted drawings, which are 0.53 away, translations are 0.4 from those at most; of 16
    patches the right one is told twice as well as by chance, ln 16 = 2.8 nats."""
    keras.utils.set_random_seed(0)
    source = four("cartoon", 32)
    target = tinted(source)
    model = CUT(
        {"source": (32, 32, 3), "target": (32, 32, 3)}, num_patches=16, head_width=32,
        generator={"base_width": 8, "num_blocks": 1, "from_input": True},
        discriminator={"base_width": 8, "num_layers": 1},
    )
    logs = train_on(model, {"source": source, "target": target[::-1]}, 250, learning_rate=2e-3)
    made = ops.convert_to_numpy(model.to_target(source))
    assert np.abs(source - target).mean() > 0.5
    assert np.abs(made - target).mean() < 0.4
    assert logs["nce"][0] < np.log(16) / 2

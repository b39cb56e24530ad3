"""Fast style transfer: its losses, several styles in one network, and that it takes a picture's manner on."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import four

from pixelart_tf import convert
from pixelart_tf.models.style import Features, Style, gram
from pixelart_tf.networks import style_net
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only
SHAPES = {"source": (32, 32, 3), "target": (32, 32, 3)}
SMALL = {"base_width": 8, "num_blocks": 1}


def test_a_gram_matrix_is_the_mean_product_of_channels():
    """Equation 3 of Johnson et al., spelled out with NumPy."""
    features = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    wanted = np.einsum("bhwc,bhwd->bcd", features, features) / (3 * 5 * 4)
    np.testing.assert_allclose(gram(ops.convert_to_tensor(features)), wanted, rtol=1e-5)


def test_the_loss_is_its_three_terms_and_has_no_other_variables():
    model = Style(SHAPES, generator=SMALL, content_weight=2.0, style_weight=3.0, variation_weight=4.0)
    assert {id(v) for v in model.trainable_variables} == {id(v) for v in model.to_target.trainable_variables}
    x = {"source": ops.convert_to_tensor(four("cartoon", 32)), "target": ops.convert_to_tensor(four("sprite", 32))}
    made = model(x)
    logged = {}
    model.track = logged.update
    loss = float(model.compute_loss(x=x, y_pred=made))
    pictures = ops.convert_to_numpy(made)
    variation = np.square(np.diff(pictures, axis=1)).mean() + np.square(np.diff(pictures, axis=2)).mean()
    assert float(logged["variation"]) == pytest.approx(variation, rel=1e-4)
    total = 2 * float(logged["content"]) + 3 * float(logged["manner"]) + 4 * variation
    assert loss == pytest.approx(total, rel=1e-4)
    # A picture has its own content, and no other manner than its own.
    model.compute_loss(x={"source": x["source"], "target": x["source"]}, y_pred=x["source"])
    assert float(logged["content"]) == float(logged["manner"]) == 0


def test_weights_choose_a_style_or_mix_some():
    network = style_net(num_classes=2, **SMALL)
    rng = np.random.default_rng(0)
    for weight in network.trainable_variables:
        weight.assign(weight + rng.normal(scale=0.1, size=weight.shape).astype("float32"))
    picture = rng.uniform(-1, 1, (1, 24, 40, 3)).astype("float32")

    def painted(*weights):
        return ops.convert_to_numpy(network({"images": picture, "style": np.float32([weights])}))

    one, other, mixed = painted(1, 0), painted(0, 1), painted(0.5, 0.5)
    assert one.shape == picture.shape
    assert np.abs(one - other).mean() > 0.01
    assert np.abs(mixed - one).mean() < np.abs(other - one).mean()
    # One style's scale and shift are not touched by what the other learns.
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            kernel = ops.convert_to_numpy(layer.kernel)
            kernel[1] += 1
            layer.kernel.assign(kernel)
    np.testing.assert_allclose(painted(1, 0), one, atol=1e-5)
    assert np.abs(painted(0, 1) - other).mean() > 0.01


@pytest.mark.parametrize(("options", "message"), [
    ({"features": "vgg11"}, "`features` must be one of lite0, vgg16, vgg19. Received: 'vgg11'"),
    ({"style_weight": -1.0}, "`style_weight` must be at least 0"),
    ({"shapes": {"source": (32, 32, 1), "target": (32, 32, 3)}}, "pictures must be in color"),
    ({"shapes": {"source": (30, 30, 3), "target": (32, 32, 3)}}, "`image_size` must be a multiple"),
], ids=str)
def test_mistakes_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Style(**{"shapes": SHAPES, "generator": SMALL} | options)


@pytest.mark.slow
def test_the_gram_distance_falls_below_that_of_the_content():
    """After 80 steps on four drawings what is made of them is nearer in manner to a sprite than they are (0.52)."""
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    source, target = four("cartoon", 32), np.repeat(four("sprite", 32)[:1], 4, axis=0)
    model = Style(SHAPES, generator=SMALL)
    model.compile(optimizer=adam(num_steps=80, learning_rate=5e-3), jit_compile=keras.backend.backend() == "jax")
    data = tf.data.Dataset.from_tensors({"source": source, "target": target}).repeat()
    model.fit(data, steps_per_epoch=80, epochs=1, verbose=0)
    features = Features("lite0")

    def far(pictures):
        pairs = zip(features(pictures)[1], features(target)[1], strict=True)
        return sum(float(ops.sum(ops.square(one - other))) for one, other in pairs)

    assert far(ops.convert_to_numpy(model.to_target(source))) < 0.7 * far(source)


def test_a_style_is_chosen_or_mixed_by_its_name(tmp_path):
    """The saved network with its classes' names, as a run saves them, opened as `translate --class` does."""
    from pixelart_tf.base.cli import UserError
    from pixelart_tf.generators import class_names
    from pixelart_tf.generators.opening import load_generator

    network, path = style_net(num_classes=2, **SMALL), tmp_path / "to_target.keras"
    for weight in network.trainable_variables:
        weight.assign(weight + np.random.default_rng(0).normal(scale=0.1, size=weight.shape).astype("float32"))
    network.save(path)
    class_names.write(path, ["monet", "van_gogh"])
    picture = np.random.default_rng(0).uniform(-1, 1, (2, 16, 24, 3)).astype("float32")
    for wanted, weights in (("van_gogh", (0, 1)), ("monet=3,van_gogh=1", (0.75, 0.25))):
        made = load_generator(path, style=wanted)(picture)
        style = np.float32([weights, weights])
        np.testing.assert_allclose(made, network({"images": picture, "style": style}), atol=1e-5)
    if keras.backend.backend() == "tensorflow":   # `convert` is TensorFlow's; what it writes opens without this package
        assert convert.main([str(path), str(tmp_path / "one.keras"), "--class", "monet=3,van_gogh=1"]) == 0
        np.testing.assert_allclose(keras.saving.load_model(tmp_path / "one.keras")(picture), made, atol=1e-5)
    for wanted, message in (
        (None, "choose a style"), ("manet", "must be one of monet, van_gogh"), ("monet=x", "must be a number"),
        ("monet=0", "one above 0"),
    ):
        with pytest.raises(UserError, match=message):
            load_generator(path, style=wanted)

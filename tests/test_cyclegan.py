"""The one loss: each player's gradient is its own; what is logged; what each option changes."""

import numpy as np
import pytest
from keras import ops
from tiny_cyclegan import gan, loss_of, losses, pictures, tensors
from tiny_models import PATCHGAN, RESNET, gradients, players_gradients

pytestmark = pytest.mark.keras_only

UNET = {"name": "unet", "base_width": 4, "num_downsamplings": 2, "dropout": 0.0}
NORMED = PATCHGAN | {"norm": "batch"}


def mean_square(x):
    return ops.mean(ops.square(x))


def mean_error(a, b):
    return ops.mean(ops.abs(a - b))


def player_losses(model, source, target, identity_weight=5):
    """Each player's loss as the paper has it (equations 1 to 3, section 4), one translation at a time."""
    g, f = model.to_target, model.to_source
    d_source, d_target = model.source_discriminator, model.target_discriminator

    def cycles():
        return 10 * (mean_error(f(g(source)), source) + mean_error(g(f(target)), target))

    def identity(network, images):
        return identity_weight * mean_error(network(images), images) if identity_weight else 0.0

    return {
        "to_target": (g, lambda: mean_square(d_target(g(source)) - 1) + cycles() + identity(g, target)),
        "to_source": (f, lambda: mean_square(d_source(f(target)) - 1) + cycles() + identity(f, source)),
        "target_discriminator": (
            d_target, lambda: (mean_square(d_target(target) - 1) + mean_square(d_target(g(source)))) / 2
        ),
        "source_discriminator": (
            d_source, lambda: (mean_square(d_source(source) - 1) + mean_square(d_source(f(target)))) / 2
        ),
    }


@pytest.mark.parametrize("generator", [RESNET, UNET], ids=["resnet", "unet"])
@pytest.mark.parametrize("channels", [(3, 3), (1, 3)], ids=["color", "grey to color"])
def test_the_gradient_of_the_one_loss_is_each_players_own(generator, channels):
    identity_weight = 5 if channels[0] == channels[1] else 0   # no picture is grey and in color
    model = gan(
        generator=generator, channels=channels, identity_weight=identity_weight,
    )
    pair = tensors(pictures(channels=channels))
    players = player_losses(model, **pair, identity_weight=identity_weight)
    networks = {name: network for name, (network, _) in players.items()}

    def one_and_own():
        return [loss_of(model, pair), *(loss() for _, loss in players.values())]

    seen = 0
    for name, variable, one, own in players_gradients(one_and_own, networks, model.trainable_variables):
        # Convolution kernels before an instance norm have gradients near zero: the scale is the network's.
        np.testing.assert_allclose(one, own, rtol=1e-3, atol=2e-5, err_msg=f"{name} {variable.path}")
        assert np.abs(own).max() > 0 or "bias" in variable.path
        seen += 1
    assert seen == len(model.trainable_variables)


def test_logged_losses_are_the_players_own_and_the_terms_add_up():
    model = gan()
    pair = tensors(pictures())
    source, target = pair["source"], pair["target"]
    log = losses(model, pair)
    for name, (_, loss) in player_losses(model, source, target).items():
        assert log[name] == pytest.approx(float(loss()), rel=1e-5), name
    g, f = model.to_target, model.to_source
    # Both directions added, in units of [-1, 1].
    assert log["cycle"] == pytest.approx(
        float(mean_error(f(g(source)), source) + mean_error(g(f(target)), target)), rel=1e-5
    )
    assert log["identity"] == pytest.approx(
        float(mean_error(g(target), target) + mean_error(f(source), source)), rel=1e-5
    )
    # Both generators' losses hold the cycles, which are trained on once.
    sums = sum(log[name] for name in ("to_target", "to_source", "source_discriminator", "target_discriminator"))
    assert log["total"] == pytest.approx(sums - 10 * log["cycle"], rel=1e-5)
    assert "color" not in log


def test_without_an_identity_it_is_neither_computed_nor_logged():
    model = gan(identity_weight=0.0)
    outputs = model(tensors(pictures()))
    assert set(outputs) == {"fake_target", "fake_source", "cycled_source", "cycled_target"}
    assert "identity" not in losses(model, pictures())


def test_the_color_loss_compares_local_means():
    model, plain = gan(color_weight=3.0, color_block=8), gan()
    pair = pictures()
    log = losses(model, pair)
    means = lambda x: np.asarray(x).reshape(2, 2, 8, 2, 8, 3).mean((2, 4))  # noqa: E731
    fake_target = ops.convert_to_numpy(model.to_target(pair["source"]))
    fake_source = ops.convert_to_numpy(model.to_source(pair["target"]))
    pairs = zip(pair.values(), (fake_target, fake_source), strict=True)
    expected = [np.abs(means(a) - means(b)).mean() for a, b in pairs]
    assert log["color"] == pytest.approx(sum(expected), rel=1e-4)
    without = losses(plain, pair)
    assert log["to_target"] - without["to_target"] == pytest.approx(3 * expected[0], rel=1e-3)
    assert log["to_source"] - without["to_source"] == pytest.approx(3 * expected[1], rel=1e-3)
    assert log["total"] - without["total"] == pytest.approx(3 * sum(expected), rel=1e-3)


def test_the_color_loss_of_grey_and_color_compares_brightness():
    model = gan(channels=(1, 3), identity_weight=0.0, color_weight=1.0)
    assert np.isfinite(losses(model, pictures(channels=(1, 3)))["color"])


def test_label_smoothing_moves_what_is_real_and_nothing_else():
    pair = pictures()
    smooth_model = gan(label_smoothing=0.1)
    plain, smooth = losses(gan(), pair), losses(smooth_model, pair)
    for name in ("to_target", "to_source", "cycle", "identity"):
        assert smooth[name] == pytest.approx(plain[name], rel=1e-6)
    real = ops.convert_to_numpy(smooth_model.target_discriminator(pair["target"]))
    change = (np.square(real - 0.9).mean() - np.square(real - 1).mean()) / 2
    assert smooth["target_discriminator"] - plain["target_discriminator"] == pytest.approx(change, rel=1e-3)


def test_diff_augment_changes_what_discriminators_see_in_training_only():
    pair = pictures()
    plain, augmented = gan(), gan(diff_augment="color,translation,cutout")
    one, other = losses(plain, pair), losses(augmented, pair)
    for name in ("cycle", "identity"):
        assert other[name] == pytest.approx(one[name], rel=1e-6)
    for name in ("to_target", "to_source", "target_discriminator", "source_discriminator"):
        assert abs(other[name] - one[name]) > 1e-4, name
    assert losses(augmented, pair) != other   # new numbers each time
    one, other = losses(plain, pair, training=False), losses(augmented, pair, training=False)
    assert other == pytest.approx(one, rel=1e-6)


def test_gradients_reach_the_generators_through_the_augmentation():
    model = gan(diff_augment="color,translation,cutout", cycle_weight=0.0, identity_weight=0.0)
    variables = model.to_target.trainable_variables
    found = gradients(lambda: loss_of(model, pictures()), variables)
    assert max(np.abs(g).max() for g in found) > 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"generator": {"base_widht": 4}}, "`model.generator.base_widht` is not a setting. Did you mean `base_width`?"),
        ({"generator": {"name": "vgg"}}, "`model.generator.name` must be one of unet, resnet, cells. Received: 'vgg'"),
        ({"discriminator": {"num_layers": "3"}}, "`model.discriminator.num_layers` must be a whole number"),
        ({"generator": {"image_size": 8}}, "`model.generator.image_size` is not a setting."),
        ({"size": (18, 18), "generator": RESNET | {"num_downsamplings": 2}}, "`image_size` must"),
        ({"objective": "wgan"}, "`objective` must be one of lsgan, bce, hinge, wgangp. Received: 'wgan'"),
        ({"discriminator": NORMED | {"norm": "layer"}}, "`norm` must be one of instance, batch, none"),
        ({"discriminator": NORMED, "r1_weight": 0.1}, "`r1_weight` must be 0 with batch norm, as pictures that meet"),
        ({"discriminator": NORMED, "objective": "wgangp"}, '`objective` must not be "wgangp" with batch norm'),
        ({"pool_size": -1}, "`pool_size` must"),
        ({"color_weight": 1.0, "color_block": 17}, "`color_block` must be"),
        ({"cycle_weight": -1.0}, "`cycle_weight` must"),
        ({"channels": (1, 3), "identity_weight": 5.0}, "`identity_weight` must be 0"),
        ({"diff_augment": "colors"}, "`policy`|`diff_augment`"),
    ],
    ids=str,
)
def test_impossible_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.").replace("?", r"\?").replace("(", r"\(")):
        gan(**options)


def test_the_topology_loss_is_the_distance_of_features_along_the_cycles():
    plain, model = gan(), gan(topology_weight=2.0)
    assert [v.shape for v in plain.variables] == [v.shape for v in model.variables if "topology" not in v.path]
    assert "topology" not in plain.trackers
    x = {key: ops.convert_to_tensor(value) for key, value in pictures().items()}
    made, terms = model(x), {}
    model.track = terms.update
    loss = float(model.compute_loss(x=x, y_pred=made))
    wanted = sum(float(model.topology(x[key], made[f"cycled_{key}"])) for key in ("source", "target"))
    assert float(terms["topology"]) == pytest.approx(wanted, rel=1e-4)
    assert float(model.topology(x["source"], x["source"])) == 0
    topology, model.topology = model.topology, lambda *_: 0.0
    assert loss - float(model.compute_loss(x=x, y_pred=made)) == pytest.approx(2 * wanted, rel=1e-3)
    model.topology = topology
    with pytest.raises(ValueError, match="`topology_weight` must be 0"):
        gan(topology_weight=1.0, cycle_weight=0.0)

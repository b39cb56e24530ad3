"""The one loss: each player's gradient is its own; what is logged; what each option changes."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import gradients, players_gradients

from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.training.callbacks import sync
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only

SIZE = 16
RESNET = {"name": "resnet", "base_width": 4, "num_blocks": 1, "num_downsamplings": 1}
UNET = {"name": "unet", "base_width": 4, "num_downsamplings": 2, "dropout": 0.0}
PATCHGAN = {"base_width": 4, "num_layers": 1}
NORMED = PATCHGAN | {"norm": "batch"}


def gan(seed=0, size=(SIZE, SIZE), channels=(3, 3), **options):
    keras.utils.set_random_seed(seed)
    shapes = {name: (*size, c) for name, c in zip(("source", "target"), channels, strict=True)}
    made = CycleGAN(shapes, **{"generator": RESNET, "discriminator": PATCHGAN} | options)
    # Larger than at the start of a run, so that no term is negligible.
    rng = np.random.default_rng(seed)
    for weight in made.trainable_variables:
        weight.assign(weight + rng.normal(scale=0.1, size=weight.shape).astype("float32"))
    return made


def pictures(batch=2, channels=(3, 3), seed=1):
    rng = np.random.default_rng(seed)
    source, target = (rng.uniform(-1, 1, (batch, SIZE, SIZE, c)).astype("float32") for c in channels)
    return {"source": source, "target": target}


def tensors(pair):
    return {name: ops.convert_to_tensor(images) for name, images in pair.items()}


def loss_of(model, pair, training=True):
    pair = tensors(pair)
    return model.compute_loss(x=pair, y_pred=model(pair, training=training), training=training)


def logged(model):
    return {name: float(tracker.result()) for name, tracker in model.trackers.items()}


def losses(model, pair, training=True):
    """The logged losses of one batch."""
    model.reset_metrics()
    total = float(loss_of(model, pair, training))
    return logged(model) | {"total": total}


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


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_real_and_made_pictures_are_normed_apart(norm):
    model = gan(discriminator=PATCHGAN | {"norm": norm})
    judge, (real, fake) = model.target_discriminator, tensors(pictures(batch=3)).values()
    fake = 0.2 * fake - 0.7   # darker: of one batch with the real ones, its mean would be another
    before = judge.get_weights()
    of_generator, of_judge = (
        float(loss) for loss in model.game(judge, real, fake, adversarial=model.adversarial, training=True)
    )
    kept = judge.get_weights()
    judge.set_weights(before)
    # One pass of the real pictures, one of the made ones; what is kept has seen both, once.
    of_real, of_fake = (ops.convert_to_numpy(judge(each, training=True)) for each in (real, fake))
    assert of_generator == pytest.approx(((of_fake - 1) ** 2).mean(), rel=1e-4)
    assert of_judge == pytest.approx((((of_real - 1) ** 2).mean() + (of_fake**2).mean()) / 2, rel=1e-4)
    for mine, wanted in zip(kept, judge.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-6)
    assert any((a != b).any() for a, b in zip(before, kept, strict=True)) == (norm == "batch")


def test_the_pool_shows_discriminators_old_fakes():
    model = gan(pool_size=4)
    plain = gan()
    for step in range(2):   # while the pool fills, it hands out what it gets
        one, other = losses(plain, pictures(seed=step)), losses(model, pictures(seed=step))
        assert other == pytest.approx(one, rel=1e-5)
    assert int(model.source_pool.count) == int(model.target_pool.count) == 4
    first = ops.convert_to_numpy(model.to_target(pictures(seed=0)["source"]))
    np.testing.assert_allclose(ops.convert_to_numpy(model.target_pool.images)[:2], first, atol=1e-5)
    differs = False
    for step in range(2, 8):
        one, other = losses(plain, pictures(seed=step)), losses(model, pictures(seed=step))
        for name in ("to_target", "to_source", "cycle"):   # generators answer for their new fakes alone
            assert other[name] == pytest.approx(one[name], rel=1e-5)
        differs |= abs(other["target_discriminator"] - one["target_discriminator"]) > 1e-5
    assert differs
    before = ops.convert_to_numpy(model.target_pool.images)
    losses(model, pictures(seed=9), training=False)
    np.testing.assert_array_equal(before, ops.convert_to_numpy(model.target_pool.images))


def batches():
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(pictures(batch=4)).repeat()


def compiled(model, **options):
    model.compile(
        optimizer=adam(num_steps=100, learning_rate=1e-3), jit_compile=keras.backend.backend() == "jax", **options
    )
    return model


def test_weights_of_the_terms_act_without_another_compilation():
    model = compiled(gan())
    traces = []
    compute_loss = model.compute_loss
    model.compute_loss = lambda *args, **kwargs: traces.append(1) or compute_loss(*args, **kwargs)
    model.fit(batches(), steps_per_epoch=2, verbose=0, shuffle=False)
    count = len(traces)
    first = logged(model)
    model.fit(batches(), steps_per_epoch=20, verbose=0, shuffle=False)
    before = logged(model)
    assert before["cycle"] < first["cycle"]   # it learns
    assert before["to_target"] > 10 * before["cycle"]
    model.cycle_weight.assign(0.0)
    model.identity_weight.assign(0.0)
    model.fit(batches(), steps_per_epoch=1, verbose=0, shuffle=False)
    after = logged(model)
    assert len(traces) == count   # Python's code of the loss did not run again
    assert after["cycle"] > 0.5 * before["cycle"]
    assert after["to_target"] < before["to_target"] - 9 * before["cycle"]


@pytest.mark.slow
def test_fit_with_all_that_there_is():
    model = compiled(gan(
        generator=RESNET | {"dropout": 0.5}, pool_size=3, diff_augment="color,translation,cutout", color_weight=1.0,
        label_smoothing=0.1,
    ), run_eagerly=keras.backend.backend() == "tensorflow")   # a graph would take longer
    seeds = [v for v in model.variables if "seed_generator_state" in v.path]
    before = [ops.convert_to_numpy(v) for v in [*model.trainable_variables, *seeds]]
    history = model.fit(batches(), steps_per_epoch=1, epochs=2, verbose=0, shuffle=False).history
    sync(model)
    names = {
        "loss", "to_target", "to_source", "source_discriminator", "target_discriminator", "cycle", "identity", "color",
    }
    assert set(history) == names
    assert all(np.isfinite(values).all() for values in history.values())
    assert int(model.source_pool.count) == 3
    for old, variable in zip(before, [*model.trainable_variables, *seeds], strict=True):
        assert (old != ops.convert_to_numpy(variable)).any(), variable.path


def test_what_is_learnt_is_one_scalar_without_a_train_step():
    assert CycleGAN.train_step is keras.Model.train_step


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


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's graph optimizer")
def test_no_weight_is_read_after_its_update():
    """In the graph as it is run, each read of a variable comes before or after each of its writes, not at any time.

    TensorFlow's dependency optimization removes the order of what it takes for unrelated; a step's result would then
    depend on which thread is faster.
    """
    from tensorflow.python.eager import context  # the optimized graph is shown nowhere else

    model = compiled(gan(pool_size=2, diff_augment="color", generator=RESNET | {"dropout": 0.5, "l2": 1e-4}))
    model.make_train_function()
    iterator = iter(batches())
    context.context().enable_graph_collection()
    model.train_function(iterator)
    graphs = [graph.post_optimization_graph for graph in context.context().export_run_metadata().function_graphs]
    nodes = {node.name: node for node in max(graphs, key=lambda graph: len(graph.node)).node}
    ancestors = {}

    def before(name):
        if name not in ancestors:
            seen, left = set(), [name]
            while left:
                for edge in nodes[left.pop()].input:
                    earlier = edge.lstrip("^").split(":")[0]
                    if earlier not in seen:
                        seen.add(earlier)
                        left.append(earlier)
            ancestors[name] = seen
        return ancestors[name]

    reads = [node for node in nodes.values() if node.op == "ReadVariableOp"]
    writes = [node for node in nodes.values() if node.op.startswith("Assign") and node.op.endswith("VariableOp")]
    assert len(writes) > 3 * len(model.trainable_variables)   # Adam's two moments and the weight
    for write in writes:
        for read in reads:
            if read.input[0] == write.input[0]:
                assert read.name in before(write.name) or write.name in before(read.name), (read.name, write.name)


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

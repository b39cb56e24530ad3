"""CycleGAN in training: what discriminators are shown, and what a step reads and changes."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_cyclegan import gan, logged, losses, pictures, tensors
from tiny_models import PATCHGAN, RESNET

from pixelart_tf.models.cyclegan import CycleGAN
from pixelart_tf.training.callbacks import sync
from pixelart_tf.training.optimizers import adam

pytestmark = pytest.mark.keras_only


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

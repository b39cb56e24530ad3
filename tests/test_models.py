"""The contract that each entry of MODELS meets: what the trainer, the run folder and other commands rely on.

A new model is one file, one line in MODELS and one line in `tiny_models`; that two replicas equal one is in
test_distributed.
"""

import functools
import json
import sys

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import (
    BATCH_NORM,
    CLASSES,
    HEADS,
    STATEFUL,
    TINY,
    batch,
    compile_for_few_steps,
    perturb,
    players_gradients,
    shapes,
    values_and_gradients,
)

from pixelart_tf.generators.saving import save_generator
from pixelart_tf.models import MODELS
from pixelart_tf.models.model import Model
from pixelart_tf.settings import config
from pixelart_tf.training import checkpoint, figures
from pixelart_tf.training.callbacks import sync
from pixelart_tf.training.optimizers import adam
from pixelart_tf.training.samples import averages

pytestmark = pytest.mark.keras_only
each_model = pytest.mark.parametrize("name", MODELS)
# JAX compiles for many seconds what TensorFlow runs at once. There each model takes a step, and those answer the rest
# that between them have two domains, pools, heads, noise and dense layers.
ON_JAX = ("cyclegan", "pixel_gan")
costly = [name for name in MODELS if keras.backend.backend() != "jax" or name in ON_JAX]
each_costly = pytest.mark.parametrize("name", costly)


def options_of(each, kind="{}"):
    """Name and options, with a name for the test."""
    return [pytest.param(name, options, id=kind.format(name)) for name, options in each.items() if name in costly]


each_plain = options_of({name: {} for name in MODELS})
each_normed = options_of(BATCH_NORM, "{} with batch norm")
each_of_classes = options_of(CLASSES, "{} of classes")
each_of_heads = options_of(HEADS, "{} with heads")
each_stateful = options_of(STATEFUL, "stateful {}")


def made(name, seed=0, **options):
    keras.utils.set_random_seed(seed)
    return MODELS[name](**{"shapes": shapes(name)} | TINY[name] | options)


def compiled(model):
    """For a few steps; in test_distributed each model is trained by a graph."""
    compile_for_few_steps(model, adam(num_steps=100, learning_rate=1e-3, ema_momentum=0.9))
    model.optimizer.build(model.trainable_variables)
    return model


def fit(model, steps, first=0):
    """Trains on batches whose numbers are those of their steps."""
    import tensorflow as tf

    batches = [batch(model, seed=step) for step in range(first, first + steps)]
    data = tf.data.Dataset.from_tensor_slices({key: np.stack([b[key] for b in batches]) for key in model.feed})
    history = model.fit(data, steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False).history
    sync(model)
    return history


@functools.cache
def stepped(name):
    """A model after one step, its weights before it, and the logs: it is trained once for all that ask."""
    model = compiled(perturb(made(name)))
    before = [ops.convert_to_numpy(v) for v in model.trainable_variables]
    return model, before, fit(model, 1)


def values(model):
    return [ops.convert_to_numpy(v) for v in checkpoint.variables(model)]


@each_model
def test_it_says_what_it_is(name):
    model = made(name)
    assert isinstance(model, Model)
    assert model.train_step.__func__ is keras.Model.train_step   # stock `fit()`, one loss
    assert set(model.domains) <= {"source", "target"}
    assert set(model.feed) <= {"source", "target", "partner", "noise", "label"}
    assert model.saved
    assert all(isinstance(getattr(model, each), keras.Model) for each in model.saved)
    assert set(model.saved) <= set(model.networks)
    drawn = [name for names in model.curves.values() for name in names]
    assert set(model.trackers) <= set(drawn)
    # Its options are the [model] table, by name and type.
    filled = config.options(MODELS[name], TINY[name], "model")
    assert filled.keys() >= TINY[name].keys()
    with pytest.raises(config.ConfigError, match=r"`model\.no_such_option` is not a setting"):
        config.options(MODELS[name], {"no_such_option": 1}, "model")


@each_model
def test_one_step_changes_every_network_and_logs_every_loss(name):
    model, before, history = stepped(name)
    assert history.keys() == {"loss", *model.trackers}
    assert np.isfinite([history[key] for key in history]).all()
    changed = [(a != ops.convert_to_numpy(v)).any() for a, v in zip(before, model.trainable_variables, strict=True)]
    assert all(changed)


@pytest.mark.parametrize(("name", "options"), each_plain + each_normed + each_of_classes)
def test_each_players_gradient_of_the_one_loss_is_that_of_its_own(name, options):
    """A network that has a loss of its own logs it by its name."""
    model = perturb(made(name, **options))
    pictures = {key: ops.convert_to_tensor(images) for key, images in batch(model).items()}
    terms = {}
    model.track = terms.update

    players = {name: network for name, network in model.networks.items() if name in model.trackers}
    assert players

    def total_and_own():
        total = model.compute_loss(x=pictures, y_pred=model(pictures, training=True), training=True)
        return [total, *(terms[player] for player in players)]

    for player, variable, one, own in players_gradients(total_and_own, players, model.trainable_variables):
        np.testing.assert_allclose(one, own, rtol=1e-3, atol=2e-5, err_msg=f"{player} {variable.path}")
        assert np.abs(own).max() > 0 or "bias" in variable.path


@each_costly
def test_l2_fines_the_kernels_of_what_is_saved_and_no_more(name, tmp_path):
    l2 = 0.5
    plain, fined = made(name), made(name, generator=TINY[name]["generator"] | {"l2": l2})
    rng = np.random.default_rng(0)
    values = [rng.normal(scale=0.3, size=weight.shape) for weight in plain.trainable_variables]
    found = []
    for model in (plain, fined):
        for weight, value in zip(model.trainable_variables, values, strict=True):
            weight.assign(value)
        x = {key: ops.convert_to_tensor(pictures) for key, pictures in batch(model).items()}

        terms = {}
        model.track = terms.update

        def total_and_logged(model=model, x=x, terms=terms):
            total = model.compute_loss(x=x, y_pred=model(x, training=True), training=True)
            return [total, *(terms[key] for key in model.trackers)]

        (loss, *logged), (slopes,) = values_and_gradients(total_and_logged, model.trainable_variables, of=1)
        found.append((loss, logged, slopes))
    (loss, logged, slopes), (fined_loss, fined_logged, fined_slopes) = found
    ours = {id(weight) for each in fined.saved for weight in getattr(fined, each).trainable_variables}
    kernels = [id(weight) in ours and weight.name == "kernel" for weight in fined.trainable_variables]
    assert any(kernels)
    assert not all(kernels)
    squares = sum((value**2).sum() for value, is_kernel in zip(values, kernels, strict=True) if is_kernel)
    assert fined_loss - loss == pytest.approx(l2 * squares, rel=1e-3)
    assert fined_logged == pytest.approx(logged, rel=1e-5)
    for one, other, value, is_kernel in zip(slopes, fined_slopes, values, kernels, strict=True):
        np.testing.assert_allclose(other - one, 2 * l2 * value * is_kernel, rtol=1e-3, atol=1e-3)
    save_generator(getattr(fined, fined.saved[0]), tmp_path / "fined.keras")
    assert not keras.saving.load_model(tmp_path / "fined.keras", compile=False).losses


@pytest.mark.parametrize(
    ("name", "options"), each_plain + each_stateful + each_normed + each_of_classes + each_of_heads
)
def test_a_resume_goes_on_exactly(name, options, tmp_path):
    whole = compiled(made(name, **options))
    fit(whole, 2)
    checkpoint.save(tmp_path / "checkpoint.npz", whole, {"epoch": 0, "step": 2})
    rest = compiled(made(name, seed=7, **options))
    assert checkpoint.restore(tmp_path / "checkpoint.npz", rest) == {"epoch": 0, "step": 2}
    for model in (whole, rest):
        fit(model, 1, first=2)
    for one, other in zip(values(whole), values(rest), strict=True):
        np.testing.assert_array_equal(one, other)


@each_costly
def test_what_it_saves_opens_with_plain_keras(name, tmp_path):
    model = compiled(made(name))
    assert averages(model) == {key: getattr(model, key) for key in model.saved}   # nothing to average yet
    model, *_ = stepped(name)
    for key, network in averages(model).items():
        save_generator(network, tmp_path / f"{key}.keras")
        opened = keras.saving.load_model(tmp_path / f"{key}.keras", compile=False)
        assert not [each for each in opened._flatten_layers() if "pixelart_tf" in type(each).__module__]
        inputs = np.random.default_rng(0).uniform(-1, 1, (1, *[n or 48 for n in opened.input_shape[1:]]))
        np.testing.assert_allclose(
            ops.convert_to_numpy(opened(inputs.astype("float32"))),
            ops.convert_to_numpy(network(inputs.astype("float32"))), atol=1e-5,
        )


@pytest.mark.parametrize(("name", "options"), each_plain + each_of_classes)
def test_its_sheets_and_what_is_scored_are_pictures(name, options):
    model = compiled(made(name, **options))
    samples = batch(model, size=3)
    sheets = model.sheets(averages(model), samples)
    assert "samples" in sheets
    for rows in sheets.values():
        assert len(rows) <= 5   # what a person takes in
        for caption, row in rows.items():
            assert caption
            assert row.ndim == 4
            assert row.shape[-1] in (1, 3)
            assert np.abs(row).max() <= 1
        assert figures.sheet(rows).dtype == np.uint8
    scored = model.made(averages(model), samples)
    assert len(scored) == 3
    assert np.abs(scored).max() <= 1


@each_model
def test_its_settings_survive_a_config_file(name):
    filled = config.options(MODELS[name], TINY[name], "model")
    read = config.loads(config.dumps({"model": filled}))["model"]
    assert config.options(MODELS[name], read, "model") == filled
    assert json.dumps(list(MODELS[name].saved))


def test_contributing_shows_a_model_that_works(monkeypatch, tmp_path):
    """The ten lines in CONTRIBUTING are run, entered into MODELS, and meet the contract."""
    from pathlib import Path

    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    assert len([line for line in code.splitlines() if line.strip() and "import" not in line]) <= 15
    module = type(sys)("mirror")
    exec(compile(code, "CONTRIBUTING.md", "exec"), module.__dict__)
    monkeypatch.setitem(MODELS, "mirror", module.Mirror)
    monkeypatch.setitem(TINY, "mirror", {"generator": TINY["cyclegan"]["generator"]})
    test_it_says_what_it_is("mirror")
    test_one_step_changes_every_network_and_logs_every_loss("mirror")
    test_each_players_gradient_of_the_one_loss_is_that_of_its_own("mirror", {})
    test_l2_fines_the_kernels_of_what_is_saved_and_no_more("mirror", tmp_path)
    test_its_sheets_and_what_is_scored_are_pictures("mirror", {})
    test_its_settings_survive_a_config_file("mirror")

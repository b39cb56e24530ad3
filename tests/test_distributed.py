"""Training on several devices, or several hosts, is training on one: the same data give the same weights.

With SGD, as Adam hides a wrong scale of the loss. Strategies do not share a process, so each has its own.

Measured, largest difference of a weight after 6 steps of a CycleGAN that change one by 6.3e-2, on TensorFlow 2.21 and
JAX 0.10: on one kind of CPU mirrored 2.4e-7, eight JAX devices 1.8e-7, two hosts 2.4e-7, JAX against TensorFlow 8.9e-6.
On another the last bit of an activation falls on the other side of a leaky ReLU's corner, and all are 4e-5. Losses that
are not divided by the number of replicas (Keras' `scale_loss_for_distribution` made a no-op) give 6.3e-2 when mirrored;
a host that is one batch off, or repeats the other's share, 4.8e-3 to 1.6e-2.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from processes import environment
from tiny_models import BATCH_NORM, CLASSES, HEADS, TINY

from pixelart_tf.models import MODELS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
# Else 0.005. With longer steps the last bit of a weight becomes much in six of them.
RATES = {"unit": 5e-4, "deep_pixelization": 1e-4, "style": 0.02, "r1": 2e-4}
TRAIN = """
import json
import sys
options = json.loads(sys.argv[1])
from pixelart_tf import devices
devices.select_backend(options["backend"])
chosen = devices.choose(devices=options["devices"])
assert chosen.num_replicas == options["num_replicas"], chosen

import keras
import numpy as np
import tensorflow as tf
from tiny_models import TINY, shapes, values
from pixelart_tf.models import MODELS

NUM_STEPS, BATCH_SIZE = 6, 8
chosen.check_batch_size(BATCH_SIZE)


def train(path, name, more, rate):
    keras.utils.set_random_seed(0)
    with chosen.scope():
        model = MODELS[name](**{"shapes": shapes(name)} | TINY[name] | more)
        model.has_several_hosts = chosen.num_hosts > 1
        model.compile(optimizer=keras.optimizers.SGD(rate), jit_compile=chosen.jit_compile)
        model.optimizer.build(model.trainable_variables)
    # Random weights of numpy's, the same on every backend, and large enough for gradients to matter.
    rng = np.random.default_rng(1)
    for weight in model.trainable_variables:
        weight.assign(rng.normal(1.0 if weight.path.endswith("gamma") else 0.0, 0.2, weight.shape))
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_variables]
    pictures = {
        key: values(rng, model, key, (NUM_STEPS, BATCH_SIZE)) for key in model.feed
    }

    def make(num_hosts, host):
        share = slice(host * BATCH_SIZE // num_hosts, (host + 1) * BATCH_SIZE // num_hosts)
        return tf.data.Dataset.from_tensor_slices({key: each[:, share] for key, each in pictures.items()}).repeat()

    history = model.fit(chosen.distribute(make), steps_per_epoch=NUM_STEPS // 2, epochs=2, verbose=0, shuffle=False)
    losses = {f"loss_{name}": np.array(values, "float32").ravel() for name, values in history.history.items()}
    if chosen.is_chief:
        weights = {f"weight_{i:03}": weight for i, weight in enumerate(model.get_weights())}
        after = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_variables]
        change = np.array(max(np.abs(a - b).max() for a, b in zip(before, after, strict=True)))
        np.savez(path, change=change, **weights, **losses)


for job in options["jobs"]:
    print(job[0], file=sys.stderr)   # the last one is what an error is of
    train(*job)
"""


def start(*jobs, backend="tensorflow", devices=None, num_replicas=1, **more):
    """A process that trains one after the other; a job is a path, the name of a model, and what it has besides."""
    jobs = [
        (str(path), model, more, RATES.get("r1" if "r1_weight" in more else model, 0.005)) for path, model, more in jobs
    ]
    options = {"backend": backend, "devices": devices, "num_replicas": num_replicas, "jobs": jobs}
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, json.dumps(options)],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT / "tests"), **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(*processes, timeout=300):
    try:
        for process in processes:
            _, err = process.communicate(timeout=timeout)
            assert process.returncode == 0, err[-3000:]
    finally:
        for process in processes:  # a host whose partner failed would wait for it
            process.kill()
            process.wait()


def trained(path, *processes):
    wait_for(*processes)
    return dict(np.load(path))


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    path = tmp_path_factory.mktemp("one") / "tensorflow.npz"
    result = trained(path, start((path, "cyclegan", {})))
    assert result["change"] > 0.01  # something was learnt, or equality would mean nothing
    return result


def assert_same(result, reference):
    """Holds trained weights and logged losses together, up to a small part of what was learnt, and names all others.

    Weights may differ by 0.005 of the largest change that training made in one, losses by 0.001 of their size.
    """
    assert result.keys() == reference.keys()
    differences = {key: float(np.abs(result[key] - reference[key]).max()) for key in reference if key != "change"}
    allowed = {
        key: 1e-3 * max(1, np.abs(reference[key]).max()) if key.startswith("loss_") else 5e-3 * reference["change"]
        for key in differences
    }
    wrong = {key: d for key, d in differences.items() if not d < allowed[key]}
    assert not wrong


KINDS = {
    **{name: (name, {}) for name in MODELS},
    # Each replica compares the patches and the steps of its own share.
    "pixel_artist": ("pixel_artist", {"patch_weight": 0.0, "step_weight": 0.0}),
    **{f"{name} with batch norm": (name, more) for name, more in BATCH_NORM.items()},
    **{f"{name} with heads": (name, more) for name, more in HEADS.items()},
    **{f"{name} of classes": (name, more) for name, more in CLASSES.items()},
    "with l2": ("autoencoder", {"generator": TINY["autoencoder"]["generator"] | {"l2": 0.01}}),
    "with r1": ("cyclegan", {"r1_weight": 0.01}),
}


@pytest.fixture(scope="module")
def one_and_two(tmp_path_factory):
    """Folders of what one device and two make of each kind, by two processes in all."""
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    jobs = [[(folder / f"{name}.npz", *kind) for name, kind in KINDS.items()] for folder in folders]
    wait_for(start(*jobs[0]), start(*jobs[1], devices=["CPU:0", "CPU:1"], num_replicas=2), timeout=1200)
    return folders


@pytest.mark.parametrize("kind", KINDS)
def test_mirrored_over_two_devices_equals_one(kind, one_and_two):
    reference, result = (dict(np.load(folder / f"{kind}.npz")) for folder in one_and_two)
    assert reference["change"] > 5e-4
    assert_same(result, reference)


def test_eight_jax_devices_equal_one(one_device, tmp_path):
    pytest.importorskip("jax")
    one, eight = tmp_path / "one.npz", tmp_path / "eight.npz"
    of_eight = start((eight, "cyclegan", {}), backend="jax", num_replicas=8, num_devices=8)
    of_one = start((one, "cyclegan", {}), backend="jax")
    result = trained(eight, of_eight, of_one)
    reference = dict(np.load(one))
    assert_same(result, reference)
    assert_same(reference, one_device)


def test_two_hosts_equal_one(one_device, two_hosts, tmp_path):
    path = tmp_path / "hosts.npz"
    processes = [start((path, "cyclegan", {}), num_replicas=2, TF_CONFIG=tf_config) for tf_config in two_hosts]
    assert_same(trained(path, *processes), one_device)

"""Which devices, strategy and precision are chosen. Strategies do not share a process, so each choice has its own."""

import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from processes import environment

from pixelart_tf import devices
from pixelart_tf.devices import choosing

ROOT = Path(__file__).parents[1]
CHOOSE = """
import json, os, sys
from pixelart_tf import devices
from pixelart_tf.devices import choosing
backend, options = json.loads(sys.argv[1])
try:
    backend = devices.select_backend(backend, options.get("tpu", False))
    assert "keras" not in sys.modules
    chosen = devices.choose(**options)
except devices.DeviceError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
import keras
with chosen.scope():
    variable = keras.Variable([1.0, 2.0])
print(json.dumps({
    "backend": backend, "kind": chosen.kind, "num_replicas": chosen.num_replicas, "precision": chosen.precision,
    "policy": keras.config.dtype_policy().name, "jit_compile": chosen.jit_compile, "num_hosts": chosen.num_hosts,
    "host": chosen.host, "is_chief": chosen.is_chief, "description": chosen.description,
    "strategy": type(chosen.strategy).__name__, "distribution": keras.distribution.distribution() is not None,
}))
"""


def start(backend=None, variables=None, num_devices=1, **options):
    """A process that chooses devices and prints what it chose."""
    return subprocess.Popen(
        [sys.executable, "-c", CHOOSE, json.dumps([backend, options])],
        cwd=ROOT,
        env=environment(num_devices=num_devices, **(variables or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def test_a_plain_cpu_has_no_strategy():
    chosen = result(start())
    assert chosen["backend"] == "tensorflow"
    assert (chosen["kind"], chosen["num_replicas"], chosen["strategy"]) == ("cpu", 1, "NoneType")
    assert (chosen["precision"], chosen["policy"], chosen["jit_compile"]) == ("float32", "float32", False)
    assert (chosen["num_hosts"], chosen["host"], chosen["is_chief"]) == (1, 0, True)
    assert chosen["description"] == "1 x CPU, tensorflow, float32, XLA off"


def test_two_logical_cpus_are_mirrored():
    chosen = result(start(devices=["CPU:0", "CPU:1"], precision="mixed_bfloat16"))
    assert (chosen["kind"], chosen["num_replicas"], chosen["strategy"]) == ("cpu", 2, "MirroredStrategy")
    assert chosen["policy"] == "mixed_bfloat16"
    assert chosen["description"] == "2 x CPU, tensorflow, MirroredStrategy, mixed_bfloat16, XLA off"


def test_eight_virtual_jax_devices_are_data_parallel():
    pytest.importorskip("jax")
    chosen = result(start("jax", num_devices=8))
    assert (chosen["backend"], chosen["kind"], chosen["num_replicas"]) == ("jax", "cpu", 8)
    assert chosen["distribution"]
    assert chosen["jit_compile"]
    assert chosen["description"] == "8 x CPU, jax, DataParallel, float32, XLA on"


@pytest.mark.slow
def test_jax_splits_the_cpu_into_the_devices_that_are_asked_for():
    pytest.importorskip("jax")
    chosen = result(start(variables={"KERAS_BACKEND": "jax"}, devices=["CPU:0", "CPU:1"]))
    assert (chosen["backend"], chosen["num_replicas"], chosen["distribution"]) == ("jax", 2, True)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.mark.slow
def test_two_hosts_of_tf_config_train_together():
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    tf_configs = [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}) for index in range(2)
    ]
    processes = [start(variables={"TF_CONFIG": tf_config}) for tf_config in tf_configs]
    for index, chosen in enumerate(map(result, processes)):
        assert (chosen["num_replicas"], chosen["num_hosts"], chosen["host"]) == (2, 2, index)
        assert chosen["is_chief"] == (index == 0)
        assert f"MultiWorkerMirroredStrategy, host {index + 1} of 2" in chosen["description"]


@pytest.mark.parametrize(
    ("backend", "looked_for"),
    [(None, ["TPUClusterResolver", 'jax.devices("tpu")']), ("jax", ['jax.devices("tpu")'])],
)
def test_tpu_without_a_tpu_is_one_line_that_says_what_was_looked_for(backend, looked_for):
    process = start(backend, tpu=True)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert err.startswith("--tpu: no TPU found. Looked with ")
    assert err.count("\n") == 1
    assert all(words in err for words in looked_for)
    assert ("TPUClusterResolver" in err) == (backend is None)


def test_a_gpu_that_is_not_there():
    process = start(devices=["GPU:1"])
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (2, "--devices: there is no GPU:1, only 0 x GPU is seen\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "half"}, "`precision` must be one of auto, float32, mixed_float16, mixed_bfloat16.* 'half'"),
        ({"devices": ["CPU:0", "GPU:0"]}, "`devices` must be different devices of one kind.* Received: "),
        ({"devices": ["CPU:0", "cpu:0"]}, "`devices` must be different"),
        ({"devices": ["gpu"]}, "`devices` must be different"),
        ({"devices": []}, "`devices` must be different"),
    ],
)
def test_unknown_names(options, message):
    with pytest.raises(devices.DeviceError, match=message):
        devices.choose(**options)


@pytest.mark.parametrize(
    "tf_config",
    [
        "worker0",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "evaluator", "index": 0}}',
    ],
)
def test_an_unusable_tf_config(monkeypatch, tf_config):
    monkeypatch.setenv("TF_CONFIG", tf_config)
    with pytest.raises(devices.DeviceError, match=r"^TF_CONFIG must be like .*Received: "):
        devices.choose()


def test_unknown_backend():
    with pytest.raises(devices.DeviceError, match=r"`backend` must be one of tensorflow, jax. Received: 'torch'"):
        devices.select_backend("torch")


def test_jax_that_is_not_installed(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "jax" else found(name, *rest))
    with pytest.raises(devices.DeviceError, match="needs JAX, which is not installed"):
        devices.select_backend("jax")


def test_the_backend_cannot_change_once_keras_is_imported():
    import keras

    other = "jax" if keras.backend.backend() == "tensorflow" else "tensorflow"
    with pytest.raises(devices.DeviceError, match=f"cannot change to {other}; set KERAS_BACKEND={other}"):
        devices.select_backend(other)
    assert devices.select_backend(keras.backend.backend()) == keras.backend.backend()


@pytest.mark.parametrize(
    ("kind", "capability", "policy"),
    [
        # Compute capabilities as NVIDIA lists them: P100 6.0, V100 7.0, T4 7.5, A100 8.0, L4 8.9, H100 9.0.
        ("cpu", None, "float32"),
        ("tpu", None, "mixed_bfloat16"),
        ("gpu", (6, 0), "float32"),
        ("gpu", (7, 0), "mixed_float16"),
        ("gpu", (7, 5), "mixed_float16"),
        ("gpu", (8, 0), "mixed_bfloat16"),
        ("gpu", (8, 9), "mixed_bfloat16"),
        ("gpu", (9, 0), "mixed_bfloat16"),
    ],
)
def test_auto_precision(kind, capability, policy):
    assert choosing._precision(kind, capability) == policy


def one_host(num_replicas):
    rest = {"precision": "float32", "jit_compile": False, "num_hosts": 1, "host": 0, "description": ""}
    return devices.Devices(kind="cpu", num_replicas=num_replicas, strategy=None, **rest)


@pytest.mark.parametrize("batch_size", [0, 1, 6, -4])
def test_every_replica_needs_the_same_share(batch_size):
    four = one_host(num_replicas=4)
    four.check_batch_size(8)
    with pytest.raises(devices.DeviceError, match=rf"multiple of 4, the number of replicas. Received: {batch_size}"):
        four.check_batch_size(batch_size)


def test_distribute_gives_one_host_its_data_set():
    import tensorflow as tf

    def make(*, num_hosts, host):
        return tf.data.Dataset.range(num_hosts + host).batch(1)

    dataset = one_host(num_replicas=1).distribute(make)
    assert [batch.tolist() for batch in dataset.as_numpy_iterator()] == [[0]]


PREDICT = """
import json, sys
from pixelart_tf import devices
from pixelart_tf.devices import choosing
backend, names = json.loads(sys.argv[1])
devices.select_backend(backend)
chosen = devices.choose(devices=names)
import keras, numpy as np
if backend == "jax":
    import jax
shares = []   # rows of a batch that a replica gets


class Spy(keras.layers.Layer):
    def call(self, x):
        if backend == "jax":
            jax.debug.inspect_array_sharding(x, callback=lambda kind: shares.append(kind.shard_shape((10, 4))[0]))
        else:
            shares.append(x.shape[0])
        return x


keras.utils.set_random_seed(0)
with chosen.scope():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3)(Spy()(inputs)))
kernel, bias = model.get_weights()
predict = chosen.predictor(model)
for size in (10, 7, 1):
    batch = np.random.default_rng(size).normal(size=(size, 4)).astype("float32")
    np.testing.assert_allclose(predict(batch), batch @ kernel + bias, atol=1e-5)
print(json.dumps([share for share in shares if isinstance(share, int)]))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_batch_is_predicted_on_all_replicas(backend):
    pytest.importorskip(backend)
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, json.dumps([backend, ["CPU:0", "CPU:1"]])],
        cwd=ROOT, env=environment(), capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    shares = json.loads(done.stdout)
    assert 5 in shares, shares   # half of the batch of 10
    assert 10 not in shares


def test_a_command_that_works_alone_does_not_wait_for_other_hosts():
    elsewhere = {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 0}}
    chosen = result(start(variables={"TF_CONFIG": json.dumps(elsewhere)}, join_hosts=False))
    assert (chosen["num_hosts"], chosen["strategy"]) == (1, "NoneType")


def with_keras_json(folder, text, module, *arguments):
    """A command of a user whose keras.json holds `text`."""
    (folder / "keras.json").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", f"pixelart_tf.{module}", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=environment(KERAS_HOME=str(folder)),
    )


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """A saved generator, and a picture for it."""
    from PIL import Image

    from pixelart_tf.networks import resnet

    folder = tmp_path_factory.mktemp("generator")
    resnet(base_width=2, num_blocks=1).save(folder / "to_target.keras")
    Image.new("RGB", (40, 24), "red").save(folder / "red.png")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "floatx"), [("tensorflow", "float16"), ("jax", "float64")])
def test_a_users_keras_json_is_set_right_and_told(tmp_path, generator, backend, floatx):
    """Channels first and half floats in it gave tracebacks."""
    pytest.importorskip(backend)
    text = json.dumps({"image_data_format": "channels_first", "floatx": floatx, "backend": "torch", "epsilon": 0.1})
    trained = ("train", "experiments/pixel_gan.toml", "--dry-run", "--backend", backend, "--run", tmp_path / "run")
    translated = (
        "translate", generator / "to_target.keras", generator / "red.png", tmp_path / "out.png", "--backend", backend,
    )
    for command in (trained, translated):
        done = with_keras_json(tmp_path, text, *command)
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines() == [
            f"note: {tmp_path}/keras.json asks for image_data_format channels_first; pixelart_tf uses channels_last",
            f"note: {tmp_path}/keras.json asks for floatx {floatx}; pixelart_tf uses float32",
        ]
    assert (tmp_path / "out.png").is_file()


@pytest.mark.parametrize(("text", "expected"), [
    ('{"floatx": "bfloat16"}', '`floatx` must be "float16" or "float32" or "float64". Received: "bfloat16"'),
    ('{"image_data_format": ["x"]}', '`image_data_format` must be "channels_last" or "channels_first". Received: ["x'),
    ('{"epsilon": 1}', "`epsilon` must be a number with a point. Received: 1"),
    ('{"nnx_enabled": true}', "`nnx_enabled` must be false. Received: true"),
    ("[]", "must be a table of Keras' settings, or be removed. Received: []"),
])
def test_a_keras_json_that_no_keras_takes_is_named_in_one_line(tmp_path, text, expected):
    done = with_keras_json(tmp_path, text, "train", "--dry-run", "--run", tmp_path / "run")
    assert done.returncode == 2
    assert done.stderr.startswith(f"python -m pixelart_tf.train: {tmp_path}/keras.json: {expected}")
    assert len(done.stderr.splitlines()) == 1

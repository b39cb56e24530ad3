"""Small trainings by the command, as a user starts them; `conftest.py` has fixtures of them."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from processes import environment

ROOT = Path(__file__).parents[1]
EXPERIMENT = """
[data]
image_size = 16
jitter = 3
mirror = true
[data.source]
files = "source"
[data.target]
files = "target"
[model]
pool_size = 3
diff_augment = "color,translation,cutout"
[model.generator]
name = "resnet"
base_width = 4
num_blocks = 1
num_downsamplings = 1
dropout = 0.5
[model.discriminator]
base_width = 4
num_layers = 1
[optimizer]
learning_rate = 2e-3
ema_momentum = 0.9
[train]
epochs = 3
decay_epochs = 2
batch_size = 2
keep_every = 2
[samples]
count = 2
"""
# A model of one small network, for what the command does with any: its graph is made in a tenth of the time.
LIGHT = """
[data]
image_size = 16
jitter = 3
mirror = true
[data.target]
files = "source"
[model]
name = "autoencoder"
[model.generator]
base_width = 4
latent_size = 8
[optimizer]
""" + EXPERIMENT.split("[optimizer]")[1]
ALWAYS = ("--set", "train.checkpoint_minutes=0.00001")   # a checkpoint after every step
STEPS = 4   # an epoch: 7 pictures in the larger domain, 2 a step
LOSSES = ("to_target", "to_source", "source_discriminator", "target_discriminator", "cycle", "identity")
# The command, killed with SIGKILL at the nth writing of a file: while it is written, before it gets its name, or after.
KILLED = """
import contextlib, os, signal, sys
from pixelart_tf import train
from pixelart_tf.base import files

name, moment, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
replacing = files.replacing

@contextlib.contextmanager
def fatal(path, **options):
    global count
    count -= path.name == name
    die = path.name == name and not count
    with replacing(path, **options) as temporary:
        if die and moment == "while":
            temporary.write_bytes(b"PK half a file")
            os.kill(os.getpid(), signal.SIGKILL)
        yield temporary
        if die and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
    if die:
        os.kill(os.getpid(), signal.SIGKILL)

files.replacing = fatal
sys.exit(train.main(sys.argv[4:]))
"""


def start(*arguments, killed=None, backend="tensorflow"):
    program = ["-c", KILLED, *map(str, killed)] if killed else ["-m", "pixelart_tf.train"]
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)], cwd=ROOT, env=environment(backend), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # As in a terminal, whatever the tests were started from.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def train(*arguments, status=0, **options):
    """The command in a process of its own, as a user starts it."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=400)
    assert process.returncode == status, err
    return out, err


def train_here(*arguments, status=0):
    """The command in this process, which has imported already what takes seconds."""
    from pixelart_tf import train

    assert train.main([str(argument) for argument in arguments]) == status


def state(folder):
    with np.load(folder / "checkpoint.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def place(folder):
    """Where the checkpoint is: its epoch and step, and the epoch's line of the log where it has one."""
    return json.loads(str(state(folder)["place"]))


def timeless(row):
    return {k: v for k, v in row.items() if k not in ("seconds", "images_per_second")}


def rows(folder):
    """The log without the times."""
    return [timeless(json.loads(line)) for line in (folder / "log.jsonl").read_text().splitlines()]


def weights(path):
    import keras

    return keras.saving.load_model(path, compile=False).get_weights()


def assert_same_run(folder, other):
    assert rows(folder) == rows(other)
    mine, theirs = state(folder), state(other)
    assert mine.keys() == theirs.keys()
    places = [place(each) for each in (folder, other)]
    assert places[0] | {"row": timeless(places[0]["row"])} == places[1] | {"row": timeless(places[1]["row"])}
    for name in mine.keys() - {"place"}:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


def assert_same_weights(folder, other, *names):
    for name in names:
        for mine, theirs in zip(weights(folder / name), weights(other / name), strict=True):
            np.testing.assert_array_equal(mine, theirs, err_msg=name)


def copied(run, folder):
    """A run's folder as it is, to go on with."""
    shutil.copytree(run, folder)
    return folder


def refused(capsys, *arguments):
    """The one line that the command writes to stderr, in this process, when it exits with 2."""
    capsys.readouterr()
    train_here(*arguments, status=2)
    out, err = capsys.readouterr()
    assert err.count("\n") == 1, err
    assert "Traceback" not in out
    return err

"""Seconds for a CycleGAN training step: ours against the usual TensorFlow step and the PyTorch reference's.

    python experiments/benchmarks/train_step.py [--width 64] [--batch 1 4] [--torch-python PYTHON]

All train two U-Nets and two 70x70 PatchGANs with cycle and identity losses on the same kind of noise, in float32:
- ours: `pixelart_tf.models.CycleGAN` with image pools, one loss, by stock `fit()`;
- tensorflow: the step of the TensorFlow tutorial, which records all four networks on one persistent tape, takes four
  gradients and applies four Adams; the same networks, no pools;
- pytorch: the reference's step, a generator step and a discriminator step with pools (train_step_torch.py), where torch
  can be imported by this Python or by --torch-python.

Each works in a process of its own, which waits while another is timed. The rounds take turns, so that what else runs on
the machine slows all alike; the middle of the rounds is printed, and the others' time over ours. Wanted on two quiet
cores at full size: 1.6 over tensorflow, 1.2 over pytorch.

A step of ours runs 238 convolutions and gradients of convolutions, some on two batches at once, TensorFlow's 350. Its
graph optimizer already merges what the four gradients have in common, so that where arithmetic and not memory sets the
time (wide vector units), the two differ by little. CPU seconds a step, full size, batch 1, on a busy machine with
AVX-512: ours 5.0, tensorflow 5.4, pytorch 5.9 (one thread); ours in mixed_bfloat16 3.4.
"""

import argparse
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
TORCH_PEER = Path(__file__).with_name("train_step_torch.py")
GOALS = {"tensorflow": 1.6, "pytorch": 1.2}


def ours(width: int, batch: int, size: int):
    """Returns `run(steps)` for our model, and its number of parameters."""
    import keras
    import tensorflow as tf

    from pixelart_tf import devices
    from pixelart_tf.models.cyclegan import CycleGAN
    from pixelart_tf.training.optimizers import adam

    device = devices.choose(precision="float32")
    with device.scope():
        model = CycleGAN(
            dict.fromkeys(("source", "target"), (size, size, 3)),
            generator={"name": "unet", "base_width": width},
            discriminator={"name": "patchgan", "base_width": width},
            pool_size=50,
        )
        model.compile(optimizer=adam(num_steps=1000), jit_compile=device.jit_compile)
        model.optimizer.build(model.trainable_variables)
    images = keras.random.uniform((2, batch, size, size, 3), -1.0, 1.0)
    dataset = tf.data.Dataset.from_tensors({"source": images[0], "target": images[1]}).repeat()

    def run(steps):
        model.fit(dataset, steps_per_epoch=steps, epochs=1, verbose=0)

    networks = (model.to_target, model.to_source, model.source_discriminator, model.target_discriminator)
    return run, sum(network.count_params() for network in networks)


def tensorflow(width: int, batch: int, size: int):
    """Returns `run(steps)` for the step as https://www.tensorflow.org/tutorials/generative/cyclegan describes it."""
    import keras
    import tensorflow as tf

    from pixelart_tf import devices, networks

    devices.choose(precision="float32")
    g, f = (networks.unet(image_size=size, base_width=width) for _ in range(2))
    judge_x, judge_y = (networks.patchgan(image_size=size, base_width=width) for _ in range(2))
    players = [g, f, judge_x, judge_y]
    optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in players]
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    def judged(real, fake):
        return 0.5 * (entropy(tf.ones_like(real), real) + entropy(tf.zeros_like(fake), fake))

    def distance(a, b):
        return tf.reduce_mean(tf.abs(a - b))

    @tf.function
    def step(x, y):
        with tf.GradientTape(persistent=True) as tape:
            fake_y = g(x, training=True)
            cycled_x = f(fake_y, training=True)
            fake_x = f(y, training=True)
            cycled_y = g(fake_x, training=True)
            same_x, same_y = f(x, training=True), g(y, training=True)
            real_x_logits, real_y_logits = judge_x(x, training=True), judge_y(y, training=True)
            fake_x_logits, fake_y_logits = judge_x(fake_x, training=True), judge_y(fake_y, training=True)
            cycle = 10.0 * (distance(x, cycled_x) + distance(y, cycled_y))
            losses = [
                entropy(tf.ones_like(fake_y_logits), fake_y_logits) + cycle + 5.0 * distance(y, same_y),
                entropy(tf.ones_like(fake_x_logits), fake_x_logits) + cycle + 5.0 * distance(x, same_x),
                judged(real_x_logits, fake_x_logits),
                judged(real_y_logits, fake_y_logits),
            ]
        gradients = [
            tape.gradient(loss, player.trainable_variables) for loss, player in zip(losses, players, strict=True)
        ]
        for optimizer, player, gradient in zip(optimizers, players, gradients, strict=True):
            optimizer.apply_gradients(zip(gradient, player.trainable_variables, strict=True))

    images = tf.random.uniform((2, batch, size, size, 3), -1.0, 1.0)
    for optimizer, player in zip(optimizers, players, strict=True):
        optimizer.build(player.trainable_variables)

    def run(steps):
        for _ in range(steps):
            step(images[0], images[1])
        g.trainable_variables[0].numpy()  # waits for the device

    return run, sum(player.count_params() for player in players)


class Worker:
    """A process that builds one peer and times steps when asked to."""

    def __init__(self, name: str, python: str, arguments: list[str]):
        script = TORCH_PEER if name == "pytorch" else __file__
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT), **os.environ}
        self.process = subprocess.Popen(
            [python, str(script), "--worker", name, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
        )
        self.parameters = int(self._answer())

    def seconds(self, steps: int) -> float:
        """Seconds that one of `steps` steps took."""
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self._answer()) / steps

    def _answer(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            sys.exit(f"{self.name} failed:\n{self.errors.read()[-3000:]}")
        return line

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def serve(run, parameters: int) -> None:
    """Answers each number of steps on standard input with the seconds that they took."""
    print(parameters, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        run(int(line))
        print(time.perf_counter() - start, flush=True)


def compare(peers: dict[str, str], batch: int, arguments: argparse.Namespace) -> None:
    """Times all peers at one batch size and prints a line for each."""
    shape = ["--width", str(arguments.width), "--batch", str(batch), "--size", str(arguments.size)]
    workers = [Worker(name, python, shape) for name, python in peers.items()]
    seconds = {worker.name: [] for worker in workers}
    for worker in workers:
        worker.seconds(2)  # traces, allocates
    for _ in range(arguments.rounds):
        # Another order each round, so that none always works on what the same neighbour left in the caches.
        for worker in random.sample(workers, len(workers)):
            seconds[worker.name].append(worker.seconds(arguments.steps))
    mine = statistics.median(seconds["ours"])
    for worker in workers:
        times = seconds[worker.name]
        middle = statistics.median(times)
        goal = f"   (wanted {GOALS[worker.name]})" if worker.name in GOALS else ""
        print(
            f"batch {batch}  {worker.name:10}  {middle:7.3f} s a step ({min(times):.3f} to {max(times):.3f})  "
            f"{batch / middle:6.2f} images/s  {worker.parameters / 1e6:7.2f} M parameters  {middle / mine:5.2f}x{goal}",
            flush=True,
        )
        worker.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=64, help="base width of all networks (default %(default)s)")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4], help="batch sizes (default 1 4)")
    parser.add_argument("--size", type=int, default=256, help="pixels of a side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=4, help="steps a round (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default %(default)s")
    parser.add_argument("--torch-python", default=sys.executable, metavar="PYTHON", help="a Python that has torch")
    parser.add_argument("--worker", choices=["ours", "tensorflow"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        build = {"ours": ours, "tensorflow": tensorflow}[arguments.worker]
        serve(*build(arguments.width, arguments.batch[0], arguments.size))
        return
    peers = {"ours": sys.executable, "tensorflow": sys.executable}
    if arguments.torch_python != sys.executable or importlib.util.find_spec("torch"):
        peers["pytorch"] = arguments.torch_python
    else:
        print("pytorch: left out, as torch is not installed; --torch-python names a Python that has it")
    for batch in arguments.batch:
        compare(peers, batch, arguments)


if __name__ == "__main__":
    main()

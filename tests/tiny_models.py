"""For each entry of MODELS what makes it tiny, so that the contract test is quick: one line a model."""

import itertools
from pathlib import Path

import keras
import numpy as np
from keras import ops

from pixelart_tf.pictures import sources

SHAPES = {"source": (16, 16, 3), "target": (16, 16, 3)}
# Of models that need others.
OTHERS = {
    "deep_pixelization": {"source": (48, 48, 3), "target": (48, 48, 3)},
    "pixel_artist": SHAPES | {"partner": (16, 16, 3)},
}
RESNET = {"name": "resnet", "base_width": 4, "num_blocks": 1, "num_downsamplings": 1}
PATCHGAN = {"base_width": 4, "num_layers": 1}
TINY = {
    "cyclegan": {"generator": RESNET, "discriminator": PATCHGAN, "cycle_weight": 2.0, "color_weight": 1.0},
    "pix2pix": {"generator": RESNET, "discriminator": PATCHGAN, "l1_weight": 2.0},
    "pixel_artist": {"generator": RESNET, "step_weight": 0.1, "overshoot_weight": 1.0, "ragged_weight": 1.0},
    "autoencoder": {"generator": {"base_width": 4, "latent_size": 8}},
    "dcgan": {"generator": {"base_width": 4, "latent_size": 8}, "discriminator": {"base_width": 4}},
    "pixel_gan": {"generator": {"hidden": (8,), "latent_size": 8}, "discriminator": {"hidden": (8,)}},
    "vae": {"generator": {"base_width": 4, "latent_size": 8}, "beta": 5.0},
    "super_resolution": {
        "generator": RESNET, "discriminator": PATCHGAN,
        "loss": {"mse": 1.0, "ssim": 0.5, "hfen": 1.0, "adversarial": 0.5},
    },
    "style": {
        "generator": {"base_width": 4, "num_blocks": 1, "num_downsamplings": 1},
        # Small, or the steps of SGD in the tests would be too long.
        "content_weight": 0.0005, "style_weight": 0.005, "variation_weight": 0.0005,
    },
    "deep_pixelization": {
        "generator": {"base_width": 4, "num_blocks": 1, "num_reductions": 1}, "discriminator": PATCHGAN,
        "grid_weight": 2.0, "mirror_weight": 1.0,
    },
    "unit": {
        "generator": {"base_width": 4, "num_blocks": 1, "num_downsamplings": 1}, "discriminator": PATCHGAN,
        "same_weight": 2.0, "cycle_weight": 2.0, "kl_weight": 1.0,
    },
    "cut": {"generator": RESNET, "discriminator": PATCHGAN, "num_patches": 9, "head_width": 4},
}
# What draws random numbers while training, or remembers what it was shown.
STATEFUL = {
    "cyclegan": {"generator": RESNET | {"dropout": 0.5}, "pool_size": 2, "diff_augment": "color,translation,cutout"},
    "pix2pix": {"generator": RESNET | {"dropout": 0.5}},
    "dcgan": {"diff_augment": "color,translation,cutout"},
    "pixel_gan": {"discriminator": {"hidden": (8,), "dropout": 0.5}, "diff_augment": "color,translation,cutout"},
    "super_resolution": {"generator": RESNET | {"dropout": 0.5}, "stages": (1, 2)},
    "cut": {"generator": RESNET | {"dropout": 0.5}, "flips": True, "identity_nce_weight": 0.0},
}
# Discriminators in which pictures meet, and that keep means besides their weights.
BATCH_NORM = {name: {"discriminator": PATCHGAN | {"norm": "batch"}} for name in ("cyclegan", "pix2pix")}
# Discriminators with several heads, that keep directions besides their weights.
HEADS = {"cyclegan": {
    "discriminator": {"name": "unet_discriminator", "base_width": 4, "num_layers": 2}, "objective": "bce+hinge",
    "top_k": 0.5,
}}
# What is more than pictures.
CLASSES = {name: {"shapes": SHAPES | {"label": (2,)}} for name in ("dcgan", "style")}


def shapes(name):
    """The shapes of a model's pictures."""
    return OTHERS.get(name, SHAPES)


def batch(model, size=2, seed=1):
    """A batch of random pictures: the dict that `model.feed` asks for, of NumPy arrays."""
    rng = np.random.default_rng(seed)
    return {key: values(rng, model, key, (size,)) for key in model.feed}


def values(rng, model, key, sizes):
    """Random ones of a key of a batch: float32 (*sizes, ...); of labels int32 (*sizes,)."""
    if key == "label":
        return rng.integers(0, *model.shapes[key], sizes, dtype=np.int32)
    return rng.uniform(-1, 1, (*sizes, *model.shapes[key])).astype("float32")


def four(domain, size):
    """float32 (4, size, size, 3): four of the bundled held-out pictures, box-downscaled."""
    shards = Path(__file__).parents[1] / "tfrecords" / f"heldout_{domain}*.tfrec"
    pictures = [each.decode() for each in itertools.islice(sources.read(shards), 4)]
    blocks = [p.reshape(size, len(p) // size, size, -1, 3).mean((1, 3)) for p in pictures]
    return (np.stack(blocks) / 127.5 - 1).astype("float32")


def tinted(pictures):
    """The same in other colors, as another domain."""
    return (pictures * [0.5, 0.9, 0.4] + [-0.4, 0.1, -0.5]).astype("float32")


def compile_for_few_steps(model, optimizer):
    """Without a graph where that can be, as a graph takes as long as many steps."""
    is_jax = keras.backend.backend() == "jax"
    model.compile(optimizer=optimizer, jit_compile=is_jax, run_eagerly=not is_jax)


def train_on(model, pictures, steps, **options):
    """Trains a model on one batch again and again, with new noise in each step where it is fed with some."""
    import tensorflow as tf

    from pixelart_tf.training.optimizers import adam

    model.compile(optimizer=adam(num_steps=steps, **options), jit_compile=keras.backend.backend() == "jax")
    data = tf.data.Dataset.from_tensors(pictures).repeat()
    if "noise" in model.feed:
        drawn = np.random.default_rng(0).standard_normal((64, len(pictures["target"]), *model.shapes["noise"]))
        noise = tf.data.Dataset.from_tensor_slices(drawn.astype("float32")).repeat()
        data = tf.data.Dataset.zip(data, noise).map(lambda given, each: given | {"noise": each})
    return model.fit(data, steps_per_epoch=steps, epochs=1, verbose=0).history


def perturb(model, seed=0):
    """Makes the weights larger than at the start of a run, so that no term of the loss is negligible."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(weight + rng.normal(scale=0.1, size=weight.shape).astype("float32"))
    return model


def gradients(loss, variables):
    """Of a function without arguments, with respect to variables, on any backend; zeros where there is none."""
    return values_and_gradients(lambda: [loss()], variables)[1][0]


def values_and_gradients(losses, variables, of=None):
    """Of a function without arguments that gives several scalars, which is run once.

    Returns:
        The scalars, as floats; and for each of the first `of` of them (None: all) its gradients with respect to the
        variables, zeros where there is none.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(persistent=True) as tape:
            values = losses()
        found = [tape.gradient(value, [v.value for v in variables]) for value in values[:of]]
    else:
        import jax

        def stateless(values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return jax.numpy.stack(losses())

        def both(values):
            made, back = jax.vjp(stateless, values)
            return made, jax.lax.map(lambda each: back(each)[0], jax.numpy.eye(len(made))[:of])

        values, stacked = jax.jit(both)([v.value for v in variables])
        found = [[each[i] for each in stacked] for i in range(len(stacked[0]))]
    return [float(value) for value in values], [
        [np.zeros(v.shape) if g is None else ops.convert_to_numpy(g) for g, v in zip(each, variables, strict=True)]
        for each in found
    ]


def players_gradients(losses, networks, variables):
    """What the variables of each player get of the one loss, and of the player's own.

    Args:
        losses: without arguments, gives the one loss and then that of each of `networks`.
        networks: name of a player -> its network.
        variables: of the whole model.

    Yields:
        The name of a player, a variable of its network, and the gradients of the one loss and of its own.
    """
    of_one, *of_players = values_and_gradients(losses, variables)[1]
    for (name, network), of_player in zip(networks.items(), of_players, strict=True):
        its = {id(variable) for variable in network.trainable_variables}
        for variable, one, own in zip(variables, of_one, of_player, strict=True):
            if id(variable) in its:
                yield name, variable, one, own

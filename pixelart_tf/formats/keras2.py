"""Networks that Keras 2 saved, of the CycleGAN tutorial with tensorflow-addons' instance norm.

Their files are never handed to `load_model` (Keras 3.13.2 loops for ever over some `.h5` files, 3.15.1 raises): the
arrays are read, and put into a network of this package, whose `GroupNormalization` computes what the add-on did.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pixelart_tf.base import limits
from pixelart_tf.base.cli import UserError
from pixelart_tf.formats import keras_file
from pixelart_tf.formats.found import Found, build, check_finite, inner_layers, unlike

NORM_EPSILON, SLOPE = 1e-3, 0.3   # of the add-on's instance norm and of Keras 2's LeakyReLU() where nobody says
KNOWN = "the U-Net and the PatchGAN of the CycleGAN tutorial with tensorflow-addons' instance norm"
# Classes that these networks are made of, without the part before `>`.
LAYERS = {
    "Functional", "Model", "Sequential", "InputLayer", "Conv2D", "Conv2DTranspose", "InstanceNormalization",
    "LeakyReLU", "ReLU", "Dropout", "Concatenate", "ZeroPadding2D", "Activation",
}
PARTS = {"conv2d": ("kernel", "bias"), "conv2d_transpose": ("kernel", "bias")}
NORM = ("gamma", "beta")
PARTS |= {"instance_normalization": NORM, "group_normalization": NORM}


class _Weight(NamedTuple):
    name: str            # in the file
    part: str            # kernel, bias, gamma, beta, or what else there is
    array: np.ndarray


class _Facts(NamedTuple):
    """What a file says of a network besides its weights; None where it does not."""

    slope: float | None = None
    norm_epsilon: float | None = None
    image_size: tuple[int, int] | None = None


def read(
    path: str | Path, *, slope: float | None = None, image_size: int | tuple[int, int] | None = None
) -> Found:
    """Reads a Keras-2 network: a whole model or weights alone in HDF5, in both layouts, or a `.keras` of Keras 2.15.

    Args:
        path: of the file.
        slope: of the leaky ReLUs below zero, which files of weights alone do not carry. None is what the file says,
            else 0.3, Keras 2's default.
        image_size: pixels of a side, or (height, width). None is what the file says; else any size for a PatchGAN, and
            for a U-Net the size at which its innermost block has one pixel.

    Returns:
        The network, in float32.

    Raises:
        UserError: no such file, or another network; one line.
    """
    path = Path(path)
    try:
        facts, weights = _read(path)
        return _found(facts, weights, slope=slope, image_size=image_size)
    except UserError as error:
        message = str(error)
        raise UserError(message if message.startswith(f"{path}: ") else f"{path}: {message}") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'damaged, or cut off'}") from None
    except Exception as error:   # h5py, zipfile and json each raise their own on a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: damaged, or not a file of Keras 2 ({reason[:100]})") from None


def _read(path: Path) -> tuple[_Facts, list[_Weight]]:
    import h5py

    if zipfile.is_zipfile(path):
        keras_file.check_archive(path)
        with zipfile.ZipFile(path) as archive:
            facts = _facts(json.loads(archive.read("config.json")))
            encoded = io.BytesIO(archive.read(keras_file.WEIGHTS))
        with h5py.File(encoded, "r") as file:
            return facts, _weights(file, path)
    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config")
        return _facts(json.loads(config)) if config else _Facts(), _weights(file, path)


def _facts(config: dict) -> _Facts:
    """Raises UserError for a network with layers that are none of the tutorial's."""
    layers = list(_layers(config))
    strange = sorted({name for name, _ in layers} - LAYERS)
    if strange:
        raise UserError(f"not {KNOWN}: it has {', '.join(strange[:6])}")
    # Rounded, as 0.3 was kept in 32 bits.
    slopes = {
        float(f"{own.get('negative_slope', own.get('alpha')):.6g}") for name, own in layers if name == "LeakyReLU"
    }
    epsilons = {float(f"{own['epsilon']:.6g}") for name, own in layers if name == "InstanceNormalization"}
    if len(slopes) != 1 or len(epsilons) != 1:
        raise UserError(f"not {KNOWN}: slopes {sorted(slopes)}, epsilons {sorted(epsilons)}, where each has one")
    shapes = [own.get("batch_input_shape") or own.get("batch_shape") for name, own in layers if name == "InputLayer"]
    sides = tuple(shapes[0][1:3]) if shapes and shapes[0] else (None, None)
    return _Facts(slopes.pop(), epsilons.pop(), None if None in sides else sides)


def _layers(config: Any) -> Iterator[tuple[str, dict]]:
    """Class names without their packages, and options, of all layers in a description; initialisers are none."""
    if isinstance(config, dict):
        own = config.get("config")
        if isinstance(own, dict) and "class_name" in config and ("name" in own or "layers" in own):
            yield str(config["class_name"]).rpartition(">")[2], own
            yield from _layers(own.get("layers"))
    elif isinstance(config, list):
        for each in config:
            yield from _layers(each)


def _weights(file: Any, path: Path) -> list[_Weight]:
    """All weights of a file in the order of the layers."""
    datasets = keras_file.datasets_of(file)
    limits.check_size(path, sum(keras_file.num_bytes(each) for each in datasets.values()), limits.NETWORK_BYTES)
    root = "model_weights/" if "model_weights" in file else ""
    names = _strings(file[root or "/"].attrs, "layer_names")
    if names:
        weights = [
            _Weight(weight, weight.rpartition("/")[2].partition(":")[0], datasets.get(f"{root}{layer}/{weight}"))
            for layer in names for weight in _strings(file[f"{root}{layer}"].attrs, "weight_names")
        ]
    else:
        weights = [_weight(name, datasets[name]) for name in sorted(datasets, key=_place) if "/vars/" in name]
    if not weights or any(weight.array is None for weight in weights):
        raise UserError(f"HDF5, but not weights of Keras: not {KNOWN}")
    return [weight._replace(array=np.asarray(weight.array, np.float32)) for weight in weights]


def _strings(attributes: Any, name: str) -> list[str]:
    """A list of names, which Keras 2 cuts into `name0`, `name1`, ... where it is long."""
    keys = [name, *(f"{name}{i}" for i in range(len(attributes)))]
    found = [each for key in keys if key in attributes for each in attributes[key]]
    return [each.decode() if isinstance(each, bytes) else str(each) for each in found]


def _weight(name: str, dataset: Any) -> _Weight:
    """`layers/sequential_1/layers/conv2d/vars/0` is a kernel."""
    layer, _, number = name.rpartition("/vars/")
    kind = re.sub(r"_\d+$", "", layer.rpartition("/")[2])
    parts = PARTS.get(kind, ())
    return _Weight(name, parts[int(number)] if int(number) < len(parts) else f"{kind} {number}", dataset)


def _place(name: str) -> tuple:
    """Sorts by the order of work: blocks, then what is in none; each kind by its number, `conv2d` before `conv2d_1`."""
    words = re.sub(r"^_layer_checkpoint_dependencies/|^layers/", "", name).split("/")
    numbered = [re.fullmatch(r"(.*?)_?(\d*)", word) for word in words]
    return len(words) < 4, [(found[1], int(found[2] or 0)) for found in numbered]


def _found(
    facts: _Facts, weights: list[_Weight], *, slope: float | None, image_size: int | tuple[int, int] | None
) -> Found:
    parts = {part: [each for each in weights if each.part == part] for part in ("kernel", "bias", *NORM)}
    strange = [each.name for each in weights if each.part not in parts]
    kernels = [each.array.shape for each in parts["kernel"]]
    if strange or len(kernels) < 3 or any(shape[:2] != (4, 4) or len(shape) != 4 for shape in kernels):
        why = unlike([], strange, []) or f"{len(kernels)} kernels, the first of {kernels[:3]}"
        raise UserError(f"not {KNOWN}: {why}")
    channels, width = kernels[0][2:]
    options = {
        "channels": channels, "base_width": width, "norm_epsilon": facts.norm_epsilon or NORM_EPSILON,
        "slope": slope if slope is not None else SLOPE if facts.slope is None else facts.slope,
    }
    if kernels[-1][3] == 1:
        name, told = "patchgan", "PatchGAN"
        options |= {"num_layers": len(kernels) - 2} | ({"image_size": image_size} if image_size else {})
    else:
        num = len(kernels) // 2
        name, told = "unet", f"U-Net of {num} blocks down"
        options |= {
            "output_channels": kernels[-1][2], "num_downsamplings": num,
            "image_size": image_size or facts.image_size or 2**num,
        }
    told = f"{told} of Keras 2 with tensorflow-addons' instance norm, width {width}, slope {options['slope']}"
    network = build(name, options)
    _fill(network, parts, told)
    return Found(network, name, options, told, name == "unet")


def _fill(network: Any, parts: dict[str, list[_Weight]], told: str) -> None:
    """Sets each kind of weights in the order of the layers; raises UserError where they are not the network's."""
    wanted = {part: [] for part in parts}
    for layer in inner_layers(network):
        for weight in layer.weights:
            wanted[weight.name].append(weight)
    missing, strange, shapes = [], [], []
    for part, found in parts.items():
        missing += [f"{part} {i} of {len(wanted[part])}" for i in range(len(found), len(wanted[part]))]
        strange += [each.name for each in found[len(wanted[part]) :]]
        shapes += [
            f"{each.name} is {each.array.shape} instead of {tuple(weight.shape)}"
            for each, weight in zip(found, wanted[part], strict=False) if each.array.shape != tuple(weight.shape)
        ]
    if why := unlike(missing, strange, shapes):
        raise UserError(f"looks like a {told}, but is none: {why}")
    check_finite({each.name: each.array for found in parts.values() for each in found})
    for part, found in parts.items():
        for each, weight in zip(found, wanted[part], strict=True):
            weight.assign(each.array)

"""Generators and discriminators of the PyTorch CycleGAN and of CUT, found in their state dicts.

What a file holds is found from its keys and shapes. The architectures are those of `models/networks.py` of
https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix and https://github.com/taesungp/contrastive-unpaired-translation.
Their instance norm has no weights, so that it becomes one of scale 1 and shift 0; the biases before it are left out, as
it cancels them.
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.formats import torch_file
from pixelart_tf.formats.found import Found, build, check_finite, convolutions, unlike
from pixelart_tf.formats.torch_file import WeightsError

KNOWN = "resnet_9blocks, resnet_6blocks, unet_256, unet_128, their PatchGANs, CUT's generators"
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
NORM_EPSILON, SLOPE = 1e-5, 0.2   # of PyTorch's instance norm, and of all leaky ReLUs there


class _Conv(NamedTuple):
    """A convolution of a state dict, in the order of their work."""

    key: str                      # without `.weight` and `.bias`
    shape: tuple[int, ...]        # of the kernel, as PyTorch has it
    filters: int                  # numbers of the bias
    swapped: bool = False         # whether its input's halves, skip and what comes from below, are the other way round


class _Plan(NamedTuple):
    """What a state dict looks like."""

    name: str
    told: str
    options: dict
    convs: list[_Conv]
    blurs: dict[str, tuple[int, int]]   # key of a fixed kernel -> channels and side


def read(path: str | Path, *, image_size: int | tuple[int, int] | None = None) -> Found:
    """Reads a `.pth` state dict, in either of PyTorch's layouts; nothing but tensors is unpickled.

    Args:
        path: of the file.
        image_size: pixels of a side, or (height, width), that the network is to be built for. None is any size, and
            for a U-Net the size at which its innermost block has one pixel.

    Returns:
        The network, in float32.

    Raises:
        WeightsError: no file of PyTorch, one that asks for more than tensors, or another network; one line.
    """
    state = torch_file.read(Path(path))
    try:
        return found_in(state, image_size=image_size)
    except UserError as error:
        raise WeightsError(f"{path}: {error}") from None


def found_in(state: Mapping[str, np.ndarray], *, image_size: int | tuple[int, int] | None = None) -> Found:
    """The network of a state dict, name -> array; see `read`."""
    state = _without_statistics(_without_prefix(state))
    plan = _plan(state)
    _check(state, plan)
    options = dict(plan.options) | ({} if image_size is None else {"image_size": image_size})
    network = build(plan.name, options)
    for layer, conv in zip(convolutions(network), plan.convs, strict=True):
        kernel = np.asarray(state[f"{conv.key}.weight"], np.float32)
        if conv.swapped:
            kernel = np.roll(kernel, len(kernel) // 2, axis=0)
        layer.kernel.assign(kernel.transpose(2, 3, 1, 0))   # (h, w, in, out), and transposed ones (h, w, out, in)
        if layer.bias is not None:
            layer.bias.assign(np.asarray(state[f"{conv.key}.bias"], np.float32))
    return Found(network, plan.name, options, plan.told, plan.name != "patchgan")


def _without_prefix(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the `module.` that training on several GPUs puts before each name."""
    return {str(key).removeprefix("module."): array for key, array in state.items()}


def _without_statistics(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without what instance norm counted, but never used, before PyTorch 0.4."""
    kept = {key: array for key, array in state.items() if key.rpartition(".")[2] not in STATISTICS}
    norms = {key.rpartition(".")[0] for key in state.keys() - kept.keys()}
    if batch_norms := sorted(norm for norm in norms if f"{norm}.weight" in kept):
        raise WeightsError(
            f"has batch norm ({batch_norms[0]} and {len(batch_norms) - 1} more), and of these networks only those with "
            "instance norm, CycleGAN's own, are known"
        )
    return kept


def _plan(state: dict[str, np.ndarray]) -> _Plan:
    if any(".conv_block." in key for key in state):
        return _resnet(state)
    if any(key.startswith("model.model.") for key in state):
        return _unet(state)
    if "model.0.weight" in state:
        return _patchgan(state)
    keys = ", ".join(list(state)[:4])
    raise WeightsError(f"none of the networks that are known ({KNOWN}); its first keys: {keys}")


def _shape(state: Mapping[str, np.ndarray], key: str) -> tuple[int, ...]:
    """The shape of a kernel from which a network's size is read."""
    if key not in state:
        raise WeightsError(f"none of the networks that are known ({KNOWN}); missing: {key}")
    if state[key].ndim != 4 or 0 in state[key].shape:
        raise WeightsError(f"none of the networks that are known ({KNOWN}); {key} is {state[key].shape}")
    return state[key].shape


def _resnet(state: dict[str, np.ndarray]) -> _Plan:
    width, channels = _shape(state, "model.1.weight")[:2]
    numbers = sorted({int(found[1]) for key in state if (found := re.match(r"model\.(\d+)\.conv_block\.", key))})
    if not numbers:
        raise WeightsError(f"none of the networks that are known ({KNOWN}); its first keys: {', '.join([*state][:4])}")
    convs, blurs = [_Conv("model.1", (width, channels, 7, 7), width)], {}
    down_blur, place = "model.7.filt" in state, 4
    for k in (1, 2):
        convs.append(_Conv(f"model.{place}", (2 * k * width, k * width, 3, 3), 2 * k * width))
        if down_blur:
            blurs[f"model.{place + 3}.filt"] = 2 * k * width, 3
        place += 4 if down_blur else 3
    inner = 4 * width
    dropout = any(key.endswith(".conv_block.6.weight") for key in state)   # which itself has no weights
    for block in range(place, place + len(numbers)):
        for i in (1, 6 if dropout else 5):
            convs.append(_Conv(f"model.{block}.conv_block.{i}", (inner, inner, 3, 3), inner))
    place += len(numbers)
    up_blur = f"model.{place}.filt" in state
    for k in (2, 1):
        filters = k * width
        if up_blur:
            blurs[f"model.{place}.filt"] = 2 * filters, 4
            convs.append(_Conv(f"model.{place + 1}", (filters, 2 * filters, 3, 3), filters))
        else:
            convs.append(_Conv(f"model.{place}", (2 * filters, filters, 3, 3), filters))   # transposed: input first
        place += 4 if up_blur else 3
    out = _shape(state, f"model.{place + 1}.weight")[0]
    convs.append(_Conv(f"model.{place + 1}", (out, width, 7, 7), out))
    options = {
        "channels": channels, "output_channels": out, "base_width": width, "num_blocks": len(numbers),
        "dropout": 0.5 if dropout else 0.0, "norm_epsilon": NORM_EPSILON,
        "downsampling": "blur" if down_blur else "stride", "upsampling": "blur" if up_blur else "transpose",
    }
    whose = "CUT" if down_blur or up_blur else "the PyTorch CycleGAN"
    told = f"resnet_{len(numbers)}blocks of {whose}, width {width}{', with dropout' if dropout else ''}"
    return _Plan("resnet", told, options, convs, blurs)


def _unet(state: dict[str, np.ndarray]) -> _Plan:
    """Blocks within blocks: `model` is the outermost, `model.1` in it the next, and from there on `.3`."""
    inner = "model.model.1.model"
    blocks = [inner]
    while any(key.startswith(f"{inner}.3.model.") for key in state):
        inner += ".3.model"
        blocks.append(inner)
    width, channels = _shape(state, "model.model.0.weight")[:2]
    out = _shape(state, "model.model.3.weight")[1]
    num = len(blocks) + 1
    widths = [width * min(2**i, 8) for i in range(num)]
    convs = [_Conv("model.model.0", (width, channels, 4, 4), width)]
    for block, above, filters in zip(blocks, widths, widths[1:], strict=False):
        convs.append(_Conv(f"{block}.1", (filters, above, 4, 4), filters))
    for i, block in reversed([*enumerate(blocks)]):
        above, filters, innermost = widths[i], widths[i + 1], i == len(blocks) - 1
        shape = (filters if innermost else 2 * filters, above, 4, 4)
        convs.append(_Conv(f"{block}.{3 if innermost else 5}", shape, above, swapped=not innermost))
    convs.append(_Conv("model.model.3", (2 * width, out, 4, 4), out, swapped=True))
    options = {
        "image_size": 2**num, "channels": channels, "output_channels": out, "base_width": width,
        "num_downsamplings": num, "dropout": 0.0, "norm_epsilon": NORM_EPSILON, "slope": SLOPE, "layout": "pytorch",
    }
    return _Plan("unet", f"unet_{2**num} of the PyTorch CycleGAN, width {width}", options, convs, {})


def _patchgan(state: dict[str, np.ndarray]) -> _Plan:
    width, channels = _shape(state, "model.0.weight")[:2]
    if any(key.endswith(".filt") for key in state):
        raise WeightsError("a discriminator of CUT, which blurs between its layers: of CUT the generators are known")
    # A convolution, a leaky ReLU; then each time a convolution, a norm, a leaky ReLU; then a convolution.
    num_layers = max(1, sum(1 for key in state if re.fullmatch(r"model\.\d+\.weight", key)) - 2)
    widths = [width * min(2**i, 8) for i in range(num_layers + 1)]
    convs = [_Conv("model.0", (width, channels, 4, 4), width)]
    for i, (above, filters) in enumerate(itertools.pairwise(widths)):
        convs.append(_Conv(f"model.{2 + 3 * i}", (filters, above, 4, 4), filters))
    convs.append(_Conv(f"model.{2 + 3 * num_layers}", (1, widths[-1], 4, 4), 1))
    options = {
        "channels": channels, "base_width": width, "num_layers": num_layers, "norm_epsilon": NORM_EPSILON,
        "slope": SLOPE, "layout": "pytorch",
    }
    told = f"PatchGAN of the PyTorch CycleGAN, {num_layers} layers, width {width}"
    return _Plan("patchgan", told, options, convs, {})


def _check(state: Mapping[str, np.ndarray], plan: _Plan) -> None:
    """Raises WeightsError where a state dict is not quite what it looks like."""
    expected = {f"{conv.key}.weight": conv.shape for conv in plan.convs}
    expected |= {f"{conv.key}.bias": (conv.filters,) for conv in plan.convs}
    expected |= {key: (channels, 1, side, side) for key, (channels, side) in plan.blurs.items()}
    found = {key: array.shape for key, array in state.items()}
    told = unlike(
        [key for key in expected if key not in found], [key for key in found if key not in expected],
        [
            f"{key} is {found[key]} instead of {shape}" for key, shape in expected.items()
            if key in found and found[key] != shape
        ],
    )
    if told:
        raise WeightsError(f"looks like a {plan.told}, but is none: {told}")
    check_finite(dict(state))
    _check_blurs(state, plan.blurs)


def _check_blurs(state: Mapping[str, np.ndarray], keys: Iterable[str]) -> None:
    """CUT's blurs are not learnt: [1, 2, 1] on the way down, and [1, 3, 3, 1] doubled on the way up."""
    for key in keys:
        line = {3: [1, 2, 1], 4: [1, 3, 3, 1]}[state[key].shape[-1]]
        kernel = np.multiply.outer(line, line) / 16   # 16 of 64 parts, four times, as every second pixel is zero
        if not np.allclose(state[key], kernel, atol=1e-4):
            raise WeightsError(f"{key}: another blur than CUT's")

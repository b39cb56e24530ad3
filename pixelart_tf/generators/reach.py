"""How far a network sees: how much of a picture one pixel of its output depends on."""

import math
from fractions import Fraction
from typing import Any, NamedTuple

# Layers and `keras.ops` that work on each pixel by itself, by the names of their classes.
POINTWISE = frozenset((
    "Activation", "Add", "Average", "BatchNormalization", "Concatenate", "Dropout", "ELU", "InputLayer", "LeakyReLU",
    "Maximum", "Minimum", "Multiply", "PReLU", "ReLU", "Rescaling", "SpatialDropout2D", "Subtract",
))


class _View(NamedTuple):
    """What pixel i of a tensor depends on: pixels `step * i + first` to `step * i + last` of the picture."""

    step: Fraction
    first: Fraction
    last: Fraction


def reach(model: Any) -> int | None:
    """Pixels of the picture beyond its own place that a pixel of the output depends on, at most.

    Args:
        model: a Keras model of images to images.

    Returns:
        The larger of both axes; None where it may be the whole picture, as a norm over the picture has it, or where a
        layer is not known here.
    """
    views = [_last_view(model, axis, _View(Fraction(1), Fraction(0), Fraction(0))) for axis in (0, 1)]
    if None in views:
        return None
    return max(math.ceil(max(-view.first, view.last - (view.step - 1), 0)) for view in views)


def _last_view(model: Any, axis: int, start: _View) -> _View | None:
    """Of a network's, or a block's, output."""
    known = {id(tensor): start for tensor in model.inputs}
    view = start
    for operation in getattr(model, "operations", model.layers):   # in the order of their work
        for node in operation._inbound_nodes:   # of all uses of a layer those in this network
            before = [known.get(id(tensor)) for tensor in node.input_tensors]
            if not before or None in before:
                continue
            if len({each.step for each in before}) > 1:
                return None
            view = _View(
                before[0].step, min(each.first for each in before), max(each.last for each in before)
            )
            view = _last_view(operation, axis, view) if hasattr(operation, "layers") else _after(operation, axis, view)
            if view is None:
                return None
            known |= {id(tensor): view for tensor in node.output_tensors}
    return known.get(id(model.outputs[0]), view)   # a Sequential's own output is another tensor


def _after(operation: Any, axis: int, view: _View) -> _View | None:
    """Of what a layer, or one of `keras.ops`, gives."""
    import keras

    step, first, last = view
    kind = type(operation).__name__
    if kind in POINTWISE:
        return None if kind == "PReLU" and not operation.shared_axes else view
    if isinstance(operation, keras.layers.UpSampling2D):
        size = operation.size[axis]
        view = _View(step / size, first - step * (size - 1) / size, last)
        return view if operation.interpolation == "nearest" else None
    if kind == "Pad" or isinstance(operation, keras.layers.ZeroPadding2D):
        before = operation.pad_width[axis + 1][0] if kind == "Pad" else operation.padding[axis][0]
        return _View(step, first - step * before, last - step * before)
    if isinstance(operation, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        length = (operation.kernel_size[axis] - 1) * operation.dilation_rate[axis] + 1
    elif isinstance(operation, keras.layers.AveragePooling2D | keras.layers.MaxPooling2D):
        length = operation.pool_size[axis]
    else:
        return None
    stride = operation.strides[axis]
    before = max(0, length - stride) // 2 if operation.padding == "same" else 0
    return _View(step * stride, first - step * before, last + step * (length - 1 - before))

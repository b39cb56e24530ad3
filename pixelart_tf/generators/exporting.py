"""A trained generator as a file of another runtime, which is run and compared before it gets its name."""

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError
from pixelart_tf.formats import litert, onnx_file, saved_model
from pixelart_tf.generators import tiling
from pixelart_tf.generators.opening import check_generator
from pixelart_tf.pictures import images, sources
from pixelart_tf.settings.experiment_files import BUILT_IN

ImageSize = int | tuple[int, int] | None
PICTURES = BUILT_IN / "tfrecords" / "heldout_cartoon00-61.tfrec"
NUM_PICTURES = 4
SIZES = (128, 128), (192, 128)   # which a file for any size is tried at; height and width
RANGES = "RGB pictures, float32 (batch, height, width, channels) in [-1, 1], to pictures in [-1, 1]"


@dataclasses.dataclass(frozen=True)
class Kind:
    """A format.

    Attributes:
        told: its name in a message.
        suffix: of its files.
        module: writes such a file, and runs it.
        tolerance: how far what its runtime makes may be from what Keras makes, of a range from -1 to 1. A level of 8
            bits is 0.0078.
    """

    told: str
    suffix: str
    module: ModuleType
    tolerance: float = 1e-3


KINDS = {
    "onnx": Kind("ONNX", ".onnx", onnx_file),
    "tflite": Kind("LiteRT", ".tflite", litert),
    "saved_model": Kind("SavedModel", "", saved_model),
}
FLOAT16 = dataclasses.replace(KINDS["tflite"], told="LiteRT with weights in 16 bits", tolerance=0.05)


@dataclasses.dataclass(frozen=True)
class Exported:
    """What became of a generator.

    Attributes:
        kind: the format.
        shape: of its input, (B, H, W, C), or (B, n) of noise; None is any.
        num_bytes: of the file, or of all files in the folder.
        difference: the largest one to what Keras makes of the same, of a range from -1 to 1.
        changed: share of the bytes of the pictures that are not the same.
    """

    kind: Kind
    shape: tuple[int | None, ...]
    num_bytes: int
    difference: float
    changed: float

    @property
    def takes(self) -> str:
        """What it is for, in words."""
        if len(self.shape) == 2:
            return f"{self.shape[1]} numbers of noise"
        size = "any size" if None in self.shape[1:3] else _told(self.shape[1:3])
        return f"pictures of {size}" if self.shape[0] is None else f"one picture of {size} at a time"


def kind_of(out: Path, to: str | None, *, float16: bool = False) -> Kind:
    """The format that is meant: what was asked for, else what the suffix says.

    Raises:
        UserError: no format has that suffix, it is another one than the format's, the format knows no 16 bits, or a
            package is missing that it needs.
    """
    suffix = out.suffix.lower()
    name = to or next((name for name, each in KINDS.items() if each.suffix and each.suffix == suffix), None)
    if name is None:
        known = ", ".join(filter(None, (each.suffix for each in KINDS.values())))
        raise UserError(f"{out}: must end in .keras, {known}, or be a folder for --to saved_model")
    kind = KINDS[name]
    if kind.suffix and suffix != kind.suffix:
        raise UserError(f"{out}: must end in {kind.suffix} for --to {name}")
    if not kind.suffix and suffix in (".keras", ".onnx", ".tflite"):
        raise UserError(f"{out}: becomes a folder by --to {name}; give it another name")
    if float16 and name != "tflite":
        raise UserError(f"{out}: --float16 is for .tflite")
    missing = [each for each in kind.module.PACKAGES if importlib.util.find_spec(each) is None]
    if missing:
        raise UserError(f'{out}: takes {" and ".join(missing)}: pip install "pixelart-tf[export]"')
    return FLOAT16 if float16 else kind


def check_place(out: Path, kind: Kind, *, overwrite: bool, inputs: tuple[str | Path, ...]) -> None:
    """Asks, before any work is done, whether the file or the folder may be written. Raises UserError."""
    if kind.suffix:
        files.check_output(out, overwrite=overwrite, inputs=inputs)
    elif not out.is_dir():
        files.check_output(out, overwrite=False, inputs=inputs)
    elif any(out.iterdir()) and not (overwrite and (out / saved_model.GRAPH).is_file()):
        raise UserError(f"{out}: already there; --overwrite replaces it, if it is a SavedModel")


def export(generator: Any, out: Path, kind: Kind, *, image_size: ImageSize = None) -> Exported:
    """Writes a generator in another format; the file gets its name once its own runtime makes the same of pictures.

    Args:
        generator: a Keras model on the TensorFlow backend, of pictures or of noise.
        out: the file, or the folder.
        kind: of `kind_of`.
        image_size: pixels of a side, or (height, width), of the pictures that the file is for; None is the generator's
            own, any where it takes any.

    Raises:
        UserError: a size that the generator does not take, a format that cannot hold it, or results that differ by more
            than the format's tolerance.
        OSError: it cannot be written.
    """
    from pixelart_tf.generators.saving import as_float32  # imports Keras, whose backend is settled only now

    check_generator(generator, "`generator`", of=("pictures", "noise"))
    generator = as_float32(generator)
    shape = _shape(generator, image_size, batch=1 if kind.module is litert else None)
    options = {"float16": True} if kind is FLOAT16 else {"ranges": RANGES} if kind.module is onnx_file else {}
    with (files.replacing if kind.suffix else files.replacing_folder)(out) as temporary:
        if kind.suffix:
            temporary.touch()   # a place that cannot be written is told before the work
        try:
            kind.module.write(generator, temporary, shape, **options)
        except UserError as error:
            raise UserError(f"{out}: {error}") from None
        difference, changed = _compared(generator, kind.module.runner(temporary), _values(generator, shape))
        if not difference <= kind.tolerance:   # nor where it is NaN
            raise UserError(
                f"{out}: {kind.told} makes other pictures of it than Keras, by up to {difference:.2g} of a range from "
                f"-1 to 1, over {kind.tolerance:g}; it was not written"
            )
        parts = [temporary] if kind.suffix else [each for each in temporary.rglob("*") if each.is_file()]
        num_bytes = sum(each.stat().st_size for each in parts)
    return Exported(kind, shape, num_bytes, difference, changed)


def _shape(generator: Any, image_size: ImageSize, *, batch: int | None) -> tuple[int | None, ...]:
    own = generator.input_shape[1:]
    if image_size is None:
        return (batch, *own)
    if len(own) == 1:
        raise UserError("--size: is for generators of pictures, and this one makes them of noise")
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if None not in own and size != own[:2]:
        raise UserError(f"--size: the generator is for pictures of {_told(own[:2])} only. Received: {_told(size)}")
    stride = _stride(generator)
    if any(side % stride or side < 4 * stride for side in size) and None in own:
        raise UserError(f"--size: sides must be multiples of {stride}, and {4 * stride} at least. "
                        f"Received: {_told(size)}")
    return (batch, *size, own[-1])


def _stride(generator: Any) -> int:
    """What sides must be multiples of."""
    return max((axis.stride for axis in tiling.axes_of(generator, 512, 64) or ()), default=1) or 1


def _told(size: tuple[int, int]) -> str:
    return "x".join(map(str, size))


def _values(generator: Any, shape: tuple[int | None, ...]) -> list[np.ndarray]:
    """What the file is tried on: batches of real pictures, float32 in [-1, 1], or of noise."""
    batches = (1,) if shape[0] else (1, 2)
    if len(shape) == 2:
        draw = np.random.default_rng(0).standard_normal
        return [draw((size, shape[1]), np.float32) for size in batches for _ in range(NUM_PICTURES)]
    read = sources.read(PICTURES)
    pictures = [next(read).decode() for _ in range(NUM_PICTURES)]
    least = 4 * _stride(generator)
    sizes = [shape[1:3]] if None not in shape[1:3] else [
        tuple(-(-max(side, least) // least) * least for side in size) for size in SIZES
    ]
    made = []
    for size in sizes:
        fitted = np.stack([images.fit(each, size, how="pad") for each in pictures])   # (NUM_PICTURES, H, W, 3)
        values = images.to_float(fitted)
        if shape[-1] == 1:
            values = values.mean(axis=-1, keepdims=True)
        made += [values[first : first + batch] for batch in batches for first in range(0, NUM_PICTURES, batch)]
    return made


def _compared(
    generator: Any, run: Callable[[np.ndarray], np.ndarray], values: list[np.ndarray]
) -> tuple[float, float]:
    """The largest difference, and the share of bytes that are not the same."""
    differences, changed = [], []
    for each in values:
        wanted, made = np.asarray(generator.predict_on_batch(each)), np.asarray(run(each))
        if wanted.shape != made.shape:
            return float("inf"), 1.0
        differences.append(np.abs(wanted - made).max())   # NaN where there is any
        changed.append((images.to_uint8(wanted) != images.to_uint8(made)).mean())
    return float(np.max(differences)), float(np.mean(changed))

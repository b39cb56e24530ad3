"""A generator of noise -> picture files: samples, and a walk from one to the next."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pixelart_tf.base.cli import UserError
from pixelart_tf.networks import noise
from pixelart_tf.networks.dcgan import CONDITIONAL
from pixelart_tf.pictures import images

WALK, STEPS, STOPS = "walk", 8, 6   # the walk's file; pictures in a row of it; rows at most, each to another sample
MOST = 100_000


def sample_files(
    generator: Any,
    count: int,
    out: str | Path,
    *,
    seed: int = 0,
    classes: Sequence[str] = (),
    wanted: str | None = None,
    predict: Callable[[np.ndarray], np.ndarray] | None = None,
    format: str = "png",
    overwrite: bool = False,
    batch_size: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Writes pictures that a generator makes of noise, `sample_0000.png` and on, and `walk.png`.

    A row of the walk leads from one sample to the next along the sphere, and the rows go round: the last ends at the
    first sample.

    Args:
        generator: a Keras model of noise (B, n) to pictures.
        count: how many samples.
        out: a folder, made where it is not there.
        seed: of the noise; a sample is the same whatever `count` is.
        classes: names of the classes that the generator knows.
        wanted: the class of all samples; None takes each of them in turn.
        predict: see `translate`.
        format: `"png"` or `"jpeg"`.
        overwrite: replace what is there.
        batch_size: samples at a time.
        progress: called with the numbers of samples done and to do.

    Returns:
        How many samples were written.

    Raises:
        UserError: a number out of its range, a class that is not known, a generator that makes NaN, or files that are
            already there.
        OSError: a file cannot be written.
    """
    if not 1 <= count <= MOST:
        raise UserError(f"`--samples` must be 1 to {MOST:,}. Received: {count:,}")
    if seed < 0:
        raise UserError(f"`--seed` must be 0 or more. Received: {seed}")
    if batch_size < 1:
        raise UserError(f"`batch_size` must be at least 1. Received: {batch_size}")
    out, suffix = Path(out), {"png": ".png", "jpeg": ".jpg"}.get(format)
    if suffix is None:
        raise UserError(f"`format` must be png or jpeg, as samples have no format to keep. Received: {format!r}")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: a file, but samples need a folder")
    paths = [out / f"sample_{i:04}{suffix}" for i in range(count)]
    walked = out / f"{WALK}{suffix}"
    existing = [path for path in (*paths, walked) if path.exists()]
    if existing and not overwrite:
        others = f" (and {len(existing) - 1} more)" if len(existing) > 1 else ""
        raise UserError(f"{existing[0]}{others}: already there; --overwrite replaces it")
    run, drawn = predict or generator.predict_on_batch, _drawn(generator, count, seed, classes, wanted)

    def made(given: np.ndarray) -> np.ndarray:
        pictures = np.asarray(run(given), np.float32)
        if not np.isfinite(pictures).all():
            raise UserError(f"{generator.name}: makes NaN or infinity of noise; its training failed")
        return images.to_uint8(np.repeat(pictures, 3, axis=-1) if pictures.shape[-1] == 1 else pictures)

    out.mkdir(parents=True, exist_ok=True)
    for start in range(0, count, batch_size):
        for path, picture in zip(paths[start:], made(drawn[start : start + batch_size]), strict=False):
            images.write(path, picture)
        if progress is not None:
            progress(min(start + batch_size, count), count)
    stops = _drawn(generator, max(2, min(count, STOPS)), seed, classes, wanted)
    rows = [
        made(noise.walk(one, other, STEPS, fixed=len(classes)))
        for one, other in zip(stops, np.roll(stops, -1, axis=0), strict=True)
    ]
    images.write(walked, images.grid(np.concatenate(rows), columns=STEPS))
    return count


def _drawn(generator: Any, count: int, seed: int, classes: Sequence[str], wanted: str | None) -> np.ndarray:
    """Noise for samples, float32 (count, n); where there are classes the last numbers of a row say its own."""
    if wanted is not None and wanted not in classes:
        known = f"must be one of {', '.join(classes)}" if classes else "is for a generator that was trained on several"
        raise UserError(f"`--class` {known}. Received: {wanted}")
    size = generator.input_shape[-1] - len(classes)
    is_conditional = generator.inputs[0].name == CONDITIONAL
    if size < 1 or is_conditional != bool(classes):
        raise UserError(f"{generator.name}: the names of its classes are not in its file; take it as training saved it")
    drawn = noise.draw(count, size, seed)
    if not classes:
        return drawn
    numbers = np.arange(count) % len(classes) if wanted is None else np.full(count, classes.index(wanted))
    return np.concatenate([drawn, np.eye(len(classes), dtype=np.float32)[numbers]], axis=1)

"""Opens a saved Keras model, or says in one line why not."""

import zipfile
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.stderr import quiet


def open_model(path: str | Path) -> Any:
    """Opens a `.keras` file for inference.

    Only that format: Keras 3.13.2 loops for ever over some older `.h5` files.

    Raises:
        UserError: no such file, not a whole `.keras` file, or one of layers that are not Keras' own.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file, a model is saved as one .keras file")
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path}: not a .keras file, or cut off")
    try:
        with zipfile.ZipFile(path) as archive:
            # Keras does not compare checksums: it would take damaged weights for good ones.
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f"{damaged} in it is damaged")
        with quiet():   # the first weight starts TensorFlow up, which misses a GPU aloud
            import keras

            # Nothing is trained here, so that losses and optimizers of other code need not be known.
            return keras.saving.load_model(path, compile=False)
    except Exception as error:   # zipfile, json, h5py and Keras each raise their own on a damaged or foreign file
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(f"{path}: cannot be opened as a Keras model ({reason})") from error

"""Keras as the commands import it: without what it takes along only because it is installed."""

import subprocess
import sys


def test_jax_and_matplotlib_are_left_out_and_can_be_imported_afterwards():
    """They were a third of TensorFlow's import. What was imported before stays as it is."""
    code = (
        "import os, sys, IPython; os.environ['KERAS_BACKEND'] = 'tensorflow'\n"
        "from pixelart_tf.devices import import_keras\n"
        "keras = import_keras()\n"
        "print(sorted({'jax', 'matplotlib', 'IPython', 'tensorflow'} & sys.modules.keys()), keras.backend.backend())\n"
        "import matplotlib.pyplot, jax, IPython\n"
        "print(keras.ops.convert_to_numpy(keras.ops.add([1.0], 2.0)), keras is import_keras())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "['IPython', 'tensorflow'] tensorflow\n[3.] True\n", done.stderr

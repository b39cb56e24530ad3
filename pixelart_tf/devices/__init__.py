"""TPU, GPUs, several hosts or a CPU: the Keras backend, the `tf.distribute` strategy and the precision."""

from pixelart_tf.devices.backend import BACKENDS, DeviceError, select_backend
from pixelart_tf.devices.choosing import PRECISIONS, Devices, choose
from pixelart_tf.devices.finding import several_on_jax
from pixelart_tf.devices.importing import import_keras

__all__ = [
    "BACKENDS", "PRECISIONS", "DeviceError", "Devices", "choose", "import_keras", "select_backend", "several_on_jax",
]

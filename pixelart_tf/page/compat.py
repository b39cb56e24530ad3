"""Which Gradio is there, before it is imported; and what events say that are no part of the API."""

import functools
import importlib.metadata
import importlib.util
import os
from typing import Any

from pixelart_tf.base.cli import UserError

NEEDED = 6   # 5 spells looks, visibility in the API and the links at the end in other ways


@functools.cache
def check() -> None:
    """Raises UserError where there is no Gradio, or one of another kind than the page is built on."""
    if importlib.util.find_spec("gradio") is None:
        raise UserError('the page takes Gradio: pip install "pixelart-tf[web]"')
    found = importlib.metadata.version("gradio")
    if int(found.split(".")[0]) != NEEDED:
        raise UserError(f'the page takes Gradio {NEEDED}: pip install "pixelart-tf[web]". Received: {found}')
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")   # read when Gradio is imported; else it asks outside


def private() -> dict[str, Any]:
    """Arguments of an event that is no part of the API."""
    return {"api_visibility": "private"}

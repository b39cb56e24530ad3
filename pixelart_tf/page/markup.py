"""Text and files as HTML shows them."""

import base64
import html

from pixelart_tf.base.cli import printable


def escaped(text: str) -> str:
    """Text as HTML shows it."""
    return html.escape(printable(text))


def data_url(kind: str, content: bytes) -> str:
    """A file within the page, of a kind such as image/png."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

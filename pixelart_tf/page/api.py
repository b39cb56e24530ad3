"""The same for programs: what the page does with files and knobs, as functions of Gradio's API."""

import threading
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError, printable
from pixelart_tf.page.controls import Controls, knobs_of
from pixelart_tf.page.jobs import make_files, new_folder
from pixelart_tf.page.opened import Upload
from pixelart_tf.page.show import scale_of
from pixelart_tf.page.studio import Studio
from pixelart_tf.page.work_row import HEAVY
from pixelart_tf.pixelize import picture_files


def add(studio: Studio, controls: Controls) -> None:
    """Adds `/pixelize` and `/make`, inside a `gr.Blocks`; the knobs' names and defaults are the page's.

    Args:
        studio: what makes the pictures.
        controls: the knobs.
    """
    import gradio as gr

    def pixelize(
        picture, generator, direction, size, across, pixels, colors, palette, how, dither, strength, outline, alpha,
        saturation, contrast, thicken, scale,
    ):
        """Pixel art of one picture, as PNG."""
        knobs = (
            generator, direction, size, across, pixels, colors, palette, how, dither, strength, outline, alpha,
            saturation, contrast, thicken, scale,
        )
        return _told(_pixelized, studio, picture, knobs)

    def make(
        files, generator, direction, size, across, pixels, colors, palette, how, dither, strength, outline, alpha,
        saturation, contrast, thicken, scale,
    ):
        """Of one film a film, of several pictures and films a zip."""
        knobs = (
            generator, direction, size, across, pixels, colors, palette, how, dither, strength, outline, alpha,
            saturation, contrast, thicken, scale,
        )
        return _told(_made, studio, files, knobs)

    picture = gr.File(visible=False, label="picture")
    files = gr.File(visible=False, file_count="multiple", label="files")
    made = gr.File(visible=False, label="made")
    gr.Button(visible=False).click(pixelize, [picture, *controls.all], made, api_name="pixelize")
    gr.Button(visible=False).click(make, [files, *controls.all], made, api_name="make", **HEAVY)


def _told(function: Any, *given: Any) -> str:
    import gradio as gr

    try:
        return str(function(*given))
    except UserError as error:
        raise gr.Error(printable(str(error)), print_exception=False) from None


def _pixelized(studio: Studio, picture: str | None, values: tuple) -> Path:
    upload, = _looked_at(studio, [picture] if picture else [])
    knobs = knobs_of(values)
    made = studio.make(studio.shelf.open(upload), knobs)
    path = new_folder(studio) / f"{upload.stem}.png"
    picture_files.write(path, made.art, scale_of(made, knobs))
    return path


def _made(studio: Studio, files: list[str] | None, values: tuple) -> Path:
    path, _ = make_files(
        studio, _looked_at(studio, files or []), knobs_of(values), None, stop=threading.Event(),
        progress=lambda share, what: None,
    )
    return path


def _looked_at(studio: Studio, files: list[str]) -> list[Upload]:
    if not files:
        raise UserError("No file came in.")
    return [studio.shelf.look(Path(path), Path(path).name) for path in files]

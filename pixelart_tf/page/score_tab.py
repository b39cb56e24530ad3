"""The tab of scores: two sets of pictures dropped in, the table of `mifid`, and its report as one file."""

import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import UserError
from pixelart_tf.page.compat import private
from pixelart_tf.page.jobs import Jobs, Stopped, new_folder
from pixelart_tf.page.markup import data_url, escaped
from pixelart_tf.page.opened import Upload
from pixelart_tf.page.studio import Studio
from pixelart_tf.page.work_row import HEAVY

NETWORK = "lite0"   # the one that comes along: nothing is fetched for the page
REPORT = "report.html"


def score(
    studio: Studio, generated: list[Path], real: list[Path], size: int, *, progress: Callable, stop: threading.Event
) -> tuple[list[tuple[str, str]], list[str], Path]:
    """Scores one set against another.

    Args:
        studio: has the devices and the folder for what is made.
        generated, real: a zip, or pictures.
        size: pixels of a side that all pictures are fitted to.
        progress: called with the share that is done and with what is done.
        stop: ends the work when it is set.

    Returns:
        The lines of the table, notes, and the report: one file of HTML.

    Raises:
        UserError: sets that cannot be read or compared.
    """
    from pixelart_tf.evaluation.evaluate import evaluate
    from pixelart_tf.evaluation.extractor import Extractor
    from pixelart_tf.evaluation.report import PAGE_NAME
    from pixelart_tf.evaluation.result import lines_of

    folder = new_folder(studio)
    try:
        sets = [_gathered(files, folder / name) for name, files in (("generated", generated), ("real", real))]
        extractor = Extractor.open(NETWORK, studio.chosen_devices(), size=size, skip_bad=True)
        found = evaluate(
            *sets, extractor, cache=False, report_dir=folder / "report",
            progress=lambda label, _: _told(progress, label.replace(f"{folder}/", ""), stop),
        )
        path = folder / REPORT
        path.write_text(_in_one(folder / "report" / PAGE_NAME).replace(f"{folder}/", ""), encoding="utf-8")
        notes = [*found.warnings, *(f"left out {line.replace(f'{folder}/', '')}" for line in found.bad)]
        return lines_of(found), notes, path
    except UserError as error:
        kind = Stopped if isinstance(error, Stopped) else UserError
        raise kind(str(error).replace(f"{folder}/", "")) from None
    finally:
        for name in ("generated", "real", "report"):
            shutil.rmtree(folder / name, ignore_errors=True)


def _gathered(files: list[Path], place: Path) -> Path:
    """The set as one folder or zip of a name of ours."""
    if not files:
        raise UserError(f"Drop in the {place.name} pictures first: a zip, or several pictures.")
    place.mkdir()
    if len(files) == 1 and files[0].suffix.lower() == ".zip":
        os.link(files[0], place / "pictures.zip")
        return place / "pictures.zip"
    for nth, file in enumerate(files):
        upload = Upload(path=file, name=file.name)
        os.link(file, place / f"{nth:05}-{upload.stem.removesuffix('-pixels')}{file.suffix.lower()}")
    return place


def _told(progress: Callable, label: str, stop: threading.Event) -> Callable[[int, int | None], None]:
    def tell(done: int, total: int | None) -> None:
        if stop.is_set():
            raise Stopped("Stopped.")
        progress(done / total if total else 0, label)

    return tell


def _in_one(page: Path) -> str:
    """A page with its pictures within, so that it can be shown and sent; what it links to besides is left out."""
    def with_data(found: re.Match) -> str:
        file = (page.parent / found[1]).resolve()
        return f'src="{data_url("image/png", file.read_bytes())}"'

    text = re.sub(r'src="((?:copies/)?\w+\.png)"', with_data, page.read_text(encoding="utf-8"))
    return re.sub(r' All are in <a href="nearest.csv">.*?</a>\.', "", text)


class ScoreTab:
    """Builds the tab, inside a `gr.Blocks`.

    Args:
        studio: has the devices.
    """

    def __init__(self, studio: Studio):
        import gradio as gr

        self._studio, self._jobs = studio, Jobs()
        gr.HTML('<p class="pa-note">How near is what was made to what is real? MiFID, FID and the like of two sets: '
                "a zip each, or many pictures at once.</p>", padding=False)
        with gr.Row(elem_classes="pa-own-drop"):
            sets = [
                gr.File(file_count="multiple", label=label, elem_id=f"pa-{name}", min_width=240, height=150)
                for name, label in (("generated", "Made pictures"), ("real", "Real pictures"))
            ]
        size = gr.Slider(32, 512, 256, step=8, label="Fit all to so many pixels a side")
        with gr.Row():
            go = gr.Button("Score them", variant="primary", elem_id="pa-score")
            cancel = gr.Button("Cancel", min_width=90)
        table = gr.HTML(elem_id="pa-scores", padding=False)
        report = gr.HTML(elem_id="pa-report", padding=False)
        file = gr.File(visible=False, interactive=False, label="Report, one file", elem_id="pa-report-file")

        def run(request: gr.Request, *values: Any, progress: Any = gr.Progress()) -> list:   # noqa: B008 (Gradio's way)
            return self._run(request.session_hash, *values, progress=progress)

        def stop(request: gr.Request) -> str:
            self._jobs.stop(request.session_hash)
            return '<p class="pa-note">Stopped.</p>'

        work = go.click(run, [*sets, size], [table, report, file], show_progress_on=table, **HEAVY, **private())
        cancel.click(stop, None, table, cancels=[work], queue=False, show_progress="hidden", **private())

    def _run(
        self, session: str, generated: list[str] | None, real: list[str] | None, size: float, *, progress: Any
    ) -> list:
        import gradio as gr

        try:
            rows, notes, path = score(
                self._studio, [*map(Path, generated or [])], [*map(Path, real or [])], int(size),
                stop=self._jobs.begin(session), progress=lambda share, what: progress(min(share, 1), desc=what),
            )
        except UserError as error:
            said = f'<p class="pa-problem" role="alert">{escaped(str(error))}</p>'
            return [said, "", gr.File(visible=False)]
        lines = "".join(f"<tr><th>{escaped(name)}</th><td>{escaped(value)}</td></tr>" for name, value in rows)
        told = "".join(f'<p class="pa-note">{escaped(note)}</p>' for note in notes)
        # In a frame that runs no script and sees nothing of the page.
        frame = f'<iframe class="pa-frame" sandbox title="Report" srcdoc="{escaped(path.read_text())}"></iframe>'
        return [f'<table class="pa-table">{lines}</table>{told}', frame, gr.File(str(path), visible=True)]

"""The page put together and served: to this machine only, from a folder of its own that is removed at the end."""

import atexit
import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pixelart_tf import devices
from pixelart_tf.page import compat
from pixelart_tf.page.catalogue import Catalogue
from pixelart_tf.page.opened import FILM_BYTES
from pixelart_tf.page.studio import Studio

ASSETS = Path(__file__).parent / "assets"
SWEEP, KEPT = 600, 3600   # seconds: how often old files are looked for, and how long they stay
CLIENTS = 400             # that may wait
LIGHT = 4                 # pictures that are made side by side; what takes long is one at a time
TITLE = """<div class="pa-title"><h1>Pixel art</h1>
<p>of any picture or film. Nothing leaves this computer.</p></div>"""


class Page:
    """The page, built and ready to be served.

    Args:
        generators: folders of runs, whose generators are offered.
        max_size: pixels of a picture's longer side.

    Attributes:
        blocks: the `gr.Blocks`.

    Raises:
        UserError: a folder is not there, or Gradio is not.
    """

    def __init__(self, generators: Iterable[str | Path] = (), *, max_size: int = 4096):
        compat.check()
        self._folder, self._ended = Path(tempfile.mkdtemp(prefix="pixelart_tf-page-")), threading.Event()
        atexit.register(self.remove_files)
        os.environ["GRADIO_TEMP_DIR"] = str(self._folder)   # read as components are made
        devices.select_backend()
        self.studio = Studio(Catalogue(generators), max_size=max_size, folder=self._folder)
        self.blocks, self._looks = self._build()

    def _build(self) -> tuple[Any, dict[str, Any]]:
        import gradio as gr

        from pixelart_tf.page import api
        from pixelart_tf.page.picture_tab import PictureTab
        from pixelart_tf.page.run_tab import RunTab
        from pixelart_tf.page.score_tab import ScoreTab

        theme = gr.themes.Default(
            primary_hue="indigo", neutral_hue="slate", font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"], radius_size="lg",
        )
        script = (ASSETS / "page.js").read_text(encoding="utf-8")
        looks = {
            "theme": theme, "css": (ASSETS / "page.css").read_text(encoding="utf-8"),
            "head": f"<script>{script}</script>",
        }
        with gr.Blocks(title="Pixel art", analytics_enabled=False) as blocks:
            gr.HTML(TITLE, padding=False)
            with gr.Tab("Picture or film"):
                picture = PictureTab(self.studio)
                api.add(self.studio, picture.controls)
            if self.studio.catalogue.folders:
                with gr.Tab("Runs"):
                    runs = RunTab(self.studio.catalogue.folders)
                runs.start(blocks)
            with gr.Tab("Score"):
                ScoreTab(self.studio)
            picture.start(blocks)
        blocks.queue(max_size=CLIENTS, default_concurrency_limit=LIGHT)
        return blocks, looks

    def launch(self, **options: Any) -> tuple[str, Any]:
        """Serves it, on a thread.

        Args:
            options: of Gradio's `launch`.

        Returns:
            The address, and the app.
        """
        app, address, _ = self.blocks.launch(
            prevent_thread_lock=True, share=False, max_file_size=FILM_BYTES, enable_monitoring=False, quiet=True,
            show_error=False, footer_links=["api", "settings"], **self._looks, **options,
        )
        threading.Thread(target=self.studio.warm, daemon=True).start()
        threading.Thread(target=self._sweep, args=[set(self._folder.rglob("*"))], daemon=True).start()
        return address, app

    def _sweep(self, stays: set[Path]) -> None:
        """Removes old files again and again; `stays` are the page's own."""
        while not self._ended.wait(SWEEP):
            sweep(self._folder, stays)

    def close(self) -> None:
        """Ends serving and removes all that came in and was made."""
        self.blocks.close(verbose=False)
        self.remove_files()

    def remove_files(self) -> None:
        """Removes all that came in and was made."""
        self._ended.set()
        shutil.rmtree(self._folder, ignore_errors=True)


def sweep(folder: Path, stays: set[Path], *, older: float = KEPT) -> None:
    """Removes the files in a folder that came over `older` seconds ago, but for those that stay; then empty folders."""
    now = time.time()
    for path in sorted(folder.rglob("*"), reverse=True):   # what is in a folder before it
        with contextlib.suppress(OSError):   # somebody else was faster, or the folder is not empty
            if path in stays or now - path.stat().st_ctime <= older:
                continue
            path.rmdir() if path.is_dir() else path.unlink()

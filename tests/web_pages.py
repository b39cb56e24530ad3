"""The page in a process of its own, and what a person does in it; `web/conftest.py` has fixtures of them."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pixelart_tf.settings.run_folder import RunFolder

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "data" / "pictures"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = [name for name in ("gradio", "playwright") if importlib.util.find_spec(name) is None]
MISSING += [] if CHROMIUM else ["chromium"]
MARKS = [
    pytest.mark.web,
    pytest.mark.skipif(bool(MISSING), reason=f"the page in a browser takes {', '.join(MISSING)}, missing here"),
]


class Served:
    """The page in a process of its own."""

    def __init__(self, folder: Path, *arguments: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.temporary = f"http://127.0.0.1:{self.port}", folder / "tmp"
        self.temporary.mkdir()
        command = [sys.executable, "-m", "pixelart_tf.web", "--port", str(self.port), *map(str, arguments)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TMPDIR": str(self.temporary)}, stdout=subprocess.PIPE, text=True,
        )
        assert self.url in self.process.stdout.readline()

    def end(self) -> None:
        self.process.terminate()   # a shell's background job would not hear SIGINT
        assert self.process.wait(300) == 143   # of a machine that does much else


def epoch(run: RunFolder, nth: int, color: str) -> None:
    """What a training leaves of an epoch."""
    run.sheet("samples", nth).parent.mkdir(exist_ok=True)
    Image.new("RGB", (40, 20), color).save(run.sheet("samples", nth))
    with run.log.open("a") as log:
        log.write(json.dumps({"epoch": nth, "to_target": nth / 4, "learning_rate": 0.0002}) + "\n")


def put(page, *paths):
    with page.expect_file_chooser() as chooser:
        page.click("#pa-upload")
    chooser.value.set_files([str(path) for path in paths])


def told(page, text, timeout=120_000):
    page.wait_for_function(
        "text => document.querySelector('.pa-told')?.textContent.includes(text)", arg=text, timeout=timeout
    )


def turn(page, knob, value):
    box = page.locator(f"#pa-{knob} input[type=number]")
    box.fill(str(value))
    box.press("Enter")
    box.blur()


def downloaded(page, tmp_path, click):
    with page.expect_download() as waiting:
        click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path

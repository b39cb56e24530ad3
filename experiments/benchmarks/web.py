"""Many at once at the page: failures, waiting times, memory.

    python experiments/benchmarks/web.py [--clients 32] [--pictures 10] [--generator sprite] [--picture FILE]

Serves the page in a process of its own; so many clients of Gradio's, each on a thread, then send so many pictures each
to `/pixelize`, one after the other, with another number of cells each time. Each answer must be a PNG of exactly the
asked cells and at most the asked colors. Prints failures, waiting times and the server's memory; exit status 1 where an
answer was lost or wrong. With --picture FILE it writes a screenshot of the page instead, by Debian's chromium.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "pixelart_tf" / "page" / "examples" / "bison.jpg"
SIDE, COLORS = 1024, 16


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--pictures", type=int, default=10)
    parser.add_argument("--generator", default="none")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    args = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "pixelart_tf.web", "--port", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        url = server.stdout.readline().split()[0]
        if args.picture:
            screenshot(url, args.picture)
            return 0
        return load(url, server.pid, args)
    finally:
        server.terminate()
        server.wait(300)


def load(url: str, pid: int, args: argparse.Namespace) -> int:
    """Has the clients work, and prints what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "photo.png"
        Image.open(PICTURE).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(picture)
        waits, wrong, lock = [], [], threading.Lock()

        def work(number: int) -> None:
            from gradio_client import Client, handle_file

            client = Client(url, verbose=False, download_files=str(Path(folder) / f"client{number}"),
                            httpx_kwargs={"timeout": 600})   # of a machine that does much else
            for nth in range(args.pictures):
                across, start = 24 + (number * args.pictures + nth) % 100, time.monotonic()
                try:
                    path = client.predict(
                        handle_file(picture), generator=args.generator, across=across, colors=COLORS, scale=1,
                        api_name="/pixelize",
                    )
                    with Image.open(path) as image:
                        found = image.size, len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0))
                    mistake = "" if found[0] == (across, across) and found[1] <= COLORS else f"{across}: {found}"
                except Exception as error:   # counted, whatever it is
                    mistake = f"{type(error).__name__}: {error}"
                with lock:
                    waits.append(time.monotonic() - start)
                    if mistake:
                        wrong.append(mistake)

        start, before = time.monotonic(), memory(pid, "VmRSS")
        with ThreadPoolExecutor(args.clients) as pool:
            list(pool.map(work, range(args.clients)))
        seconds = time.monotonic() - start
    middle, most = np.percentile(waits, [50, 95])
    print(f"{args.clients} clients, {args.pictures} pictures each of {SIDE}x{SIDE}, generator {args.generator}: "
          f"{len(wrong)} failures of {len(waits)}; {len(waits) / seconds:.1f} pictures/s; waits {middle:.2f} s "
          f"(median), {most:.2f} s (95 %), {max(waits):.2f} s (longest); memory {before:.0f} MB before, "
          f"{memory(pid, 'VmHWM'):.0f} MB at most")
    for line in wrong[:5]:
        print(line)
    return 1 if wrong or len(waits) != args.clients * args.pictures else 0


def memory(pid: int, name: str) -> float:
    """MB that Linux tells of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def screenshot(url: str, path: Path) -> None:
    """The page with a drawing, as README shows it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(f"{url}?across=64&colors=16")
        page.wait_for_selector("[data-kind=ready]", state="attached")
        page.get_by_role("button", name="Owl").click()
        page.wait_for_function("document.querySelector('.pa-told')")
        page.wait_for_timeout(1000)
        page.screenshot(path=path, full_page=True)
        browser.close()
    with Image.open(path) as image:   # flat colors, of which 256 show all
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())

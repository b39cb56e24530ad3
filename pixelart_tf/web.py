"""Command: a page for pictures and films, in the browser, on this machine."""

import argparse
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from pixelart_tf.base.cli import Parser, UserError, command
from pixelart_tf.base.files import check_output, write_text
from pixelart_tf.page import comparison
from pixelart_tf.page.building import Page

EXAMPLES = """
The page takes pictures and films, by file, drop, paste or camera, and shows what each knob does. It asks nothing of any
other host; it is shown to this machine only, unless --host says more.

examples:
  python -m pixelart_tf.web
  python -m pixelart_tf.web --generators runs/ --port 8000
  python -m pixelart_tf.web --compare ours/ theirs/ --originals photos/ --save which.html
"""


def page(generators: list[str | Path] = (), *, max_size: int = 4096, **options: Any) -> Page:
    """Shows the page in a notebook, below the cell.

    Args:
        generators: folders of runs, whose generators are offered.
        max_size: pixels of a picture's longer side.
        options: of Gradio's `launch`, such as `height=900`.

    Returns:
        The page; its `close()` ends it.
    """
    made = Page(generators, max_size=max_size)
    made.launch(inline=True, **{"height": 1000, **options})
    return made


@command
def main(argv: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m pixelart_tf.web", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--generators", nargs="+", action="extend", default=[], type=Path, metavar="DIR",
        help="offer the generators in these folders too: runs, or folders of them")
    add("--host", default="127.0.0.1", help="address to listen at (default: this machine only)")
    add("--port", type=int, default=7860, help="port to listen at (default: 7860)")
    add("--max-size", type=int, default=4096, metavar="PIXELS",
        help="longest side of a picture that is taken (default: 4096)")
    blind = parser.add_argument_group(
        "which is better?", "A blind comparison instead: the same pictures, by two methods at a time, side by side."
    )
    blind.add_argument("--compare", nargs="+", metavar="SET",
                       help="two or more folders, zips or shards of pictures of the same names")
    blind.add_argument("--originals", metavar="SET", help="what they were made from, shown above")
    blind.add_argument("--save", type=Path, metavar="FILE.html",
                       help="write the comparison as one file, which needs no server, and stop")
    blind.add_argument("--overwrite", action="store_true", help="replace FILE.html if it is already there")
    args = parser.parse_args(argv)
    if args.compare:
        return _compare(args)
    if args.save or args.originals:
        raise UserError("--save and --originals: are for --compare")
    if not 64 <= args.max_size <= 16384:
        raise UserError(f"--max-size: must be from 64 to 16384. Received: {args.max_size}")
    _check_port(args.host, args.port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))   # else what came in would stay
    made = Page(args.generators, max_size=args.max_size)
    try:
        address, _ = made.launch(server_name=args.host, server_port=args.port, inline=False)
        print(f"{address} (Ctrl-C ends it)", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        print("ended", file=sys.stderr)
    finally:
        made.close()
    return 0


def _compare(args: argparse.Namespace) -> int:
    if args.save:
        args.save.parent.mkdir(parents=True, exist_ok=True)
        check_output(args.save, overwrite=args.overwrite, suffixes=(".html", ".htm"))
    else:
        _check_port(args.host, args.port)
    content = comparison.page(args.compare, originals=args.originals)
    if args.save:
        write_text(args.save, content)
        print(f"{args.save}: the comparison ({len(content.encode()) / 2**20:.1f} MB)")
        return 0
    with comparison.serve(content, args.host, args.port) as server:
        print(f"http://{args.host}:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("ended", file=sys.stderr)
    return 0


def _check_port(host: str, port: int) -> None:
    """Told before Gradio and Keras are loaded, which takes a while."""
    if not 0 <= port < 65536:
        raise UserError(f"--port: must be from 0 to 65535. Received: {port}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind((host, port))
    except OSError as error:
        raise UserError(f"--host, --port: {host}:{port} cannot be listened at ({error.strerror or error})") from None


if __name__ == "__main__":
    sys.exit(main())

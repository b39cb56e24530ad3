"""Command: make pixel art of a film, steady from frame to frame."""

import argparse
import sys
import time
from fractions import Fraction
from pathlib import Path

from pixelart_tf import devices
from pixelart_tf.base.cli import Parser, command
from pixelart_tf.base.files import check_output
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.films.engine import pixelize_film
from pixelart_tf.generators.native import generating
from pixelart_tf.generators.opening import load_on_devices
from pixelart_tf.pixelize import palette_files
from pixelart_tf.pixelize.options import add_style_options, style_from

EXAMPLES = """
output, by its suffix:
  .mp4 .mov .mkv   H.264; 4:2:0, or exact RGB (4:4:4) with --lossless, which not every player shows
  .webm            VP9, the same
  .gif .apng .png .webp
                   an animation of exact colors, without sound; it plays as often as the one that it is made from
  none             a folder of PNG frames

Sound is copied as it is. Frames keep their times, of variable rate too (with imageio-ffmpeg instead of PyAV: a constant
rate). Dithers of the bayer kind stand still with the frame; the others move around whatever moves. Ctrl-C leaves no
output. The flicker told at the end is the share of cells, a frame, that change and within 8 frames change back.

examples:
  python -m pixelart_tf.video cat.mp4 cat8.mp4 --cell 8 --colors 16
  python -m pixelart_tf.video cat.mp4 cat.gif --width 96 --palette pico-8 --dither bayer4 --scale 4
  python -m pixelart_tf.video cat.mp4 sprites.mp4 --generator sprite --width 160 --colors 24
  python -m pixelart_tf.video frames/ film.webm --fps 12 --cell 6
"""


@command
def main(argv: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m pixelart_tf.video",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("input", metavar="INPUT", help="a film, a GIF, APNG or animated WebP, or a folder of frames")
    add("output", metavar="OUTPUT", help="what to write; its suffix says of which kind (see below)")
    add_style_options(parser)
    add = parser.add_argument_group("film").add_argument
    add("--scale", type=int, metavar="N",
        help="pixels of a cell's side in the output (default: as in the film; the next even number for 4:2:0)")
    add("--generator", type=Path, metavar="NAME|FILE",
        help="a .keras file, or a bundled generator's name such as sprite, that each frame goes through first")
    add("--fps", type=_rate, metavar="N",
        help="frames a second: of a film, by leaving out or repeating frames (default: its own); of a folder (25)")
    add("--start", type=_time, metavar="TIME", help="where to begin, in seconds or as 1:02:03.5 (default: 0)")
    add("--end", type=_time, metavar="TIME", help="where to end (default: the film's end)")
    add("--save-palette", type=Path, metavar="FILE",
        help=f"find one palette over the whole film, and write it ({' '.join(palette_files.WRITES)}); without it each "
             "shot has its own, but enlarged pixel art has one, too")
    add("--lossless", action="store_true", help="exact colors in .mp4, .mov, .mkv and .webm; larger files")
    add("--no-sound", action="store_true", help="leave the sound out")
    add("--overwrite", action="store_true", help="replace an output that is there already")
    args = parser.parse_args(argv)
    style, generate = style_from(args), None
    if args.save_palette is not None:
        args.save_palette.parent.mkdir(parents=True, exist_ok=True)
        check_output(args.save_palette, overwrite=args.overwrite, suffixes=palette_files.WRITES, inputs=[args.input])
    if args.generator is not None:
        devices.select_backend()
        generator, predict = load_on_devices(args.generator)
        generate = generating(generator, style, predict=predict, called=str(args.generator))
    start = time.monotonic()
    made = pixelize_film(
        args.input, args.output, style, scale=args.scale, generate=generate, rate=args.fps, start=args.start,
        end=args.end, one_palette=args.save_palette is not None, lossless=args.lossless, sound=not args.no_sound,
        overwrite=args.overwrite, progress=ProgressBar("making", "frames"),
    )
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    rate = made.num_frames / (time.monotonic() - start)
    print(f"{made.told} in {args.output}; flicker {made.flicker:.3%} ({rate:.1f} frames/s)")
    if args.save_palette is not None:
        palette_files.write(args.save_palette, made.palette)
        print(f"{args.save_palette}: {len(made.palette)} colors")
    return 0


def _rate(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"must be a number such as 12 or 30000/1001. Received: {text!r}") from None


def _time(text: str) -> Fraction:
    try:
        seconds = [Fraction(part) for part in text.split(":")]
        return sum(part * 60**place for place, part in enumerate(reversed(seconds)))
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"must be seconds, or as 1:02:03.5. Received: {text!r}") from None


if __name__ == "__main__":
    sys.exit(main())

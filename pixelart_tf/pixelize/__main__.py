"""Command: turn any picture into true pixel art."""

import argparse
import sys
import time
from pathlib import Path
from typing import TextIO

from pixelart_tf import devices
from pixelart_tf.base import files
from pixelart_tf.base.cli import UserError, command, printable
from pixelart_tf.base.columns import counted
from pixelart_tf.base.memory import advising
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.films.among import Moving, pixelize_films
from pixelart_tf.generators.native import generating
from pixelart_tf.generators.opening import load_on_devices
from pixelart_tf.pictures import images, sources
from pixelart_tf.pictures.finding import note
from pixelart_tf.pixelize import Style, actions, arguments, palette_files, sheets
from pixelart_tf.pixelize import picture_files as pictures
from pixelart_tf.pixelize.generate import Generate
from pixelart_tf.pixelize.options import style_from

MAX_LINES = 12   # of so many pictures each has a line of its own


def pixelize(argv: list[str] | None) -> int:
    args = arguments.parser().parse_intermixed_args(argv)
    style, generate, moving = style_from(args), None, Moving()
    inputs = [sources.standard_input() if each == "-" else each for each in args.INPUT]
    targets = pictures.plan(inputs, args.OUTPUT, overwrite=args.overwrite, kind_of=moving.kind_of)
    films = {place: targets.pop(place) for place in moving.places}
    _check_sides(args, targets, films)
    if args.generator:
        devices.select_backend()
        generator, predict = load_on_devices(args.generator)
        generate = generating(generator, style, predict=predict, called=str(args.generator))
    out = sys.stderr if pictures.STDOUT in targets.values() else sys.stdout
    bad = []
    with advising("take smaller pictures, or fewer at a time; or give a smaller --scale"):
        if targets:
            start = time.monotonic()
            result = pictures.pixelize_files(
                inputs, targets, style, scale=args.scale, one_palette=args.save_palette is not None, generate=generate,
                show=sheets.MAX_ROWS if args.compare else 0, skip_bad=len(films) + len(targets) > 1 and not args.strict,
                progress=ProgressBar("pixelizing"),
            )
            _tell(result, args, time.monotonic() - start, out)
            bad += result.bad
        if films:
            bad += _pixelize_films(films, targets, args, style, generate)
    for line in bad:
        print(printable(f"skipped {line}"), file=sys.stderr)
    return 0


def _tell(result: pictures.Result, args: argparse.Namespace, seconds: float, out: TextIO) -> None:
    """Writes what was asked for besides, and says what was made."""
    for line in result.notes:
        note(line)
    if len(result.made) <= MAX_LINES:
        for made in result.made:
            rows, columns = made.cells
            size = f"{columns * made.scale}x{rows * made.scale}"
            cells = f"{columns}x{rows} cells of {counted(made.cell, 'pixel')}"
            told = f"; {made.note}" if made.note else ""
            print(f"{made.path}: {size}, {cells}, {counted(made.num_colors, 'color')}{told}", file=out)
    if len(result.made) > 1:
        most = max(made.num_colors for made in result.made)
        print(f"{counted(len(result.made), 'picture')} in {args.OUTPUT}, {counted(most, 'color')} at most "
              f"({len(result.made) / seconds:.1f} images/s)", file=out)
    if args.save_palette:
        palette_files.write(args.save_palette, result.palette)
        print(f"{args.save_palette}: {counted(len(result.palette), 'color')}", file=out)
    if args.compare:
        images.write(args.compare, sheets.sheet(result.rows), quality=90)
        print(f"{args.compare}: before and after", file=out)


def _pixelize_films(
    films: dict[str, Path], targets: dict[str, Path], args: argparse.Namespace, style: Style, generate: Generate | None
) -> list[str]:
    """Makes the films, and tells of them. Returns a line for each that was skipped."""
    first, *others = films
    these = f"{first} moves" if not others else f"{first} and {len(others)} more move"
    note(f"{these}: made as python -m pixelart_tf.video does")
    made, bad = pixelize_films(
        films, style, overwrite=args.overwrite, skip_bad=len(films) + len(targets) > 1 and not args.strict,
        scale=args.scale, generate=generate, progress=ProgressBar("making", "frames"),
    )
    if not made and not targets:
        raise UserError(f"none of the {len(films)} films can be used; the first: {bad[0]}")
    for path, film in made.items():
        for line in film.notes:
            note(line)
        print(f"{path}: {film.told}")
    return bad



def _check_sides(args: argparse.Namespace, targets: dict[str, Path], films: dict[str, Path]) -> None:
    """Before any work: the palette's file and the sheet can be written, and over nothing."""
    given = {"--save-palette": args.save_palette, "--compare": args.compare, "--sheet": getattr(args, "sheet", None)}
    sides = [path for path in (args.save_palette, args.compare) if path]
    if films and any(given.values()):
        option = next(option for option, value in given.items() if value)
        raise UserError(f"{option}: is for pictures, and {next(iter(films))} moves; see python -m pixelart_tf.video")
    taken = {path.resolve() for path in [*targets.values(), *map(Path, targets)]}
    for path in sides:
        if path.resolve() in taken or len({side.resolve() for side in sides}) < len(sides):
            raise UserError(f"{path}: is an input or an output already; choose another name")
        suffixes = palette_files.WRITES if path is args.save_palette else (*pictures.WRITABLE, ".jpg", ".jpeg")
        path.parent.mkdir(parents=True, exist_ok=True)
        files.check_output(path, overwrite=args.overwrite, suffixes=suffixes)


@command
def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    words = {"palettes": actions.show_palettes, "measure": actions.show_measures}
    if argv and argv[0] in words:
        return words[argv[0]](argv[1:])
    return pixelize(argv)


if __name__ == "__main__":
    sys.exit(main())

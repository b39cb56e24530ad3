"""Ways from drawings to pixel art, in figures and as a picture.

    python experiments/benchmarks/pixel_art.py --sheet sheet.png sprite sprite-inked runs/mine/to_target.keras

The bundled held-out drawings become 32x32 cells (`--cells`) of at most 16 colors: by their middle pixels, by these
after a posterize to 3 bits a channel, by `pixelize` with its means, crisp or not, and by contrast, by each generator
that is named, and by those of the peers that are installed: PixelOE 0.1.4, proper-pixel-art, and Pyxelate 2.1.1 from
its repository.

For each way: style, far, orphans and soft steps (see `scores.pixel_art`) beside the bundled held-out sprites, and the
hue error: the mean angle in OKLab to the cell's mean color, of cells where both have a chroma of at least 0.04.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from pixelart_tf.base.columns import columns
from pixelart_tf.base.progress_bar import ProgressBar
from pixelart_tf.pictures import images, sources
from pixelart_tf.pixelize import Style, color, pixelize
from pixelart_tf.scores import pixel_art

ROOT = Path(__file__).parents[2]
COLORS = 16
COLORED = 0.04   # of chroma
TILE = 128       # pixels of a picture on the sheet


def read(pattern: str) -> dict[str, np.ndarray]:
    return {item.name: images.read(item.data) for item in sources.read(pattern)}


def middles(image: np.ndarray, cells: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((cells, cells), Image.Resampling.NEAREST))


def posterized(image: np.ndarray, cells: int) -> np.ndarray:
    return middles(np.asarray(ImageOps.posterize(Image.fromarray(image), 3)), cells)


def peers(cells: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Those that are installed, as their guides call them, with the size and the number of colors of all."""
    found = {}
    with contextlib.suppress(ImportError):
        from pixeloe.legacy.pixelize import pixelize as pixeloe

        options = {"target_size": cells, "patch_size": 8, "colors": COLORS, "no_upscale": True}
        found["PixelOE"] = lambda image: pixeloe(image[..., ::-1].copy(), **options)[..., ::-1]   # OpenCV's order
    with contextlib.suppress(ImportError):
        from pyxelate import Pyx

        found["Pyxelate"] = lambda image: Pyx(width=cells, height=cells, palette=COLORS).fit_transform(image)
    with contextlib.suppress(ImportError):
        from proper_pixel_art.config import PixelateConfig
        from proper_pixel_art.image import pixelate

        def proper(image):
            made = pixelate(Image.fromarray(image), PixelateConfig(pixel_width=len(image) // cells))
            return np.asarray(made.image.convert("RGB").resize((cells, cells), Image.Resampling.NEAREST))

        found["proper-pixel-art"] = proper
    return found


def finished(image: np.ndarray, **style) -> np.ndarray:
    return pixelize(image, Style(colors=COLORS, **style)).image(scale=1)


def generated(originals: dict[str, np.ndarray], generator: str, cells: int) -> list[np.ndarray]:
    """As the command makes them."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "given", Path(folder) / "out"
        given.mkdir()
        for number, image in enumerate(originals.values()):
            Image.fromarray(image).save(given / f"{number:04}.png")
        options = ["--generator", generator, "--width", str(cells), "--colors", str(COLORS), "--scale", "1"]
        subprocess.run([sys.executable, "-m", "pixelart_tf.pixelize", given, out, *options], check=True)
        return [images.read(path) for path in sorted(out.iterdir())]


def hue_error(made: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Degrees, of the cells that are colored."""
    means = np.asarray(Image.fromarray(original).resize(made.shape[1::-1], Image.Resampling.BOX))
    colored = [color.to_oklab(each) @ np.array([[0, 0], [1, 0], [0, 1]]) @ [1, 1j] for each in (made, means)]
    seen = (np.abs(colored[0]) >= COLORED) & (np.abs(colored[1]) >= COLORED)
    return np.degrees(np.abs(np.angle(colored[0] * np.conj(colored[1]))))[seen]


def row(name: str, made: list[np.ndarray], originals: list[np.ndarray], real: list[np.ndarray]) -> tuple[str, ...]:
    pairs = list(zip(made, originals, strict=True))
    return (
        name, f"{pixel_art.style(made, real):.1f}", f"{np.mean([pixel_art.far(*pair) for pair in pairs]):.2f}",
        f"{100 * np.mean([pixel_art.orphans(each) for each in made]):.1f} %",
        f"{100 * pixel_art.soft_steps(made):.1f} %",
        f"{np.concatenate([hue_error(*pair) for pair in pairs]).mean():.1f}",
    )


def sheet(originals: list[np.ndarray], ways: dict[str, list[np.ndarray]], columns_wanted: int) -> Image.Image:
    """Originals, and below them what each way makes of them, or other pictures."""
    rows = {"drawing": originals} | ways
    picture = Image.new("RGB", (columns_wanted * (TILE + 8) + 8, len(rows) * (TILE + 24) + 8), "white")
    for down, (name, made) in enumerate(rows.items()):
        top = 8 + down * (TILE + 24)
        ImageDraw.Draw(picture).text((8, top), name, fill="black")
        resample = Image.Resampling.NEAREST if down else Image.Resampling.LANCZOS
        for across, index in enumerate(np.linspace(0, len(made) - 1, columns_wanted).astype(int)):
            tile = Image.fromarray(made[index]).resize((TILE, TILE), resample)
            picture.paste(tile, (8 + across * (TILE + 8), top + 14))
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generators", nargs="*", help="names of bundled generators, or .keras files")
    parser.add_argument("--pictures", default=str(ROOT / "tfrecords" / "heldout_cartoon*.tfrec"), help="drawings")
    parser.add_argument("--like", default=str(ROOT / "tfrecords" / "heldout_sprite*.tfrec"), help="real pixel art")
    parser.add_argument("--cells", type=int, default=32, help="a side (default: 32)")
    parser.add_argument("--sheet", type=Path, help="where a picture of all ways goes")
    parser.add_argument("--rows", nargs="+", metavar="WAY",
                        help="the only ways that the sheet shows; `like` is the real pixel art")
    parser.add_argument("--columns", type=int, default=10, help="of the sheet (default: 10)")
    args = parser.parse_args()
    found, real = read(args.pictures), list(read(args.like).values())
    originals = list(found.values())
    plain = {
        "nearest pixel": lambda image: finished(middles(image, args.cells), cell=1),
        "posterize + nearest pixel": lambda image: finished(posterized(image, args.cells), cell=1),
        "pixelize": lambda image: finished(image, width=args.cells),
        "pixelize --no-crisp": lambda image: finished(image, width=args.cells, crisp=False),
        "pixelize --how contrast": lambda image: finished(image, width=args.cells, how="contrast"),
    }
    for name, peer in peers(args.cells).items():   # what leaves them is held to the number of colors too
        plain[name] = lambda image, peer=peer: finished(np.ascontiguousarray(peer(image)), cell=1)
    ways, progress = {}, ProgressBar("ways", "done")
    for name, way in plain.items():
        ways[name] = [way(image) for image in originals]
        progress(len(ways), len(plain) + len(args.generators))
    for generator in args.generators:
        ways[generator] = generated(found, generator, args.cells)
        progress(len(ways), len(plain) + len(args.generators))
    rows = [(f"{len(originals)} drawings", "style", "far", "orphans", "soft steps", "hue error, degrees")]
    print(columns([*rows, *(row(name, made, originals, real) for name, made in ways.items())]))
    if args.sheet:
        shown = {name: made for name, made in (ways | {"like": real}).items() if name in (args.rows or ways)}
        sheet(originals, shown, args.columns).save(args.sheet)


if __name__ == "__main__":
    main()

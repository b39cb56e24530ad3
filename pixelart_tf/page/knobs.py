"""The knobs of the page, and the command line that does the same: a style is read from that line alone."""

import argparse
import dataclasses
import functools
import shlex
from collections.abc import Mapping
from pathlib import Path

from pixelart_tf.base.cli import UserError
from pixelart_tf.pixelize import palette_kinds, palettes
from pixelart_tf.pixelize.options import add_style_options, style_from
from pixelart_tf.pixelize.style import Style

NONE = "none"   # the generator of those who want none
ACROSS, PIXELS, OWN = SIZES = ("across", "pixels", "own")
FOUND = "found"   # the palette of those who want the picture's own


class KnobError(UserError):
    """A knob that is set to what it cannot be.

    Attributes:
        knob: its name, of the fields of `Knobs`; empty where it is none's fault.
    """

    def __init__(self, message: str, knob: str = ""):
        super().__init__(message)
        self.knob = knob


@dataclasses.dataclass(frozen=True, kw_only=True)
class Knobs:
    """What a person has asked for.

    Args:
        generator: `NONE`, or a name of `catalogue.Catalogue.entries`.
        direction: of that generator's; empty is its first.
        size: what says how large the cells are: `ACROSS`, `PIXELS` or `OWN`: those that the picture has already, if
            any; it then keeps its colors, too, as long as `colors` is as it comes.
        across: cells across the picture.
        pixels: pixels of a cell's side.
        colors: most colors, 1 to 256; 0 is as many as the picture is made of.
        palette: `FOUND`, the name of a built-in one, or colors as `"#112233,#445566"`.
        how: see `Style`.
        dither: see `Style`.
        strength: of the dithering, 0 to 1.
        outline: see `Style`.
        alpha: see `Style`.
        saturation, contrast: 1 leaves colors as they are, 0 is grey, or one lightness; up to 4.
        thicken: see `Style`.
        scale: pixels of a cell's side in the larger download; 0 is about the picture's own size.
    """

    generator: str = "sprite"
    direction: str = ""
    size: str = ACROSS
    across: int = 96
    pixels: int = 8
    colors: int = 24
    palette: str = FOUND
    how: str = "mean"
    dither: str = "none"
    strength: float = 1.0
    outline: bool = False
    alpha: str = "hard"
    saturation: float = 1.0
    contrast: float = 1.0
    thicken: bool = False
    scale: int = 0

    def __post_init__(self):
        if self.size not in SIZES:
            raise KnobError(f"The size of cells is told by one of {', '.join(SIZES)}, not by {self.size!r}.", "size")
        if self.palette != FOUND and self.palette not in palettes.named() and not palette_kinds.inline(self.palette):
            # Never the name of a file: whoever reaches the page could so read the machine's.
            raise KnobError(f"No built-in palette is called {self.palette!r}.", "palette")
        if not isinstance(self.scale, int) or not 0 <= self.scale <= 64:
            raise KnobError(f"The download's scale must be from 1 to 64. Received: {self.scale!r}", "scale")

    def options(self, palette_file: str | Path | None = None) -> list[str]:
        """The arguments of `pixelize` and of `video` that say this style.

        Args:
            palette_file: the palette that was dropped in, which takes the place of the others.
        """
        words = {ACROSS: ["--width", str(self.across)], PIXELS: ["--cell", str(self.pixels)], OWN: []}
        given = words[self.size]
        if palette_file is not None or self.palette != FOUND:
            given = [*given, "--palette", str(self.palette if palette_file is None else palette_file)]
        elif self.size != OWN or self.colors != Knobs.colors:
            given = [*given, "--colors", str(self.colors or "auto")]
        default = Knobs()
        for name, option in _OPTIONS.items():
            value = getattr(self, name)
            if value != getattr(default, name):
                given = [*given, option] if value is True else [*given, option, f"{value:g}" if name in _FRACTIONS
                                                                else str(value)]
        return given

    def style(self, palette_file: str | Path | None = None) -> Style:
        """How a picture becomes pixel art, as the command line would have it.

        Raises:
            KnobError: a knob breaks its rule; `knob` is its name.
        """
        try:
            return style_from(_parser().parse_args(self.options(palette_file)))
        except UserError as error:
            raise KnobError(sentence(str(error)), _knob_of(str(error), palette_file is not None)) from None

    def command(self, name: str, *, generator: str | None, moves: bool = False, palette_name: str = "") -> str:
        """The command that makes the same of a file, ready for a shell.

        Args:
            name: of the file.
            generator: what stands behind `--generator`; None where there is none.
            moves: whether it is a film.
            palette_name: of the palette that was dropped in; empty where there is none.
        """
        stem = Path(name).stem or "picture"
        out = f"{stem}-pixels{(Path(name).suffix or '.mp4') if moves else '.png'}"
        words = ["python", "-m", f"pixelart_tf.{'video' if moves else 'pixelize'}", _as_file(name), _as_file(out)]
        words += self.options(palette_name or None)
        words += ["--generator", generator] if generator else []
        words += ["--scale", str(self.scale)] if self.scale else []
        return shlex.join(words)

    def query(self) -> dict[str, str]:
        """What the address tells: the knobs that are not as they come."""
        told = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                told[field.name] = "1" if value is True else f"{value:g}" if isinstance(value, float) else str(value)
        return told

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> "Knobs":
        """The knobs that an address tells; what it does not name, or what is none's value, is as it comes."""
        given = {}
        for field in dataclasses.fields(cls):
            if (text := query.get(field.name)) is None:
                continue
            try:
                kind = type(field.default)
                given[field.name] = text == "1" if kind is bool else kind(text)
                cls(**{field.name: given[field.name]}).style()
            except (ValueError, OverflowError):   # of another's making, or of an older page
                given.pop(field.name, None)
        return cls(**given)


# Knob -> option of `pixelize`, where they are one to one.
_OPTIONS = {
    "how": "--how",
    "dither": "--dither",
    "strength": "--dither-strength",
    "outline": "--outline",
    "alpha": "--alpha",
    "saturation": "--saturation",
    "contrast": "--contrast",
    "thicken": "--thicken",
}
_FRACTIONS = ("strength", "saturation", "contrast")
# Argument of `Style`, as its messages name it -> knob.
_KNOBS = {"width": "across", "cell": "pixels", "colors": "colors", "palette": "palette", "how": "how",
          "dither": "dither", "strength": "strength", "alpha": "alpha", "saturation": "saturation",
          "contrast": "contrast"}


@functools.cache
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_style_options(parser)
    return parser


def _as_file(name: str) -> str:
    """The name of a file as an argument that is none of an option."""
    return f"./{name}" if name.startswith("-") else name


def _knob_of(message: str, has_file: bool) -> str:
    named = message.split("`")[1] if message.count("`") > 1 else ""
    return _KNOBS.get(named, "palette_file" if has_file else "")


def sentence(message: str) -> str:
    """A message of the command line as a sentence of the page."""
    text = message.replace("`", "")
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."

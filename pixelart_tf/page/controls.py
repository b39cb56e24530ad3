"""The knobs as Gradio's components, in the order of the fields of `Knobs`, and back."""

import dataclasses
from typing import Any

from pixelart_tf.page.catalogue import Catalogue
from pixelart_tf.page.knobs import ACROSS, FOUND, NONE, OWN, PIXELS, Knobs
from pixelart_tf.pixelize import cells, palettes, transparency
from pixelart_tf.pixelize.dither import METHODS

ORDER = tuple(field.name for field in dataclasses.fields(Knobs))
MAX_ACROSS, MAX_PIXELS = 512, 64
_DITHERS = {"none": "None", "bayer2": "Pattern, 2 by 2", "bayer4": "Pattern, 4 by 4", "bayer8": "Pattern, 8 by 8",
            "floyd-steinberg": "Scattered", "atkinson": "Scattered, airy"}
_HOWS = {"mean": "The average", "contrast": "What stands out, such as thin dark lines", "median": "The middle one",
         "dominant": "The most frequent one"}
_ALPHAS = {"hard": "All or nothing", "soft": "Keep its levels", "dither": "Mix by a pattern"}


class Controls:
    """The components of all knobs.

    Args:
        catalogue: the generators.

    Attributes:
        all: in the order of `ORDER`.
    """

    def __init__(self, catalogue: Catalogue):
        self._catalogue, self._of = catalogue, {}

    def common(self) -> None:
        """Makes what everybody sees."""
        import gradio as gr

        start = Knobs()
        self._add("generator", gr.Dropdown(
            generators(self._catalogue), value=start.generator, label="Drawn by", elem_id="pa-generator",
            info=about(self._catalogue, start.generator),
        ))
        self._add("direction", gr.Radio(
            [("There", "")], value="", label="Direction", visible=False, elem_id="pa-direction",
        ))
        self._add("across", gr.Slider(
            8, MAX_ACROSS, start.across, step=1, label="Squares across", elem_id="pa-across",
            info="Fewer are coarser.",
        ))
        self._add("colors", gr.Slider(
            0, 64, start.colors, step=1, label="Colors", elem_id="pa-colors",
            info="0: as many as the picture is made of.",
        ))
        self._add("palette", gr.Dropdown(
            palette_choices(), value=start.palette, label="Palette", elem_id="pa-palette", allow_custom_value=True,
            info="Or type your own, such as #1a1c2c,#f4f4f4.",
        ))
        self._add("outline", gr.Checkbox(
            start.outline, label="Draw an outline around the figure", elem_id="pa-outline",
        ))

    def more(self) -> None:
        """Makes what is behind the fold."""
        import gradio as gr

        start = Knobs()
        sizes = [("Squares across", ACROSS), ("Pixels a square", PIXELS), ("The picture's own", OWN)]
        self._add("size", gr.Radio(sizes, value=start.size, label="Size of squares by", elem_id="pa-size"))
        self._add("pixels", gr.Slider(
            1, MAX_PIXELS, start.pixels, step=1, label="Pixels a square", elem_id="pa-pixels",
        ))
        self._add("how", gr.Dropdown(
            _labelled(_HOWS, cells.HOW), value=start.how, label="Color of a square", elem_id="pa-how",
        ))
        self._add("dither", gr.Dropdown(
            _labelled(_DITHERS, METHODS), value=start.dither, label="Mix missing colors (dithering)",
            elem_id="pa-dither",
        ))
        self._add("strength", gr.Slider(
            0, 1, start.strength, step=0.05, label="Strength of mixing", elem_id="pa-strength",
        ))
        self._add("alpha", gr.Dropdown(
            _labelled(_ALPHAS, transparency.KINDS), value=start.alpha, label="Transparency", elem_id="pa-alpha",
        ))
        self._add("saturation", gr.Slider(
            0, 4, start.saturation, step=0.05, label="Saturation", elem_id="pa-saturation",
            info="0 is grey, 1 as it is, 1.3 vivid.",
        ))
        self._add("contrast", gr.Slider(
            0, 4, start.contrast, step=0.05, label="Contrast", elem_id="pa-contrast", info="Of light and dark.",
        ))
        self._add("thicken", gr.Checkbox(
            start.thicken, label="Make thin dark lines wider", elem_id="pa-thicken",
            info="Of the picture itself; a network that draws squares has lines of its own.",
        ))
        self._add("scale", gr.Slider(
            0, 32, start.scale, step=1, label="Scale of the larger download", elem_id="pa-scale",
            info="0: about as large as the picture was.",
        ))

    def _add(self, name: str, component: Any) -> None:
        self._of[name] = component

    def __getitem__(self, name: str) -> Any:
        return self._of[name]

    @property
    def all(self) -> list[Any]:
        return [self._of[name] for name in ORDER]


def knobs_of(values: tuple) -> Knobs:
    """The knobs of the components' values; a cleared one is as it comes. Raises KnobError."""
    start = Knobs()
    given = {}
    for name, value in zip(ORDER, values, strict=True):
        default = getattr(start, name)
        if value is None:
            value = default
        elif isinstance(default, int) and not isinstance(default, bool) and isinstance(value, float):
            value = int(value) if value == int(value) else value   # sliders give 8.0
        given[name] = value
    return Knobs(**given)


def values_of(knobs: Knobs) -> list:
    """What the components show of knobs, in the order of `Controls.all`."""
    return [getattr(knobs, name) for name in ORDER]


def generators(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Labels and names of the generators."""
    found = [(name.capitalize() if entry.comes_along else name, name) for name, entry in catalogue.entries().items()]
    return [*found, ("No network", NONE)]


def about(catalogue: Catalogue, name: str) -> str:
    """What a generator makes, in a line."""
    entry = catalogue.entries().get(name)
    return f"{entry.about}." if entry else "Each square takes its color from the picture itself."


def directions(catalogue: Catalogue, name: str) -> list[tuple[str, str]]:
    """Labels and names of a generator's directions; one where there is no choice."""
    entry = catalogue.entries().get(name)
    ways = list(entry.ways) if entry else [""]
    labels = {"to_target": "To the style", "to_source": "Back again", "": "There"}
    return [(labels.get(way, way), way) for way in ways]


def palette_choices() -> list[tuple[str, str]]:
    """Labels and names of the palettes."""
    built_in = [(f"{each.title} ({len(each.colors)})", name) for name, each in palettes.named().items()]
    return [("Found for this picture", FOUND), *built_in]


def _labelled(labels: dict[str, str], known: tuple[str, ...]) -> list[tuple[str, str]]:
    """All that are known, those of a plain name by it."""
    return [(labels.get(name, name), name) for name in known]

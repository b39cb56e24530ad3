import numpy as np
import pytest

from pixelart_tf.pixelize import palette_files, palettes
from pixelart_tf.pixelize.palette import check_palette

# Numbers of different colors, as the machines' manuals and the artists give them. Of the NES's 64 codes ten are black
# and two white, which leaves 54; of 16 each the Apple II has two greys, the ZX Spectrum two blacks, and the MSX's first
# is transparent.
COUNTS = {
    "aap-64": 64, "apple-ii": 15, "arne-16": 16, "cga": 4, "cga-0": 4, "cga-0-dark": 4, "cga-1-dark": 4,
    "cga-mode-5": 4, "commodore-64": 16, "commodore-64-colodore": 16, "dawnbringer-16": 16, "dawnbringer-32": 32,
    "ega": 16, "ega-64": 64, "endesga-16": 16, "endesga-32": 32, "game-boy": 4, "game-boy-pocket": 4, "msx": 15,
    "nes": 54, "pico-8": 16, "resurrect-64": 64, "sweetie-16": 16, "zx-spectrum": 15,
}
LEVELS = ("00", "55", "aa", "ff")


def hexes(name: str) -> list[str]:
    return [bytes(color).hex() for color in palettes.get(name).colors]


def test_all_are_there():
    assert {name: len(palette.colors) for name, palette in palettes.named().items()} == COUNTS
    assert list(palettes.named()) == sorted(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_each_is_a_palette_with_its_papers(name):
    palette = palettes.named()[name]
    assert palette.name == name
    assert palette.title
    assert palette.author
    assert palette.source
    assert len(np.unique(check_palette(palette.colors), axis=0)) == len(palette.colors)


def test_known_values():
    # Lexaloffle's manual of PICO-8, in its order
    pico = "0000001d2b537e2553008751ab52365f574fc2c3c7fff1e8ff004dffa300ffec2700e43629adff83769cff77a8ffccaa"
    assert "".join(hexes("pico-8")) == pico
    # TIC-80's default palette, as its cartridges hold it
    sweetie = "1a1c2c5d275db13e53ef7d57ffcd75a7f07038b76425717929366f3b5dc941a6f673eff7f4f4f494b0c2566c86333c57"
    assert "".join(hexes("sweetie-16")) == sweetie
    # IBM's technical reference: the 16 colors of the RGBI signal, its dark yellow made brown by the monitor
    levels = [
        "".join("aa" if code >> bit & 1 else "00" for bit in (2, 1, 0)) if code < 8
        else "".join("ff" if code >> bit & 1 else "55" for bit in (2, 1, 0)) for code in range(16)
    ]
    levels[6] = "aa5500"
    assert hexes("ega") == levels
    assert set(hexes("cga")) < set(levels)
    # All combinations of four levels
    every = {red + green + blue for red in LEVELS for green in LEVELS for blue in LEVELS}
    assert set(hexes("ega-64")) == every
    # Sinclair: eight colors, full and dimmed, one black
    full = {f"{r}{g}{b}" for r in ("00", "ff") for g in ("00", "ff") for b in ("00", "ff")}
    assert set(hexes("zx-spectrum")) == full | {color.replace("ff", "d7") for color in full}


@pytest.mark.parametrize("name", ["PICO-8", "pico8", "Pico_8", "pico 8"])
def test_names_are_taken_loosely(name):
    assert palettes.get(name).name == "pico-8"


def test_unknown_names_get_a_hint():
    with pytest.raises(palette_files.PaletteError, match="no palette is called 'gamebuy'; did you mean game-boy"):
        palettes.get("gamebuy")
    with pytest.raises(palette_files.PaletteError, match=r"no palette is called 'xyz'; there are aap-64, apple-ii, .+"):
        palettes.get("xyz")


def test_nobody_can_change_them():
    with pytest.raises(ValueError, match="read-only"):
        palettes.get("ega").colors[0] = 1
    palettes.named().clear()
    assert palettes.named()


def test_the_page_shows_every_color_of_every_palette():
    page = palettes.chart()
    assert page.dtype == np.uint8
    assert page.shape[1:] == (900, 3)
    shown = set(np.unique(page.astype(int) @ [65536, 256, 1]))
    assert {int(code, 16) for name in COUNTS for code in hexes(name)} <= shown
    ink = (page < 100).all(axis=-1).any(axis=1)
    assert ink.sum() > 10 * len(COUNTS)   # lines of text
    assert (page[:10] == page[0, 0]).all()   # margins are clear
    assert (page[-10:] == page[0, 0]).all()
    assert (page[:, -10:] == page[0, 0]).all()


def test_files_are_gimp_palettes_in_the_package():
    folder = palettes.__path__[0]
    for name in COUNTS:
        assert (palette_files.read(f"{folder}/{name}.gpl") == palettes.get(name).colors).all()

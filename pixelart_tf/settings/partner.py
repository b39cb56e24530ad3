"""What is made of each target picture to learn from as a pair: the table `[data.partner]`."""

from dataclasses import dataclass

from pixelart_tf.base.checks import check_at_least, check_at_most
from pixelart_tf.settings.domain import HARD, Domain, check_block

MADE = ("drawing", "pixelated", "grey", "edges", "low_resolution")
SCALES = (2, 4, 8)
THINNEST = 2   # cells; beyond, a drawing of a sprite loses more than lines


@dataclass(frozen=True, kw_only=True)
class Partner:
    """A made partner of each target picture, to learn the way back from: the batch's `partner`.

    Args:
        made: `"drawing"`: the smooth drawing of which a native sprite could be the pixel art, in several variants.
            `"pixelated"`: means of cells. `"grey"`: luma. `"edges"`: how steep luma is, white on black.
            `"low_resolution"`: made smaller, noisy and a JPEG.
        scale: of a drawing: pixels for each cell of the sprite, 2, 4 or 8. A target that is enlarged to
            `output_size` is one pixel a cell before.
        thinner: of a drawing: by how many cells dark lines are drawn thinner than the sprite has them, one number for
            each kind of drawings that is to be there: 0 for lines as they are, 0.5 for lines of half a cell, 1.25 for
            none.
        block: of a pixelated partner: side of its cells in pixels, which must divide the size.
        factor: of a partner of low resolution: how many times smaller it is; must divide the size.
        enlarge: whether a pixelated partner, or one of low resolution, is brought back to the target's size.
        quality: of a partner of low resolution: the least and the greatest JPEG quality, drawn for each picture.
        shift: whether a drawing is moved by up to half a cell, at random.
        noise: deviation of the normal noise that is added, in units of [-1, 1].

    Raises:
        ValueError: an argument breaks its rule.
    """

    made: str
    scale: int = 4
    thinner: tuple[float, ...] = (0.0,)
    block: int = 8
    factor: int = 4
    enlarge: bool = True
    quality: tuple[int, int] = (40, 95)
    shift: bool = True
    noise: float = 0.02

    def __post_init__(self) -> None:
        for name in ("quality", "thinner"):
            if isinstance(getattr(self, name), list):   # a TOML array
                object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.made not in MADE:
            raise ValueError(f"`made` must be one of {', '.join(MADE)}. Received: {self.made!r}")
        if self.scale not in SCALES:
            raise ValueError(f"`scale` must be 2, 4 or 8. Received: {self.scale}")
        if not self.thinner or not all(0 <= cells <= THINNEST for cells in self.thinner):
            raise ValueError(f"`thinner` must be numbers from 0 to {THINNEST}. Received: {list(self.thinner)}")
        check_at_least(1, block=self.block, factor=self.factor)
        check_at_least(0, noise=self.noise)
        check_at_most(1, noise=self.noise)
        low, high = self.quality if len(self.quality) == 2 else (0, 0)
        if not 1 <= low <= high <= 100:
            raise ValueError(f"`quality` must be two numbers from 1 to 100, rising. Received: {self.quality}")

    @property
    def num_drawings(self) -> int:
        """How many drawings there are of each picture (see `data.drawings`)."""
        return sum(2 if cells else 4 for cells in self.thinner)

    def shape(self, target: Domain) -> tuple[int, int, int]:
        """(height, width, channels) of a partner.

        Raises:
            ValueError: a target that no such partner can be made of.
        """
        height, width, channels = target.shape
        if self.made == "drawing":
            native = target.crop_size
            if target.grey or target.pixelate or target.boxes:
                raise ValueError("`made` can be \"drawing\" only of a target that is neither grey nor pixelated")
            if target.final_size != native and (
                target.resize not in HARD or any(a % b for a, b in zip(target.final_size, native, strict=True))
            ):
                raise ValueError(
                    f"`made` can be \"drawing\" only of a target of one pixel a cell, or one that is enlarged by "
                    f"whole numbers with `resize = \"nearest\"`. Received: {native} and {target.final_size}"
                )
            return native[0] * self.scale, native[1] * self.scale, channels
        if self.made in ("grey", "edges"):
            return height, width, 1
        step = self.block if self.made == "pixelated" else self.factor
        if self.made == "pixelated":
            check_block((height, width), step, name="block")
        elif height % step or width % step:
            raise ValueError(f"`factor` must divide the height, {height}, and the width, {width}. Received: {step}")
        return (height, width, channels) if self.enlarge else (height // step, width // step, channels)

"""Colors as a picture's ICC profile means them -> sRGB, which all of this package takes pictures to be."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

# Kind of an image's pixels -> kinds of profiles that say what they mean, as their headers call them.
_FITTING = {"L": ("GRAY", "RGB"), "RGB": ("RGB",), "CMYK": ("CMYK",)}
_KINDS = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
_SAME = 2   # levels that a profile may be off sRGB, by rounding, and still be sRGB
# As browsers show pictures; and with no memory of the last pixel, which threads would share.
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE


def as_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB, its alpha as it is.

    Args:
        image: loaded, 8 bits a channel.
        profile: its ICC profile. Without one, or where it is sRGB's, damaged, or for another kind of pixels, the very
            image is given back.

    Returns:
        The image, or another one of mode RGB or RGBA.
    """
    if (found := _transform(profile, _channels(image))) is None:
        return image
    kind, transform = found
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    made = ImageCms.applyTransform(image.convert(kind), transform)
    if alpha is not None:
        made.putalpha(alpha)
    return made


def is_srgb(image: Image.Image) -> bool:
    """Whether the pixels of a picture that was opened mean sRGB already."""
    return _transform(image.info.get("icc_profile"), _channels(image)) is None


def _channels(image: Image.Image) -> str:
    """L, RGB or CMYK."""
    if image.mode == "CMYK":
        return "CMYK"
    return "L" if image.mode.startswith(("L", "1", "I", "F")) and image.mode != "LAB" else "RGB"


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes | None, channels: str) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """The mode that pixels must have for a profile, and what makes sRGB of them; None where nothing is to be done."""
    if not profile:
        return None
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        if space not in _FITTING[channels]:
            return None
        kind = _KINDS[space]
        transform = ImageCms.buildTransform(opened, _srgb(), kind, "RGB", renderingIntent=_INTENT, flags=_FLAGS)
        if kind == "CMYK":
            return kind, transform
        probe = _probe(kind)
        made = np.asarray(ImageCms.applyTransform(probe, transform), np.int16)
        return None if np.abs(made - np.asarray(probe.convert("RGB"))).max() <= _SAME else (kind, transform)
    except (ImageCms.PyCMSError, OSError, ValueError):   # damaged, which does not make the pixels bad
        return None


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _probe(kind: str) -> Image.Image:
    """All greys, or 9x9x9 colors."""
    if kind == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(9, 81, 3))

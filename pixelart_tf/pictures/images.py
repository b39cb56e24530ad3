"""Picture files <-> uint8 RGB arrays, and the one conversion to [-1, 1] and back.

An `image` is uint8 (H, W, 3), `images` are (B, H, W, 3). Everything here needs NumPy and Pillow only; means over
exact areas need SciPy, too.
"""

import contextlib
import io
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pixelart_tf.base import files, limits
from pixelart_tf.pictures import profiles
from pixelart_tf.pictures.opening import HAS_HEIC, HEIC, ImageError, open_picture, read_bytes

LUMA = (0.299, 0.587, 0.114)   # of red, green and blue: ITU-R BT.601
SUFFIXES = (
    ".apng", ".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm",
    ".tga", ".tif", ".tiff", ".webp", *(HEIC if HAS_HEIC else ()),
)
_ONE_AT_A_TIME = threading.RLock()
# Pillow's limit is larger than ours and only warns; `read` refuses by itself.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_FORMATS = {".bmp": "BMP", ".gif": "GIF", ".jpeg": "JPEG", ".jpg": "JPEG", ".png": "PNG", ".ppm": "PPM"}
_FORMATS |= {".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}
FITS = ("crop", "pad", "stretch")
RESAMPLE = {
    "area": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}
# EXIF orientation (tag 0x0112) -> what turns the stored picture upright; 1 is upright already.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read(path_or_bytes: str | Path | bytes, *, name: str | None = None, mode: str = "RGB") -> np.ndarray:
    """Reads a picture of any common format as 8-bit RGB.

    The EXIF orientation is applied, colors of an ICC profile become sRGB's, transparency is put over white, 16-bit,
    CMYK, grey and palette pictures become RGB, and of an animation it is the first frame.

    Args:
        path_or_bytes: a file, or the bytes of one.
        name: what an error calls the picture; the path where there is one.
        mode: `"RGB"`, or `"RGBA"` to keep the transparency.

    Returns:
        uint8 (H, W, 3), or (H, W, 4) for `"RGBA"`, writable.

    Raises:
        ImageError: nothing readable is there, the file is no picture, is cut off, or has over `limits.PICTURE_PIXELS`.
    """
    if mode not in ("RGB", "RGBA"):
        raise ValueError(f"`mode` must be 'RGB' or 'RGBA'. Received: {mode!r}")
    if isinstance(path_or_bytes, bytes):
        encoded, name = path_or_bytes, name or "picture"
    else:
        name = name or str(path_or_bytes)
        encoded = read_bytes(path_or_bytes)
    if not encoded:
        raise ImageError(f"{name}: empty file (0 bytes)")
    try:
        with open_picture(encoded) as image:
            if image.width * image.height > limits.PICTURE_PIXELS:
                raise Image.DecompressionBombError
            with alone(image.height, image.width):
                image.load()
                return np.array(_as_mode(image, mode))  # a copy: Pillow's own buffer is read-only
    except LookupError as error:
        if type(error) is not LookupError:   # of a decoder
            raise ImageError(f"{name}: damaged picture ({error})") from None
        raise ImageError(f"{name}: {error}") from None
    except Image.UnidentifiedImageError:
        raise ImageError(f"{name}: not a picture, or of an unknown format") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{name}: over {limits.PICTURE_PIXELS:,} pixels, refused as a decompression bomb") from None
    except Exception as error:  # Pillow's decoders raise SyntaxError, struct.error, IndexError, ... on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: damaged picture ({reason})") from None


def alone(height: int, width: int) -> contextlib.AbstractContextManager:
    """Within it, work on a large picture waits for that on another, of whatever thread."""
    return _ONE_AT_A_TIME if height * width > limits.LARGE_PIXELS else contextlib.nullcontext()


def _as_mode(image: Image.Image, mode: str) -> Image.Image:
    """A loaded Pillow picture -> upright 8-bit `mode`."""
    orientation, profile = 1, image.info.get("icc_profile")
    with contextlib.suppress(Exception):  # a damaged EXIF block does not make the pixels bad
        orientation = image.getexif().get(0x0112, 1)
    if image.mode.startswith(("I", "F")):
        image = _as_8_bits(image)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    image = profiles.as_srgb(image, profile)
    if image.has_transparency_data:
        if image.mode != "RGBA":
            image = image.convert("RGBA")
        if mode == "RGB":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == mode else image.convert(mode)


def _as_8_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits (0 to 65535) or of floats (0 to 1) -> "L"; Pillow's own conversion clips all above 255."""
    pixels = np.asarray(image)
    if image.mode == "F":
        if not (pixels.min() >= 0 and pixels.max() <= 1):
            raise ValueError("float pixels outside 0 to 1")
        grey = np.rint(pixels * 255)
    else:
        if pixels.min() < 0 or pixels.max() > 65535:
            raise ValueError("integer pixels outside 0 to 65535")
        grey = np.rint(pixels / 257)
    grey = Image.fromarray(grey.astype(np.uint8))
    if isinstance(transparent := image.info.get("transparency"), int):
        grey.putalpha(Image.fromarray(np.where(pixels == transparent, 0, 255).astype(np.uint8)))
    return grey


def encode(image: np.ndarray, format: str, quality: int = 95) -> bytes:
    """The bytes of a picture file.

    Args:
        image: uint8 (H, W, 3), (H, W, 1) for grey, or (H, W, 4) where the format has transparency.
        format: `"png"`, `"jpeg"`, `"webp"` (lossless), `"gif"`, `"bmp"`, `"ppm"` or `"tiff"`.
        quality: of JPEG, 1 to 100. From 90 the colors are kept at full resolution.
    """
    format = format.upper()
    if format not in _FORMATS.values():
        known = ", ".join(sorted({value.lower() for value in _FORMATS.values()}))
        raise ValueError(f"`format` must be one of {known}. Received: {format.lower()!r}")
    if not 1 <= quality <= 100:
        raise ValueError(f"`quality` must be from 1 to 100. Received: {quality}")
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (1, 3, 4):
        raise ValueError(f"`image` must be uint8 (H, W, 1, 3 or 4). Received: {image.dtype} {image.shape}")
    jpeg = {"quality": quality, "subsampling": 0 if quality >= 90 else 2}
    file = io.BytesIO()
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    picture.save(file, format, **{"JPEG": jpeg, "WEBP": {"lossless": True}}.get(format, {}))
    return file.getvalue()


def write(path: str | Path, image: np.ndarray, *, quality: int = 95) -> None:
    """Writes a picture in the format that its suffix says, under a temporary name first.

    Raises:
        ValueError: no format for this suffix, or not a uint8 image.
        OSError: the folder or the disk does not take it; names `path`.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(f"`path` must end in one of {' '.join(sorted(_FORMATS))}. Received: {str(path)!r}")
    encoded = encode(image, _FORMATS[path.suffix.lower()], quality)
    with files.replacing(path, sync=False) as temporary:   # to wait for the disk would slow thousands of pictures down
        temporary.write_bytes(encoded)


def fit(
    image: np.ndarray,
    size: int | tuple[int, int],
    *,
    how: str = "crop",
    resample: str = "lanczos",
    background: tuple[int, int, int] = (255, 255, 255),
) -> np.ndarray:
    """Brings a picture to `size`.

    Args:
        image: uint8 (H, W, 3).
        size: pixels, one number for a square or (height, width).
        how: `"crop"` cuts the middle out in the shape of `size`; `"pad"` scales the whole picture into `size` and
            fills the rest with `background`; `"stretch"` does not keep the shape.
        resample: `"lanczos"`, `"bilinear"` and `"area"` average over the pixels that they leave out, the last over
            exact areas; `"nearest"` makes no new colors. `"nearest"` with `"pad"` takes whole-number factors only, so
            that each pixel of pixel art becomes a square; the other two do where `size` is a multiple or a whole part
            of the picture's.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise ValueError(f"`size` must be positive. Received: {size}")
    if how not in FITS:
        raise ValueError(f"`how` must be one of {', '.join(FITS)}. Received: {how!r}")
    if resample not in RESAMPLE:
        raise ValueError(f"`resample` must be one of {', '.join(RESAMPLE)}. Received: {resample!r}")
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image.copy()
    if how == "stretch":
        return _resize(image, height, width, resample)
    if how == "crop":
        cut_rows = max(1, min(rows, round(columns * height / width)))
        cut_columns = max(1, min(columns, round(rows * width / height)))
        top, left = (rows - cut_rows) // 2, (columns - cut_columns) // 2
        return _resize(image[top : top + cut_rows, left : left + cut_columns], height, width, resample)
    factor = min(height / rows, width / columns)
    if resample == "nearest":
        if factor >= 1:
            inside = image.repeat(int(factor), axis=0).repeat(int(factor), axis=1)
        else:
            step = int(np.ceil(1 / factor))
            inside = image[step // 2 :: step, step // 2 :: step][:height, :width]
    else:
        inside = _resize(image, max(1, round(rows * factor)), max(1, round(columns * factor)), resample)
    padded = np.empty((height, width, image.shape[-1]), np.uint8)
    padded[:] = background
    top, left = (height - inside.shape[0]) // 2, (width - inside.shape[1]) // 2
    padded[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return padded


def _resize(image: np.ndarray, height: int, width: int, resample: str) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image.copy()
    if resample == "area":
        # Pillow's box gives a pixel on the border of two boxes to one of them, which shows where boxes are not whole.
        smaller = min(height, image.shape[0]), min(width, image.shape[1])
        if any(side % wanted for side, wanted in zip(image.shape, smaller, strict=False)):
            from pixelart_tf.pictures import areas  # SciPy takes longer to import than all else here

            image = areas.shrunk(image, smaller)
    resized = Image.fromarray(np.ascontiguousarray(image)).resize((width, height), RESAMPLE[resample])
    return np.array(resized)


def is_picture_name(name: str) -> bool:
    """Whether a file of this name is taken for a picture: by its suffix, and if it is not hidden."""
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def on_white(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3), or (H, W, 4) put over white -> uint8 (H, W, 3): what is seen."""
    if image.shape[-1] == 3 or image[..., 3].min(initial=255) == 255:
        return image[..., :3]
    alpha = image[..., 3:].astype(np.uint16)
    return ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def to_float(images: np.ndarray) -> np.ndarray:
    """uint8 0 to 255, any shape -> float32 -1 to 1: `x / 127.5 - 1`."""
    return np.asarray(images, np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """float -1 to 1, any shape -> uint8 0 to 255, rounded; what is outside is clipped, and NaN is 0.

    Undoes `to_float` exactly.
    """
    levels = np.rint((np.asarray(images, np.float32) + 1) * 127.5)
    return np.minimum(np.fmax(levels, 0), 255).astype(np.uint8)   # `clip` keeps NaN, whose cast may be any number


def grid(images: Sequence[np.ndarray], *, columns: int, scale: int = 1, margin: int = 2) -> np.ndarray:
    """A contact sheet: pictures side by side, row by row, on white.

    Args:
        images: uint8 (B, H, W, 3), or as many (H, W, 3) of one size.
        columns: pictures in a row.
        scale: whole number that each picture is enlarged by (nearest).
        margin: pixels between and around the pictures, not enlarged.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
        raise ValueError(f"`images` must be uint8 (B, H, W, 3). Received: {images.dtype} {images.shape}")
    if columns < 1 or scale < 1 or margin < 0:
        raise ValueError(f"`columns` and `scale` must be positive. Received: {columns}, {scale}, margin {margin}")
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width, channels = images.shape[1:]
    rows = -(-len(images) // columns)
    sheet_shape = (rows * (height + margin) + margin, columns * (width + margin) + margin, channels)
    sheet = np.full(sheet_shape, 255, np.uint8)
    for index, image in enumerate(images):
        top = margin + index // columns * (height + margin)
        left = margin + index % columns * (width + margin)
        sheet[top : top + height, left : left + width] = image
    return sheet

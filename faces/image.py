"""Bytes -> upright RGB pixels, with limits checked before anything large is allocated."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from faces.errors import ImageTooLarge, UnsupportedImage

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
MAX_SIDE = 32_766
"""Pixels; OpenCV resamples no image with a longer side."""
_WIDE_MODES = ("I", "F")


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a caller may ask us to decode."""

    max_bytes: int = 20 * 2**20
    max_pixels: int = 40_000_000


def decode(data: bytes, limits: ImageLimits = ImageLimits()) -> NDArray[np.uint8]:
    """Decode one still image.

    EXIF orientation is applied, transparency is laid on white, 16-bit and CMYK become 8-bit RGB.

    Returns:
        (height, width, 3) uint8, RGB.

    Raises:
        ImageTooLarge: more bytes or pixels than `limits`; known from the header, nothing decoded.
        UnsupportedImage: empty, of another format, animated, or damaged.
    """
    if not data:
        raise UnsupportedImage("The file is empty.")
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(
            f"The file has {len(data):,} bytes; at most {limits.max_bytes:,} are read."
        )
    # Pillow raises almost any exception on hostile input (struct.error, IndexError, ValueError,
    # SyntaxError ...), so this boundary to foreign code is the one place that catches them all.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_header(image, limits)
                return _upright_rgb(image)
    except (ImageTooLarge, UnsupportedImage):
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(f"At most {limits.max_pixels:,} pixels are decoded.") from error
    except Exception as error:
        raise UnsupportedImage(
            "The file is not a readable JPEG, PNG, WebP or BMP image."
        ) from error


def _check_header(image: Image.Image, limits: ImageLimits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"The image is {width} x {height}; at most {limits.max_pixels:,} pixels are decoded."
        )
    if max(width, height) > MAX_SIDE:
        raise ImageTooLarge(f"The image is {width} x {height}; no side may exceed {MAX_SIDE:,}.")
    if getattr(image, "n_frames", 1) > 1:
        raise UnsupportedImage("The image is animated; send one frame of it.")


def _upright_rgb(image: Image.Image) -> NDArray[np.uint8]:
    still: Image.Image = image
    if still.mode in _WIDE_MODES or still.mode.startswith("I;16"):
        still = _to_8_bit(still, image.getexif())
    still = ImageOps.exif_transpose(still)
    if still.has_transparency_data:
        rgba = still.convert("RGBA")
        still = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(still.convert("RGB"), dtype=np.uint8)


def _to_8_bit(image: Image.Image, exif: Image.Exif) -> Image.Image:
    """Pillow clips 16-bit greys to white when it converts them; take the high byte instead."""
    wide = np.asarray(image, dtype=np.float32)
    narrow = Image.fromarray(np.clip(wide / 257.0, 0, 255).astype(np.uint8))
    narrow.getexif().update(exif)
    return narrow

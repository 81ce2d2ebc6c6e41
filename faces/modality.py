"""The three kinds of face image that share one content space, and guessing which one it is."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from faces.locate import Face

_COLOURFUL = 5.0
_PAPER = 150.0


class Modality(StrEnum):
    """How a face image came to be: visible light, near infrared, or by an artist's hand."""

    VIS = "vis"
    NIR = "nir"
    SKETCH = "sketch"


def guess(pixels: NDArray[np.uint8], face: Face) -> Modality:
    """Guess the modality from the pixels around a face.

    Where colour differences vary, it is a photo (an even tint, of paper or of a lamp, does not);
    without colour, mostly light means lines on paper, and the rest is taken for near infrared, a
    grey photo included.

    Args:
        pixels: (height, width, 3) uint8 RGB, where `face` lies.
    """
    inside = _within(pixels, face).astype(np.float32)
    differences = np.stack([inside[..., 0] - inside[..., 1], inside[..., 1] - inside[..., 2]])
    if differences.std(axis=(1, 2)).mean() > _COLOURFUL:
        return Modality.VIS
    return Modality.SKETCH if np.median(inside) >= _PAPER else Modality.NIR


def _within(pixels: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """The face's box, or all of the image where the box lies outside it."""
    x, y, width, height = face.box
    top, left = max(int(y), 0), max(int(x), 0)
    inside = pixels[top : max(int(y + height), 0), left : max(int(x + width), 0)]
    return inside if inside.size else pixels

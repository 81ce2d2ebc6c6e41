"""Drawn faces: a black frame around grey blocks that tell who it is; and a locator for them."""

import io
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faces.locate import Face

PLACES = ((0.3, 0.38), (0.7, 0.38), (0.5, 0.58), (0.35, 0.78), (0.65, 0.78))
"""Eyes, nose tip and mouth corners as shares of a frame's side."""

BACKGROUND = 150
BLOCKS = 16


def draw(person: int, style: str = "vis", side: int = 128) -> NDArray[np.uint8]:
    """The face of a person, (side, side, 3) uint8, in a style that `faces.modality` recognises."""
    random = np.random.default_rng(person)
    grey = random.uniform(70, 250, (BLOCKS, BLOCKS))
    tint = random.uniform(-40, 40, (BLOCKS, BLOCKS))
    planes = {
        "vis": [grey + tint, grey - tint * 0.299 / 0.587, grey],  # the tint leaves luminance alone
        "nir": [0.5 * grey + 20] * 3,
        "sketch": [255 - 0.35 * (255 - grey)] * 3,
    }[style]
    blocks = np.clip(np.stack(planes, axis=2), 46, 255).round().astype(np.uint8)
    face = cv2.resize(blocks, (side, side), interpolation=cv2.INTER_NEAREST)
    edge = max(2, side // 16)
    for strip in (face[:edge], face[-edge:], face[:, :edge], face[:, -edge:]):
        strip[:] = 0
    return face


def photo(*people: int, style: str = "vis", side: int = 128, margin: int = 24) -> NDArray[np.uint8]:
    """Faces side by side on a plain background; none without people."""
    width = max(1, len(people)) * (side + margin) + margin
    image = np.full((side + 2 * margin, width, 3), BACKGROUND, np.uint8)
    for place, person in enumerate(people):
        left = margin + place * (side + margin)
        image[margin : margin + side, left : left + side] = draw(person, style, side)
    return image


def png(image: NDArray[np.generic]) -> bytes:
    return encoded(Image.fromarray(np.asarray(image)), "PNG")


def jpeg(image: NDArray[np.uint8], **options: object) -> bytes:
    return encoded(Image.fromarray(image), "JPEG", quality=92, **options)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def locate(image: NDArray[np.uint8]) -> list[Face]:
    """Obeys `faces.locate.Locator`: finds the black frames."""
    dark = (image.mean(axis=2) < 40).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    return [face for row in stats[1:count] if (face := _frame(dark, *row)) is not None]


def _frame(
    dark: NDArray[np.uint8], x: int, y: int, width: int, height: int, area: int
) -> Face | None:
    square = 0.8 < width / height < 1.25 and width >= 12
    hollow = area < 0.6 * width * height and not dark[y + height // 2, x + width // 2]
    if not (square and hollow):
        return None
    box = (float(x), float(y), float(width), float(height))
    return Face(box, np.array(_points(box), np.float32), 0.99)


def _points(box: Sequence[float]) -> list[tuple[float, float]]:
    x, y, width, height = box
    return [(x + across * width, y + down * height) for across, down in PLACES]

"""Five points -> similarity transform -> crop. The only place that resamples a face."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = Literal["grey", "rgb"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CropSpec:
    """What crop an encoder was trained on; stored in the bundle.

    `template` holds the five points (order of `faces.locate.Face`) in pixels of the crop.
    """

    size: int
    template: tuple[Point, Point, Point, Point, Point]
    colour: Colour = "grey"


def similarity_transform(
    source: NDArray[np.float32], target: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Least-squares rotation, uniform scale and shift (no reflection) from `source` to `target`.

    Both are (n, 2). Closed form of Umeyama (1991), eq. 40-43, in the plane.

    Returns:
        (2, 3) float64 matrix for `cv2.warpAffine`.

    Raises:
        ValueError: all source points coincide, so that no scale is defined.
    """
    source64, target64 = source.astype(np.float64), target.astype(np.float64)
    source_mean, target_mean = source64.mean(axis=0), target64.mean(axis=0)
    a, b = source64 - source_mean, target64 - target_mean
    spread = float((a * a).sum())
    if spread < 1e-12:
        raise ValueError("the points coincide")
    cosine = float((a * b).sum()) / spread
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, target_mean - linear @ source_mean])


def align(
    image: NDArray[np.uint8], points: NDArray[np.float32], spec: CropSpec
) -> NDArray[np.float32]:
    """Warp the face at `points` onto the template.

    Args:
        image: (height, width, 3) uint8 RGB.
        points: (5, 2) float32, pixels of `image`.

    Returns:
        (size, size) float32 in [0, 1] for grey, (size, size, 3) for rgb.
    """
    target = np.array(spec.template, dtype=np.float32)
    matrix = similarity_transform(points, target)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    image, points = _near_size(image, points, scale)
    matrix = similarity_transform(points, target)
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if spec.colour == "grey" else image
    crop = cv2.warpAffine(
        pixels,
        matrix,
        (spec.size, spec.size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return crop.astype(np.float32) / np.float32(255)


def _near_size(
    image: NDArray[np.uint8], points: NDArray[np.float32], scale: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Shrink by a whole factor first where bilinear sampling would skip pixels (aliasing)."""
    factor = int(0.75 / scale) if scale < 0.5 else 1
    height, width = image.shape[:2]
    factor = min(factor, height, width)
    if factor < 2:
        return image, points
    size = (width // factor, height // factor)
    whole = image[: size[1] * factor, : size[0] * factor]
    small = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return small, ((points + 0.5) / factor - 0.5).astype(np.float32)

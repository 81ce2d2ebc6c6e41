"""How fit a face image is: measures in the spirit of ISO/IEC 29794-5, as plain numbers."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.errors import LowQuality
from faces.locate import Face

MIN_INTER_EYE_DISTANCE = 10.0
"""Pixels. Below, a 128x128 crop is invented more than seen."""

_DARK, _BRIGHT = 10, 245


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one face. The poses are proxies from five points in a plane, not angles in space.

    None: not measured, as in templates of older versions. Occlusion is not guessed: five points say
    nothing of it.

    `inter_eye_distance`: pixels between the eyes.
    `sharpness`: variance of the Laplacian of the crop in grey levels; blur lowers it, noise and
    pencil strokes raise it.
    `under_exposure`, `over_exposure`: share of the face box that is nearly black or nearly white;
    paper is white, so the second says nothing of a sketch.
    `luminance_mean`: of the face box, 0 to 1.
    `dynamic_range`: entropy of its grey levels in bits, 0 (flat) to 8.
    `illumination_uniformity`: how alike the histograms of the crop's left and right half are, 0 to
    1: light from one side lowers it.
    `head_pose_roll`: degrees, positive where the eye on the right of the image is lower.
    `head_pose_yaw`: the nose's place between the eyes, 0 in the middle, -1 and 1 below an eye.
    `head_pose_pitch`: the nose's place between eyes and mouth, 0 in the middle, -1 at the eyes'
    height, 1 at the mouth's.
    """

    inter_eye_distance: float
    sharpness: float
    under_exposure: float
    over_exposure: float
    head_pose_roll: float
    head_pose_yaw: float
    head_pose_pitch: float
    luminance_mean: float | None = None
    dynamic_range: float | None = None
    illumination_uniformity: float | None = None


Measure = Literal[
    "inter_eye_distance",
    "sharpness",
    "under_exposure",
    "over_exposure",
    "head_pose_roll",
    "head_pose_yaw",
    "head_pose_pitch",
    "luminance_mean",
    "dynamic_range",
    "illumination_uniformity",
]

OF_PHOTOS = frozenset(
    {
        "sharpness",
        "under_exposure",
        "over_exposure",
        "luminance_mean",
        "dynamic_range",
        "illumination_uniformity",
    }
)
"""Measures of light and focus: of a drawing they say nothing."""


def assess(pixels: NDArray[np.uint8], face: Face, crop: NDArray[np.float32]) -> Quality:
    """Measure a face.

    Args:
        pixels: (height, width, 3) uint8 RGB, where `face` lies.
        crop: as `faces.align.align` makes it, so that sharpness does not depend on resolution.

    Raises:
        LowQuality: the face is too small to be encoded.
    """
    points = face.points.astype(np.float64)
    left, right, nose, mouth = points[0], points[1], points[2], points[3:].mean(axis=0)
    across = right - left
    distance = float(np.hypot(*across))
    if not distance >= MIN_INTER_EYE_DISTANCE:  # NaN is refused, too
        raise LowQuality(
            f"The eyes are {distance:.1f} pixels apart; "
            f"at least {MIN_INTER_EYE_DISTANCE:.0f} are needed."
        )
    middle = (left + right) / 2
    down = np.array([-across[1], across[0]]) / distance
    grey = _inside(pixels, face)
    return Quality(
        inter_eye_distance=distance,
        sharpness=_sharpness(crop),
        under_exposure=_share(grey <= _DARK),
        over_exposure=_share(grey >= _BRIGHT),
        head_pose_roll=float(np.degrees(np.arctan2(across[1], across[0]))),
        head_pose_yaw=_clip(2 * (nose - middle) @ across / distance**2),
        head_pose_pitch=_clip(2 * _ratio((nose - middle) @ down, (mouth - middle) @ down) - 1),
        luminance_mean=float(grey.mean()) / 255 if grey.size else 0.0,
        dynamic_range=_entropy(grey),
        illumination_uniformity=_uniformity(crop),
    )


def _inside(pixels: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """Grey levels of the face box; empty where the box lies outside the image."""
    height, width = pixels.shape[:2]
    x, y, w, h = face.box
    top, bottom = np.clip([y, y + h], 0, height).astype(int)
    left, right = np.clip([x, x + w], 0, width).astype(int)
    inside = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    if inside.size == 0:
        return np.empty((0, 0), np.uint8)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(inside), cv2.COLOR_RGB2GRAY), np.uint8)


def _share(which: NDArray[np.bool_]) -> float:
    return float(which.mean()) if which.size else 0.0


def _entropy(grey: NDArray[np.uint8]) -> float:
    shares = np.bincount(grey.ravel(), minlength=256) / max(1, grey.size)
    shares = shares[shares > 0]
    return float(max(0.0, -(shares * np.log2(shares)).sum()))


def _uniformity(crop: NDArray[np.float32]) -> float:
    """Intersection of two histograms of 16 levels."""
    grey = _grey(crop)
    half = grey.shape[1] // 2
    left, right = (
        np.histogram(side, bins=16, range=(0, 1))[0] / max(1, side.size)
        for side in (grey[:, :half], grey[:, -half:])
    )
    return float(np.minimum(left, right).sum())


def _sharpness(crop: NDArray[np.float32]) -> float:
    return float(cv2.Laplacian(_grey(crop) * np.float32(255), cv2.CV_32F).var())


def _grey(crop: NDArray[np.float32]) -> NDArray[np.float32]:
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.float32)


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if abs(whole) > 1e-6 else 0.5


def _clip(value: float) -> float:
    return float(np.clip(value, -2.0, 2.0))

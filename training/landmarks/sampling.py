"""Patches -> training inputs: the jitter of real windows, and what cameras and pens do."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.landmarks import MIRRORED, SIZE, TEMPLATE
from training.landmarks.faults import (
    Fault,
    Grey,
    Random,
    barred,
    blurred,
    compressed,
    equalised,
    noisy,
    side_lit,
    spoilt,
    toned,
)
from training.landmarks.patches import PATCH, Patches

NEGATIVE_SHARE = 0.3
REFINING_SHARE = 0.55
SKETCH_WEIGHT = 2.5
"""How much more often a real sketch is drawn than a photo, of which there are eight times more."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """`crops` (n, SIZE, SIZE) uint8; `points` (n, 5, 2) float32; `is_face` (n,) float32."""

    crops: NDArray[np.uint8]
    points: NDArray[np.float32]
    is_face: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Jitter:
    """Largest turn in degrees, factor of scale, and shift as a share of the window's side."""

    turn: float
    scale: float
    shift: float


COARSE = Jitter(turn=35, scale=1.45, shift=0.17)
"""Of a window that a rough first reading proposes."""

FINE = Jitter(turn=8, scale=1.12, shift=0.05)
"""Of a window that the first reading has put right."""


def batches(patches: Patches, size: int, random: Random) -> Iterator[Batch]:
    """Endless batches; no input ever comes twice."""
    weights = np.where(patches.is_sketch, SKETCH_WEIGHT, 1.0)
    odds = weights / weights.sum()
    while True:
        chosen = random.choice(len(odds), size, p=odds)
        samples = [_sample(patches, int(index), random) for index in chosen]
        crops, points, is_face = zip(*samples, strict=True)
        yield Batch(np.stack(crops), np.stack(points), np.array(is_face, np.float32))


def _sample(
    patches: Patches, index: int, random: Random
) -> tuple[Grey, NDArray[np.float32], float]:
    if random.random() < NEGATIVE_SHARE:
        crop = _negative(patches, index, random)
        return spoilt(crop, random, _FAULTS), TEMPLATE, 0.0
    jitter = FINE if random.random() < REFINING_SHARE else COARSE
    matrix = _window(jitter, random)
    patch, points = _mirrored(_look(patches, index, random), patches.points[index], random)
    inside = points @ matrix[:, :2].T + matrix[:, 2]
    return spoilt(_warp(patch, matrix), random, _FAULTS), inside.astype(np.float32), 1.0


def _look(patches: Patches, index: int, random: Random) -> Grey:
    look = patches.looks[index, int(random.choice(3, p=[0.5, 0.3, 0.2]))]
    return np.asarray(look, np.uint8)


def _negative(patches: Patches, index: int, random: Random) -> Grey:
    """A background, or a face so far out of its window that its points must not be believed."""
    draw = random.random()
    if draw < 0.15:
        return nothing(random)
    if draw < 0.4 and len(patches.mistakes):
        patch = patches.mistakes[int(random.integers(len(patches.mistakes)))]
        return _warp(patch, _window(FINE, random))
    if draw < 0.65 and len(patches.backgrounds):
        patch = patches.backgrounds[int(random.integers(len(patches.backgrounds)))]
        return _warp(patch, _window(Jitter(180, 1.3, 0.1), random))
    return _warp(_look(patches, index, random), _misplaced(random))


def _misplaced(random: Random) -> NDArray[np.float64]:
    """A window that holds a face, but off by clearly more than `COARSE` in place, size or turn."""
    while True:
        turn = random.uniform(-180, 180) if random.random() < 0.5 else random.uniform(-30, 30)
        scale = float(np.exp(random.uniform(np.log(0.4), np.log(4))))
        x, y = random.uniform(-0.6, 0.6, 2).tolist()
        if (
            abs(turn) > COARSE.turn + 15
            or abs(np.log(scale)) > 1.5 * np.log(COARSE.scale)
            or np.hypot(x, y) > 2 * COARSE.shift
        ):
            return _matrix(turn, scale, x, y)


def nothing(random: Random) -> Grey:
    """What a blank wall, paper, static or a pattern looks like."""
    side = int(2 ** random.uniform(1, 6))
    coarse = random.integers(0, 256, (side, side)).astype(np.uint8)
    if random.random() < 0.4:
        coarse[:] = coarse[:1] if random.random() < 0.5 else coarse[:, :1]
    way = cv2.INTER_CUBIC if random.random() < 0.7 else cv2.INTER_NEAREST
    pattern = cv2.resize(coarse, (SIZE, SIZE), interpolation=way).astype(np.float32)
    contrast, level = random.uniform(0, 1), random.uniform(0, 255)
    return np.asarray(np.clip(level + contrast * (pattern - 128), 0, 255), np.uint8)


def _window(jitter: Jitter, random: Random) -> NDArray[np.float64]:
    """Each quantity is uniform for turns, log-normal or normal (cut off) for the others."""
    turn = random.uniform(-jitter.turn, jitter.turn)
    spread = np.clip(random.normal(0, 0.5), -1, 1)
    shift = np.clip(random.normal(0, 0.5, 2), -1, 1) * jitter.shift
    return _matrix(turn, float(jitter.scale**spread), float(shift[0]), float(shift[1]))


def _matrix(turn: float, scale: float, dx: float, dy: float) -> NDArray[np.float64]:
    """Patch -> input: scale 1 and no shift give the ideal input."""
    angle, factor = np.radians(turn), SIZE / (PATCH / 2) * scale
    cosine, sine = factor * np.cos(angle), factor * np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    target = (SIZE - 1) / 2 + SIZE * np.array([dx, dy])
    return np.column_stack([linear, target - linear @ np.full(2, (PATCH - 1) / 2)])


def _warp(patch: Grey, matrix: NDArray[np.float64]) -> Grey:
    return np.asarray(
        cv2.warpAffine(
            patch, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def _mirrored(
    patch: Grey, points: NDArray[np.float32], random: Random
) -> tuple[Grey, NDArray[np.float32]]:
    if random.random() < 0.5:
        return patch, points
    swapped = points[MIRRORED].copy()
    swapped[:, 0] = PATCH - 1 - swapped[:, 0]
    return np.ascontiguousarray(patch[:, ::-1]), swapped


def _covered(crop: Grey, random: Random) -> Grey:
    """A patch in front of the face: hair, a hand, a hat, dark glasses."""
    crop = crop.copy()
    width, height = random.integers(6, 30, 2)
    if random.random() < 0.3:
        width, height = 48, int(random.integers(4, 14))
    x, y = random.integers(-8, SIZE - 4, 2)
    region = crop[max(y, 0) : y + height, max(x, 0) : x + width]
    if region.size:
        region[:] = np.clip(random.uniform(0, 255) + random.normal(0, 12, region.shape), 0, 255)
    return crop


def _inverted(crop: Grey, random: Random) -> Grey:
    return 255 - crop


def _coarse(crop: Grey, random: Random) -> Grey:
    small = int(random.integers(22, 56))
    tiny = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    way = int(random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST]))
    return np.asarray(cv2.resize(tiny, (SIZE, SIZE), interpolation=way), np.uint8)


_FAULTS: tuple[tuple[Fault, float], ...] = (
    (_covered, 0.22),
    (side_lit, 0.2),
    (barred, 0.06),
    (toned, 0.5),
    (equalised, 0.05),
    (_inverted, 0.02),
    (blurred, 0.25),
    (_coarse, 0.2),
    (noisy, 0.25),
    (compressed, 0.15),
)

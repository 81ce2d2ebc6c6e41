"""The last resort of the locator: the landmark network looks everywhere by itself."""

import numpy as np
from numpy.typing import NDArray

from faces.landmarks import LandmarkNetwork, Pyramid

MOST_WINDOWS = 700
STEP = 0.22
SHRINK = 1.5
PROMISING = 0.3
MOST_CANDIDATES = 24


def scan(pyramid: Pyramid, landmarks: LandmarkNetwork, turn: float = 0.0) -> NDArray[np.float64]:
    """Windows (m, 4) that the network rates best, from a grid of places and sizes.

    Starts with windows larger than the image, for crops without any margin, and shrinks them until
    the grid is full: bounded time, at the price of faces that are small in a large image.
    """
    windows = grid(pyramid.width, pyramid.height, turn)
    scores = landmarks.rate(pyramid, windows)
    best = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
    return windows[best[scores[best] >= PROMISING]]


def grid(width: int, height: int, turn: float = 0.0) -> NDArray[np.float64]:
    """At most `MOST_WINDOWS` windows over an image, the largest first."""
    rows: list[tuple[float, float, float, float]] = []
    side = 1.5 * min(width, height)
    while True:
        ring = [(x, y, side, turn) for y in _places(height, side) for x in _places(width, side)]
        if len(rows) + len(ring) > MOST_WINDOWS or side < 16:
            return np.array(rows or ring[:MOST_WINDOWS], dtype=np.float64)
        rows += ring
        side /= SHRINK


def _places(length: int, side: float) -> NDArray[np.float64]:
    """Centres along one axis, such that a face cut off by the border is still centred once."""
    reach = max(0.0, length - 0.6 * side)
    count = int(np.ceil(reach / (STEP * side))) + 1
    return (length - 1) / 2 + np.linspace(-reach / 2, reach / 2, count)

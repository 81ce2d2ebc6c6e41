"""Whether a face found by a long search is still there when its window is moved a little."""

import numpy as np
from numpy.typing import NDArray

from faces.align import similarity_transform
from faces.landmarks import SIZE, TEMPLATE, LandmarkNetwork, Pyramid, unmap

LEAST_SCORE = 0.97
MOST_DRIFT = 0.1
"""Of the six readings: the lowest score, and the median distance of the points in eye distances.

True faces, drawings among them, kept 0.99 and 0.07; textures of paper, rock, print and tissue that
had scored up to 0.993 at their best window failed one or the other."""

_SHAKES = (
    (0.1, 0.05, 1.15, 10.0),
    (-0.1, 0.05, 0.87, -10.0),
    (0.05, -0.1, 0.87, 10.0),
    (-0.05, -0.1, 1.15, -10.0),
    (0.0, 0.12, 1.3, 0.0),
    (0.0, -0.12, 0.77, 0.0),
)
"""Shift right and down in sides, change of size, turn in degrees."""


def holds(network: LandmarkNetwork, pyramid: Pyramid, points: NDArray[np.float32]) -> bool:
    """Whether all shaken windows around the face at `points` (5, 2) lead back to it."""
    again, scores = network(pyramid, _shaken(points))
    eyes = max(1e-6, float(np.linalg.norm(points[1] - points[0])))
    drift = np.linalg.norm(again - points, axis=2).mean(axis=1) / eyes
    return bool(scores.min() >= LEAST_SCORE and np.median(drift) <= MOST_DRIFT)


def _shaken(points: NDArray[np.float32]) -> NDArray[np.float64]:
    matrix = similarity_transform(points, TEMPLATE)
    side = SIZE / float(np.hypot(matrix[0, 0], matrix[0, 1]))
    turn = float(np.degrees(np.arctan2(matrix[0, 1], matrix[0, 0])))
    x, y = unmap(np.full((1, 2), (SIZE - 1) / 2, np.float32), matrix)[0].tolist()
    return np.array(
        [
            (x + right * side, y + down * side, side * size, turn + more)
            for right, down, size, more in _SHAKES
        ]
    )

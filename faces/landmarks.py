"""Rough windows around faces -> five points and how face-like each is, by a network of our own."""

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.align import similarity_transform
from faces.encode import open_session

SIZE = 64
"""Side of the network's square grey input, in pixels."""

TEMPLATE: NDArray[np.float32] = np.array(
    [[21.1, 20.3], [42.9, 20.3], [32.0, 32.7], [22.9, 45.5], [41.1, 45.5]], dtype=np.float32
)
"""(5, 2) points of an upright face in an ideal input, in the order of `faces.locate.Face`."""

BATCH = 64
"""Most inputs read at once, so that hundreds of windows need little memory."""

MIRRORED = [1, 0, 2, 4, 3]
"""Which point each point becomes in a mirror."""


class LandmarkNetwork:
    """The network of `training.landmarks`, run coarse to fine.

    Each window is read as it was proposed; then, turned, scaled and centred by the points that were
    found, together with its mirror image. Safe to share between threads.
    """

    def __init__(self, path: os.PathLike[str], *, threads: int = 1) -> None:
        self._session = open_session(path, threads=threads, providers=["CPUExecutionProvider"])

    def __call__(
        self, pyramid: "Pyramid", windows: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Locate the points in each window.

        Args:
            pyramid: the image.
            windows: (n, 4): centre x, centre y, side and turn in degrees; the side is that of an
                ideal input, about three times the distance of the eyes.

        Returns:
            (n, 5, 2) points in pixels of the image, and (n,) scores in [0, 1] that each is a face
            with its points in place.
        """
        if not len(windows):
            return np.empty((0, 5, 2), np.float32), np.empty(0, np.float32)
        matrices = [window_matrix(*window) for window in windows]
        coarse, _ = self._read(_crops(pyramid, matrices))
        better = [
            _onto_template(points, matrix)
            for points, matrix in zip(_placed(coarse, matrices), matrices, strict=True)
        ]
        return self._with_mirrors(pyramid, better)

    def refine(
        self, pyramid: "Pyramid", points: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read (n, 5, 2) points once more, from where they are; returns as `__call__` does.

        Raises:
            ValueError: the points of a face coincide.
        """
        if not len(points):
            return points, np.empty(0, np.float32)
        return self._with_mirrors(
            pyramid, [similarity_transform(each, TEMPLATE) for each in points]
        )

    def _with_mirrors(
        self, pyramid: "Pyramid", matrices: list[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        crops = _crops(pyramid, matrices)
        fine, scores = self._read(np.concatenate([crops, crops[:, :, ::-1]]))
        half = len(matrices)
        averaged = np.asarray((fine[:half] + mirror_points(fine[half:])) / 2, np.float32)
        both = (scores[:half] + scores[half:]) / 2
        return _placed(averaged, matrices), both.astype(np.float32)

    def rate(self, pyramid: "Pyramid", windows: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n,) scores of the windows as they are, in one reading: for mining mistakes."""
        return self._read(_crops(pyramid, [window_matrix(*window) for window in windows]))[1]

    def _read(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        points, scores = [], []
        for start in range(0, len(crops), BATCH):
            pixels = crops[start : start + BATCH, None].astype(np.float32) / np.float32(255)
            some_points, some_scores = self._session.run(None, {"crops": pixels})
            points.append(some_points)
            scores.append(some_scores)
        return np.concatenate(points), np.concatenate(scores)


class Pyramid:
    """A grey image and its halvings, so that a crop of any size skips no pixels."""

    def __init__(self, grey: NDArray[np.uint8]) -> None:
        self._levels = [grey]
        self.height, self.width = grey.shape

    def sample(
        self, matrix: NDArray[np.float64], size: tuple[int, int] = (SIZE, SIZE)
    ) -> NDArray[np.uint8]:
        """The image mapped by `matrix` (2, 3) to (width, height) `size`; its border goes on."""
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        level = self._level(int(max(0.0, -np.log2(max(scale, 1e-6)))))
        factor = 2.0**level
        shift = matrix[:, 2] + matrix[:, :2] @ np.full(2, (factor - 1) / 2)
        crop = cv2.warpAffine(
            self._levels[level],
            np.column_stack([matrix[:, :2] * factor, shift]),
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(crop, dtype=np.uint8)

    def _level(self, wanted: int) -> int:
        while len(self._levels) <= wanted and min(self._levels[-1].shape) >= 4:
            last = self._levels[-1]
            height, width = last.shape[0] // 2, last.shape[1] // 2
            even = last[: height * 2, : width * 2]
            half = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
            self._levels.append(np.asarray(half, dtype=np.uint8))
        return min(wanted, len(self._levels) - 1)


def turn_matrix(scale: float, turn: float) -> NDArray[np.float64]:
    """(2, 2) map that enlarges by `scale` and turns anticlockwise, as seen, by `turn` degrees."""
    angle = np.radians(turn)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, sine], [-sine, cosine]])


def window_matrix(x: float, y: float, side: float, turn: float) -> NDArray[np.float64]:
    """(2, 3) map from the image onto the input for one window."""
    linear = turn_matrix(SIZE / side, turn)
    middle = np.full(2, (SIZE - 1) / 2)
    return np.column_stack([linear, middle - linear @ np.array([x, y])])


def unmap(points: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n, 2) points of a crop -> of the image that `matrix` mapped onto it."""
    inverse = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
    return (points @ inverse[:, :2].T + inverse[:, 2]).astype(np.float32)


def mirror_points(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 5, 2) points of mirrored crops -> of the crops."""
    swapped = points[:, MIRRORED].copy()
    swapped[:, :, 0] = SIZE - 1 - swapped[:, :, 0]
    return swapped


def _crops(pyramid: Pyramid, matrices: list[NDArray[np.float64]]) -> NDArray[np.uint8]:
    return np.stack([pyramid.sample(matrix) for matrix in matrices])


def _placed(
    points: NDArray[np.float32], matrices: list[NDArray[np.float64]]
) -> NDArray[np.float32]:
    return np.stack([unmap(each, m) for each, m in zip(points, matrices, strict=True)])


def _onto_template(
    points: NDArray[np.float32], otherwise: NDArray[np.float64]
) -> NDArray[np.float64]:
    try:
        return similarity_transform(points, TEMPLATE)
    except ValueError:
        return otherwise

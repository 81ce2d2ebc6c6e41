"""Where a face might be: OpenCV's frontal cascade on an evened-out image of bounded size."""

import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.landmarks import Pyramid, turn_matrix, unmap

Windows = NDArray[np.float64]
"""(n, 4): see `faces.landmarks.LandmarkNetwork.__call__`."""

MODEL = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"

SMALL_SIDE = 256
"""A smaller image is enlarged to this long side: the cascade's own window has 20 pixels."""

SMALLEST_BOX = 24
WINDOW_PER_BOX = 1.07
WINDOW_DROP = 0.07
"""The ideal window is larger than the cascade's box and lies lower, as measured on photos."""


@dataclass(frozen=True, slots=True)
class Search:
    """One way to run the cascade.

    `frame` is the share of the shorter side that is added around the image, for faces without a
    margin; `turn` turns the image by so many degrees first, for tilted heads; `local` evens out
    each part of the image by itself, for faces in the dark of a bright image.
    """

    long_side: int
    frame: float = 0.0
    turn: float = 0.0
    local: bool = False
    scale_step: float = 1.15
    neighbours: int = 2


class Cascade:
    """The classifier. OpenCV's is not safe to share between threads, so each has its own."""

    def __init__(self) -> None:
        self._own = threading.local()

    def propose(self, pyramid: Pyramid, search: Search) -> Windows:
        """Windows of an image in which the cascade sees a face."""
        scale, matrix, size = _searched(pyramid.width, pyramid.height, search)
        searched = pyramid.sample(matrix, size)
        even = cv2.createCLAHE(3.0, (4, 4)).apply if search.local else cv2.equalizeHist
        boxes = self._classifier().detectMultiScale(
            even(searched),
            scaleFactor=search.scale_step,
            minNeighbors=search.neighbours,
            minSize=(SMALLEST_BOX, SMALLEST_BOX),
        )
        left, top, side, _ = np.asarray(boxes, np.float64).reshape(-1, 4).T
        x = left + side / 2 - 0.5
        y = top + side / 2 - 0.5 + WINDOW_DROP * side
        centres = unmap(np.column_stack([x, y]).astype(np.float32), matrix)
        turns = np.full(len(side), search.turn)
        return np.column_stack([centres, side * WINDOW_PER_BOX / scale, turns])

    def _classifier(self) -> cv2.CascadeClassifier:
        if not hasattr(self._own, "classifier"):
            self._own.classifier = cv2.CascadeClassifier(str(MODEL))
        classifier: cv2.CascadeClassifier = self._own.classifier
        return classifier


def _searched(
    width: int, height: int, search: Search
) -> tuple[float, NDArray[np.float64], tuple[int, int]]:
    """Scale of the searched image, the map onto it, and its (width, height)."""
    longest = max(width, height)
    scale = min(search.long_side, max(SMALL_SIDE, longest)) / longest
    border = search.frame * min(width, height)
    wanted = (scale * (width + 2 * border), scale * (height + 2 * border))
    size = (max(1, round(wanted[0])), max(1, round(wanted[1])))
    linear = turn_matrix(scale, search.turn)
    middle = (np.array(size) - 1) / 2 - linear @ ((np.array([width, height]) - 1) / 2)
    return scale, np.column_stack([linear, middle]), size

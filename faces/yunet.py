"""OpenCV's YuNet behind the same port, for those who configure its model file."""

import threading
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.errors import BundleError
from faces.locate import Face

LONG_SIDE = 640
SMALL_SIDE = 320
FRAME = 0.25
"""Share of the longer side added all around, since YuNet misses faces without a margin."""

LEAST_SCORE = 0.6
OVERLAP = 0.3
MOST_FACES = 5000


class YunetLocator:
    """A `faces.locate.Locator`. Safe to share between threads: each has its own detector."""

    def __init__(self, model: Path) -> None:
        """Raises BundleError where `model` is not a file that OpenCV can read as YuNet."""
        self._model = str(model)
        self._own = threading.local()
        if not model.is_file():
            raise BundleError(f"{model}: no YuNet model file is there.")
        self._detector()

    def __call__(self, image: NDArray[np.uint8]) -> list[Face]:
        """Faces of a (height, width, 3) uint8 RGB image, the largest first."""
        height, width = image.shape[:2]
        longest = max(height, width)
        scale = min(LONG_SIDE, max(SMALL_SIDE, longest)) / longest
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        border = int(FRAME * max(size))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        sized = cv2.cvtColor(cv2.resize(image, size, interpolation=way), cv2.COLOR_RGB2BGR)
        framed = cv2.copyMakeBorder(sized, border, border, border, border, cv2.BORDER_REPLICATE)
        detector = self._detector()
        detector.setInputSize((framed.shape[1], framed.shape[0]))
        found = detector.detect(framed)[1]
        rows = np.empty((0, 15), np.float32) if found is None else np.asarray(found, np.float32)
        ratio = np.array([width / size[0], height / size[1]], dtype=np.float32)
        faces = [_face(row, border, ratio, width, height) for row in rows]
        return sorted(
            (face for face in faces if face.box[2] > 0 and face.box[3] > 0),
            key=lambda face: face.box[2] * face.box[3],
            reverse=True,
        )

    def _detector(self) -> cv2.FaceDetectorYN:
        if not hasattr(self._own, "detector"):
            try:
                self._own.detector = cv2.FaceDetectorYN.create(
                    self._model, "", (SMALL_SIDE, SMALL_SIDE), LEAST_SCORE, OVERLAP, MOST_FACES
                )
            except cv2.error as error:
                raise BundleError(f"{self._model}: OpenCV cannot read it as YuNet.") from error
        detector: cv2.FaceDetectorYN = self._own.detector
        return detector


def _face(
    row: NDArray[np.float32], border: int, ratio: NDArray[np.float32], width: int, height: int
) -> Face:
    points = (row[4:14].reshape(5, 2) - border + 0.5) * ratio - 0.5
    left, top = (row[:2] - border) * ratio
    right, bottom = (row[:2] + row[2:4] - border) * ratio
    left, top = max(0.0, float(left)), max(0.0, float(top))
    right, bottom = min(float(width), float(right)), min(float(height), float(bottom))
    return Face((left, top, right - left, bottom - top), points.astype(np.float32), float(row[14]))

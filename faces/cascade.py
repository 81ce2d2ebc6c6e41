"""The default locator: OpenCV's frontal cascade proposes, the landmark network decides."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.align import similarity_transform
from faces.landmarks import SIZE, TEMPLATE, LandmarkNetwork, Pyramid, unmap
from faces.locate import Face
from faces.proposals import WINDOW_DROP, WINDOW_PER_BOX, Cascade, Search, Windows
from faces.scan import scan
from faces.shake import holds

SMALLEST_IMAGE = 12
FRAMED_BELOW = 256
FIRST = Search(640)
FIRST_FRAMED = Search(640, frame=0.25)
TURNED = (Search(640, frame=0.25, turn=-30.0), Search(640, frame=0.25, turn=30.0))
CLOSER = Search(1280, frame=0.25, local=True, scale_step=1.1, neighbours=1)
SCANNED_TURNS = (-45.0, 45.0)

SURE = 0.9
"""Least score of a face. Wider searches try hundreds of windows, and at the best of hundreds even
blank paper may score 0.98, so what they find must also hold when it is shaken."""


class CascadeLocator:
    """A `faces.locate.Locator`. Looks harder while it finds nothing.

    Safe to share between threads.
    """

    def __init__(self, landmarks: LandmarkNetwork) -> None:
        self._landmarks = landmarks
        self._cascade = Cascade()

    def __call__(self, image: NDArray[np.uint8]) -> list[Face]:
        """Faces of a (height, width, 3) uint8 RGB image, the largest first."""
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        if min(grey.shape) < SMALLEST_IMAGE or int(grey.min()) == int(grey.max()):
            return []
        pyramid = Pyramid(grey)
        first = FIRST_FRAMED if min(grey.shape) < FRAMED_BELOW else FIRST
        faces = self._judge(pyramid, self._cascade.propose(pyramid, first))
        wider = self._wider(pyramid)
        while not faces and (windows := next(wider, None)) is not None:
            found = self._judge(pyramid, windows)
            faces = [face for face in found if holds(self._landmarks, pyramid, face.points)]
        return faces

    def _wider(self, pyramid: Pyramid) -> Iterator[Windows]:
        yield np.concatenate([self._cascade.propose(pyramid, search) for search in TURNED])
        yield scan(pyramid, self._landmarks)
        yield self._cascade.propose(pyramid, CLOSER)
        for turn in SCANNED_TURNS:
            yield scan(pyramid, self._landmarks, turn)

    def _judge(self, pyramid: Pyramid, windows: Windows) -> list[Face]:
        points, scores = self._landmarks(pyramid, windows)
        faces = [
            face_of(each, float(score), pyramid.width, pyramid.height)
            for each, score in zip(points, scores, strict=True)
            if score >= SURE and is_a_face_shape(each)
        ]
        return sorted(distinct(faces), key=_area, reverse=True)


def face_of(points: NDArray[np.float32], score: float, width: int, height: int) -> Face:
    """A face whose square box, cut to the image, follows from its points."""
    matrix = similarity_transform(points, TEMPLATE)
    side = SIZE / float(np.hypot(matrix[0, 0], matrix[1, 0]))
    x, y = unmap(np.full((1, 2), (SIZE - 1) / 2, np.float32), matrix)[0].tolist()
    y -= WINDOW_DROP * side
    half = side / WINDOW_PER_BOX / 2
    left, top = max(0.0, x - half), max(0.0, y - half)
    right, bottom = min(float(width), x + half), min(float(height), y + half)
    return Face((left, top, max(0.0, right - left), max(0.0, bottom - top)), points, score)


def is_a_face_shape(points: NDArray[np.float32]) -> bool:
    """Whether five points could be a face: near the template after a similarity transform."""
    try:
        matrix = similarity_transform(points, TEMPLATE)
    except ValueError:
        return False
    placed = points @ matrix[:, :2].T + matrix[:, 2]
    apart = np.linalg.norm(placed - TEMPLATE, axis=1)
    return bool(apart.max() < 0.2 * SIZE and placed[1, 0] - placed[0, 0] > 0.1 * SIZE)


def distinct(faces: list[Face]) -> list[Face]:
    """The best-scored face of each group of overlapping ones."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.score, reverse=True):
        if not any(_overlap(face, other) for other in kept):
            kept.append(face)
    return kept


def _overlap(a: Face, b: Face) -> bool:
    """Whether the middle of either face's points lies within the other's box."""
    return _holds(a, b.points.mean(axis=0)) or _holds(b, a.points.mean(axis=0))


def _holds(face: Face, point: NDArray[np.float32]) -> bool:
    left, top, width, height = face.box
    return bool(left <= point[0] <= left + width and top <= point[1] <= top + height)


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]

"""The default locator: one network finds all faces in one pass, another places their points."""

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.align import similarity_transform
from faces.encode import open_session
from faces.landmarks import LandmarkNetwork, Pyramid, turn_matrix, unmap
from faces.locate import Face

STRIDES = (8, 16, 32)
"""Pixels between the cells of the network's three maps."""

TEMPLATE: NDArray[np.float32] = np.array(
    [[-0.182, -0.125], [0.182, -0.125], [0.0, 0.082], [-0.152, 0.296], [0.152, 0.296]], np.float32
)
"""(5, 2) points of an upright face, in sides of its box from the middle of its box."""

LONG_SIDE = 640
LARGE_FACES_SIDE = 224
"""Long side of the image as it is read, and read again for faces that fill it."""

TILTS = (-30.0, 30.0)
"""Degrees, for heads tilted further than the network was often taught."""

SMALLEST_IMAGE = 12
MOST_FACES = 64
MOST_CELLS = 500

WINDOW_PER_BOX = 1.07
WINDOW_DROP = 0.06
"""The landmark network's window is larger than the box, and lies lower by a share of its side."""

SUSPECT = 0.2
"""Least score of a cell whose face the landmark network shall read."""

HOPELESS = 0.3
"""A face believed in less after the first reading of its points is not read again."""

SURE = 0.97
"""Least belief of the landmark network in a face; it becomes the face's score."""

LIKELY, LIKELY_BELIEF = 0.6, 0.7
"""Where the cell itself scores `LIKELY`, less belief is asked for: two networks agree."""


class OneStageLocator:
    """A `faces.locate.Locator`. Safe to share between threads."""

    def __init__(
        self, network: os.PathLike[str], landmarks: LandmarkNetwork, *, threads: int = 1
    ) -> None:
        self._session = open_session(network, threads=threads, providers=["CPUExecutionProvider"])
        self._landmarks = landmarks

    def __call__(self, image: NDArray[np.uint8]) -> list[Face]:
        """Faces of a (height, width, 3) uint8 RGB image, the largest first.

        An image without a face is read again tilted either way, and a small one at twice its size.
        """
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        if min(grey.shape) < SMALLEST_IMAGE or int(grey.min()) == int(grey.max()):
            return []
        pyramid = Pyramid(grey)
        longest = max(grey.shape)
        scales = [min(1.0, LONG_SIDE / longest)]
        if longest > 1.2 * LARGE_FACES_SIDE:
            scales.append(LARGE_FACES_SIDE / longest)
        faces = self._faces(pyramid, [(scale, 0.0) for scale in scales])
        if not faces:
            faces = self._faces(pyramid, [(scale, turn) for scale in scales for turn in TILTS])
        if not faces and 2 * longest <= LONG_SIDE:
            faces = self._faces(pyramid, [(2.0, 0.0)])
        return faces

    def _faces(self, pyramid: Pyramid, readings: list[tuple[float, float]]) -> list[Face]:
        # The same face may come from two readings, and its better window from the less sure one,
        # so it is the landmark network's belief that chooses between them, not the cell's score.
        rough = [face for each in readings for face in distinct(self._read(pyramid, *each))]
        rough = sorted(rough, key=lambda face: face.score, reverse=True)[:MOST_FACES]
        windows = np.array([_window(face.points) for face in rough])
        points, beliefs = self._landmarks(pyramid, windows)
        hopeful = [
            index
            for index, (each, belief) in enumerate(zip(points, beliefs, strict=True))
            if belief >= HOPELESS and is_a_face_shape(each)
        ]
        points, beliefs = self._landmarks.refine(pyramid, points[hopeful])
        faces = [
            face_of(each, float(belief), pyramid.width, pyramid.height)
            for index, each, belief in zip(hopeful, points, beliefs, strict=True)
            if _is_believed(rough[index].score, float(belief)) and is_a_face_shape(each)
        ]
        return sorted(distinct(faces), key=_area, reverse=True)

    def _read(self, pyramid: Pyramid, scale: float, turn: float) -> list[Face]:
        """The face of every suspect cell, with the image read at `scale`, tilted by `turn`."""
        matrix, size = _whole_image(pyramid, scale, turn)
        pixels = pyramid.sample(matrix, size)
        images = pixels[None, None].astype(np.float32) / np.float32(255)
        cells = np.asarray(self._session.run(None, {"images": images})[0][0], np.float32)
        cells = cells[np.argsort(-cells[:, 0], kind="stable")[:MOST_CELLS]]
        suspect = cells[cells[:, 0] >= SUSPECT]
        points = unmap(suspect[:, 1:].reshape(-1, 2), matrix).reshape(-1, 5, 2)
        return [
            face_of(each, float(score), pyramid.width, pyramid.height)
            for each, score in zip(points, suspect[:, 0], strict=True)
            if is_a_face_shape(each)
        ]


def box_of(points: NDArray[np.float32]) -> tuple[float, float, float]:
    """Middle x, y and side of the square box of a face with these points.

    Raises:
        ValueError: the points coincide.
    """
    matrix = similarity_transform(points, TEMPLATE)
    x, y = unmap(np.zeros((1, 2), np.float32), matrix)[0]
    return float(x), float(y), 1 / float(np.hypot(matrix[0, 0], matrix[1, 0]))


def face_of(points: NDArray[np.float32], score: float, width: int, height: int) -> Face:
    """A face whose square box, cut to the image, follows from its points."""
    x, y, side = box_of(points)
    left, top = max(0.0, x - side / 2), max(0.0, y - side / 2)
    right, bottom = min(float(width), x + side / 2), min(float(height), y + side / 2)
    return Face((left, top, max(0.0, right - left), max(0.0, bottom - top)), points, score)


def is_a_face_shape(points: NDArray[np.float32]) -> bool:
    """Whether five points could be a face: near the template after a similarity transform."""
    try:
        matrix = similarity_transform(points, TEMPLATE)
    except ValueError:
        return False
    placed = points @ matrix[:, :2].T + matrix[:, 2]
    apart = np.linalg.norm(placed - TEMPLATE, axis=1)
    return bool(apart.max() < 0.22 and placed[1, 0] - placed[0, 0] > 0.1)


def distinct(faces: list[Face]) -> list[Face]:
    """The best-scored face of each group of overlapping ones, the best first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.score, reverse=True):
        if not any(_overlap(face, other) for other in kept):
            kept.append(face)
    return kept


def _is_believed(score: float, belief: float) -> bool:
    return belief >= SURE or (score >= LIKELY and belief >= LIKELY_BELIEF)


def _window(points: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Where the landmark network shall look: see `LandmarkNetwork.__call__`."""
    x, y, side = box_of(points)
    across = points[1] - points[0]
    turn = float(np.arctan2(across[1], across[0]))
    drop = WINDOW_DROP * side
    return (
        x - drop * float(np.sin(turn)),
        y + drop * float(np.cos(turn)),
        WINDOW_PER_BOX * side,
        float(np.degrees(turn)),
    )


def _whole_image(
    pyramid: Pyramid, scale: float, turn: float
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The map (2, 3) that shows all of an image, and how large (width, height) it then is."""
    linear = turn_matrix(scale, turn)
    width, height = np.abs(linear) @ np.array([pyramid.width, pyramid.height])
    middle = np.array([pyramid.width - 1, pyramid.height - 1]) / 2
    target = np.array([width - 1, height - 1]) / 2
    matrix = np.column_stack([linear, target - linear @ middle])
    return matrix, (_whole_cells(width), _whole_cells(height))


def _whole_cells(length: float) -> int:
    return max(1, -(-round(length) // STRIDES[-1])) * STRIDES[-1]


def _overlap(a: Face, b: Face) -> bool:
    """Whether the middle of either face's points lies within the other's box."""
    return _holds(a, b.points.mean(axis=0)) or _holds(b, a.points.mean(axis=0))


def _holds(face: Face, point: NDArray[np.float32]) -> bool:
    left, top, width, height = face.box
    return bool(left <= point[0] <= left + width and top <= point[1] <= top + height)


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]

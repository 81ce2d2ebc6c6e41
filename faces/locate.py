"""Pixels -> faces: a box, five points and a confidence for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faces.errors import Box, NoFace, SeveralFaces


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One located face, in pixels of the upright image.

    `points` is (5, 2) float32, x then y: the eye on the left of the image, the eye on the right,
    nose tip, left mouth corner, right mouth corner (left and right as seen in the image).
    """

    box: Box
    points: NDArray[np.float32]
    score: float


class Locator(Protocol):
    """Finds every face in an upright (height, width, 3) uint8 RGB image; an empty list if none."""

    def __call__(self, image: NDArray[np.uint8]) -> list[Face]:
        """All faces, the largest first."""
        ...


class FacePolicy(StrEnum):
    """Which face of an image is meant."""

    REQUIRE_SINGLE = "require_single"
    LARGEST = "largest"
    CENTERED = "centered"


def choose(faces: Sequence[Face], policy: FacePolicy, width: int, height: int) -> Face:
    """Pick the face that `policy` means in an image of `width` x `height` pixels.

    Raises:
        NoFace: there is none.
        SeveralFaces: there are several and the policy wants exactly one.
    """
    if not faces:
        raise NoFace("No face was found in the image.")
    if policy is FacePolicy.REQUIRE_SINGLE and len(faces) > 1:
        raise SeveralFaces(
            f"{len(faces)} faces were found where one is wanted.", [face.box for face in faces]
        )
    if policy is FacePolicy.CENTERED:
        return min(faces, key=lambda face: _distance_to(face.box, width / 2, height / 2))
    return max(faces, key=lambda face: face.box[2] * face.box[3])


def _distance_to(box: Box, x: float, y: float) -> float:
    left, top, width, height = box
    return float(np.hypot(left + width / 2 - x, top + height / 2 - y))

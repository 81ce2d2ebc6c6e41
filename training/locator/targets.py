"""Which cell of the network's maps answers for which face."""

import numpy as np
from numpy.typing import NDArray

from faces.onestage import STRIDES, box_of

SIDES = {8: (0.0, 64.0), 16: (40.0, 128.0), 32: (80.0, 1e9)}
"""Sides of a face's box that the map of each stride learns; a face between two belongs to both."""

REACH = 0.14
"""Cells this close to the middle of a face answer for it, in sides of its box."""

DOUBT = 0.4
"""Other cells this close need not answer either way."""

FACE, NO_FACE, EITHER = 1, 0, -1


def targets(
    points: NDArray[np.float32], sure: NDArray[np.bool_], height: int, width: int
) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.float32]]:
    """What each cell of an input (height, width) should say, in the network's order of cells.

    Returns:
        (cells,) FACE, NO_FACE or EITHER; (cells, 5, 2) points; (cells,) side of the face's box;
        both are of use where there is a FACE only.
    """
    boxes = [box_of(each) for each in points]
    levels = [_level(stride, boxes, points, sure, height, width) for stride in STRIDES]
    kinds, places, sides = zip(*levels, strict=True)
    return np.concatenate(kinds), np.concatenate(places), np.concatenate(sides)


def _level(
    stride: int,
    boxes: list[tuple[float, float, float]],
    points: NDArray[np.float32],
    sure: NDArray[np.bool_],
    height: int,
    width: int,
) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.float32]]:
    y, x = np.mgrid[: height // stride, : width // stride].astype(np.float32)
    x, y = (x.ravel() + 0.5) * stride - 0.5, (y.ravel() + 0.5) * stride - 0.5
    kinds = np.zeros(len(x), np.int8)
    places = np.zeros((len(x), 5, 2), np.float32)
    sides = np.ones(len(x), np.float32)
    least, most = SIDES[stride]
    for number in sorted(range(len(boxes)), key=lambda number: -boxes[number][2]):
        middle_x, middle_y, side = boxes[number]
        apart = np.hypot(x - middle_x, y - middle_y)
        near = (apart < DOUBT * side) & (kinds != FACE)
        kinds[near] = EITHER
        if not (sure[number] and least <= side < most):
            continue
        own = apart <= max(REACH * side, float(apart.min()) + 1e-3)
        kinds[own], places[own], sides[own] = FACE, points[number], side
    return kinds, places, sides

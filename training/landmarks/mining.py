"""Hard negatives: what an earlier network took for a face in the training images, but is none."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.align import similarity_transform
from faces.landmarks import SIZE, TEMPLATE, LandmarkNetwork, Pyramid
from training.landmarks.labels import Labels, Rows
from training.landmarks.patches import PATCH
from training.landmarks.sources import Source

SUSPECT = 0.3
MOST = 12
"""Least score of a mistake, and how many are kept of one image."""

MOST_WINDOWS = 700
STEP = 0.22
SHRINK = 1.5


def mine(
    data: Path, sources: list[Source], labels: Labels, network: LandmarkNetwork, seed: int
) -> Iterator[NDArray[np.uint8]]:
    """Patches (PATCH, PATCH) around the mistakes, turned and scaled as the network saw them.

    Images without a label are left out: they may hold a face that YuNet did not see. Half of the
    rest are turned first, since a tilted head is where mistakes win.
    """
    random = np.random.default_rng(seed)
    for source in sources:
        rows = labels.get(source.path)
        if rows is None:
            continue
        grey = np.asarray(cv2.imread(str(data / source.path), cv2.IMREAD_GRAYSCALE), np.uint8)
        centres, eyes = _middles(rows)
        if random.random() < 0.5:
            grey, centres = _turned(grey, centres, float(random.uniform(-40, 40)), random)
        yield from _mistakes(grey, centres, eyes, network, random)


def _mistakes(
    grey: NDArray[np.uint8],
    centres: NDArray[np.float64],
    eyes: NDArray[np.float64],
    network: LandmarkNetwork,
    random: np.random.Generator,
) -> Iterator[NDArray[np.uint8]]:
    pyramid = Pyramid(grey)
    windows = grid(pyramid.width, pyramid.height)
    windows = windows[random.permutation(len(windows))[: len(windows) // 2]]
    windows = windows[network.rate(pyramid, windows) > SUSPECT]
    points, scores = network(pyramid, windows)
    wrong = [
        each
        for each, score in zip(points, scores, strict=True)
        if score > SUSPECT and not _is_a_labelled_face(each, centres, eyes)
    ]
    random.shuffle(wrong)
    enlarged = TEMPLATE * (PATCH / 2 / SIZE) + PATCH / 4
    for each in wrong[:MOST]:
        yield pyramid.sample(similarity_transform(each, enlarged), (PATCH, PATCH))


def _middles(rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = rows[:, 4:14].reshape(-1, 5, 2).astype(np.float64)
    return points.mean(axis=1), np.linalg.norm(points[:, 1] - points[:, 0], axis=1)


def _is_a_labelled_face(
    points: NDArray[np.float32], centres: NDArray[np.float64], eyes: NDArray[np.float64]
) -> bool:
    """Near enough in place and size that it would be unfair to call it wrong."""
    apart = np.linalg.norm(centres - points.mean(axis=0), axis=1)
    size = float(np.linalg.norm(points[1] - points[0]))
    near = (apart < 0.8 * np.maximum(eyes, 1)) & (eyes < 2 * size) & (size < 2 * eyes)
    return bool(near.any())


def _turned(
    grey: NDArray[np.uint8],
    centres: NDArray[np.float64],
    degrees: float,
    random: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    height, width = grey.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    border = cv2.BORDER_REPLICATE if random.random() < 0.5 else cv2.BORDER_CONSTANT
    turned = cv2.warpAffine(grey, matrix, (width, height), borderMode=border)
    return np.asarray(turned, np.uint8), centres @ matrix[:, :2].T + matrix[:, 2]


def grid(width: int, height: int) -> NDArray[np.float64]:
    """At most `MOST_WINDOWS` windows over an image, the largest first."""
    rows: list[tuple[float, float, float, float]] = []
    side = 1.5 * min(width, height)
    while True:
        ring = [(x, y, side, 0.0) for y in _places(height, side) for x in _places(width, side)]
        if len(rows) + len(ring) > MOST_WINDOWS or side < 16:
            return np.array(rows or ring[:MOST_WINDOWS], dtype=np.float64)
        rows += ring
        side /= SHRINK


def _places(length: int, side: float) -> NDArray[np.float64]:
    """Centres along one axis, such that a face cut off by the border is still centred once."""
    reach = max(0.0, length - 0.6 * side)
    count = int(np.ceil(reach / (STEP * side))) + 1
    return (length - 1) / 2 + np.linspace(-reach / 2, reach / 2, count)

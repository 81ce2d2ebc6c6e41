"""What needs no training: the rows that every learnt system has to beat, on the same crops."""

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.modality import Modality
from training.evaluation.systems import GreyCrops, System, Vectors, on_crops

HOG_SIZE = 64


def floors() -> list[System]:
    """Raw pixels, HOG, and HOG of square-rooted grey values, the strongest of its kind here."""
    return [
        on_crops("pixels", pixels),
        on_crops("HOG 64x64", partial(hog_64, root=False)),
        on_crops("HOG 64x64 root", partial(hog_64, root=True)),
    ]


def pixels(crops: NDArray[np.float32], modality: Modality) -> Vectors:
    """Grey values less their mean, so that the cosine is the correlation of two crops."""
    flat = as_grey(crops).reshape(len(crops), -1)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True), dtype=np.float32)


def hog_64(crops: NDArray[np.float32], modality: Modality, *, root: bool) -> Vectors:
    """Histograms of oriented gradients of the crop, averaged over areas down to 64x64.

    OpenCV's descriptor: 9 orientations, cells of 8x8 pixels, blocks of 2x2 cells, L2-Hys; 1,764
    numbers. `root` takes the square root of the grey values first (Dalal and Triggs' gamma).
    """
    side, block, cell = (HOG_SIZE, HOG_SIZE), (16, 16), (8, 8)
    describe = cv2.HOGDescriptor(side, block, cell, cell, 9, 1, -1.0, 0, 0.2, root)
    small = [cv2.resize(crop, side, interpolation=cv2.INTER_AREA) for crop in as_grey(crops)]
    as_bytes = [np.rint(crop * 255).astype(np.uint8) for crop in small]
    return np.stack([np.ravel(describe.compute(crop)) for crop in as_bytes]).astype(np.float32)


def as_grey(crops: NDArray[np.float32]) -> GreyCrops:
    """Grey crops as they are, RGB ones turned grey."""
    if crops.ndim == 3:
        return crops
    return np.stack([cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops]).astype(np.float32)

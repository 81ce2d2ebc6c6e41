"""What needs no training: the rows that every learnt system has to beat, on the same crops."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog

from faces.modality import Modality
from training.evaluation.systems import System, Vectors, on_crops

HOG_SIZE = 64


def floors() -> list[System]:
    """Raw pixels and HOG."""
    return [on_crops("pixels", pixels), on_crops("HOG 64x64", hog_64)]


def pixels(crops: NDArray[np.float32], modality: Modality) -> Vectors:
    """Grey values less their mean, so that the cosine is the correlation of two crops."""
    flat = _grey(crops).reshape(len(crops), -1)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True), dtype=np.float32)


def hog_64(crops: NDArray[np.float32], modality: Modality) -> Vectors:
    """Histograms of oriented gradients of the crop, averaged over areas down to 64x64.

    8 orientations, cells of 8x8 pixels, blocks of 2x2 cells, L2-Hys: 1,568 numbers.
    """
    return np.stack([_hog(crop) for crop in _grey(crops)])


def _hog(crop: NDArray[np.float32]) -> Vectors:
    small = cv2.resize(crop, (HOG_SIZE, HOG_SIZE), interpolation=cv2.INTER_AREA)
    histograms = hog(
        small, orientations=8, pixels_per_cell=(8, 8), cells_per_block=(2, 2), block_norm="L2-Hys"
    )
    return np.asarray(histograms, dtype=np.float32)


def _grey(crops: NDArray[np.float32]) -> NDArray[np.float32]:
    if crops.ndim == 3:
        return crops
    return np.stack([cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops]).astype(np.float32)

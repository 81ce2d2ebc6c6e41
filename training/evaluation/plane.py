"""Two dimensions of many, for the eye: the plane of the most variance (PCA)."""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.comparisons import Floats


def principal_plane(vectors: NDArray[np.floating]) -> tuple[Floats, tuple[float, float]]:
    """(n, 2) places of (n, d) vectors, and the share of the variance along either axis.

    Each axis points so that its largest place is positive: the same vectors, the same picture.
    """
    centred = vectors - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    places = np.zeros((len(vectors), 2))
    kept = min(2, len(values))
    places[:, :kept] = left[:, :kept] * values[:kept]
    largest = places[np.abs(places).argmax(axis=0), [0, 1]]
    shares = np.zeros(2)
    total = float((values**2).sum())
    if total > 0:
        shares[:kept] = values[:kept] ** 2 / total
    return places * np.where(largest < 0, -1, 1), (float(shares[0]), float(shares[1]))

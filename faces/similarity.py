"""Cosine similarity, and what a score means: false match rate and false positive rate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Similarity in [-1, 1] of two unit vectors of shape (d,)."""
    return float(np.dot(a, b))


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Similarity -> false match rate, fitted on non-mated comparisons outside any test.

    `scores` (n,) ascending; `fmr` (n,) non-increasing: the share of non-mated comparisons with a
    score >= scores[i] (ISO/IEC 19795-1). Between two entries the larger, less flattering rate of
    the lower score holds; above the last entry the last rate holds, since fewer impostors than
    that were never measured.
    """

    scores: NDArray[np.float64]
    fmr: NDArray[np.float64]

    def fmr_of(self, score: float) -> float:
        """False match rate of the threshold `score`."""
        position = int(np.searchsorted(self.scores, score, side="right")) - 1
        return 1.0 if position < 0 else float(self.fmr[position])

    def fpir_of(self, score: float, searched: int) -> float:
        """Chance that a non-mated search of `searched` references scores >= `score` somewhere.

        FPIR = 1 - (1 - FMR)^N for independent comparisons (ISO/IEC 19795-1, B.2).
        """
        return float(-np.expm1(searched * np.log1p(-min(self.fmr_of(score), 1 - 1e-12))))

    def threshold_at_fmr(self, fmr: float) -> float:
        """Lowest tabulated score whose false match rate is at most `fmr`; inf if none is."""
        reached = np.flatnonzero(self.fmr <= fmr)
        return float(self.scores[reached[0]]) if reached.size else float("inf")

    def threshold_at_fpir(self, fpir: float, searched: int) -> float:
        """Lowest tabulated score with FPIR at most `fpir` over `searched` references."""
        if fpir >= 1:
            return self.threshold_at_fmr(1.0)
        return self.threshold_at_fmr(float(-np.expm1(np.log1p(-fpir) / max(searched, 1))))

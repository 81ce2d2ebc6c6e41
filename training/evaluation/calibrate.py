"""Non-mated scores -> the table that tells a service what a score is worth."""

import numpy as np
from numpy.typing import NDArray

from faces.bundle import CalibrationFields
from training.evaluation.metrics import RULE_OF_THREE

ROWS = 150


def calibrate(
    nonmated: NDArray[np.floating], source: str, *, rows: int = ROWS
) -> CalibrationFields:
    """Tabulate the false match rate of thresholds, evenly spaced in its logarithm.

    Every row is counted, score >= threshold, ties included. Between rows `faces.similarity`
    answers with the rate of the lower score, so that no stated rate is smaller than the share
    measured; above the last row it goes on stating that row's, the smallest that so many
    comparisons support (rule of three).

    Args:
        nonmated: similarities of different people, none of whom is tested.
        source: which comparisons these are, for whoever reads the bundle.

    Raises:
        ValueError: too few comparisons to support any rate.
    """
    descending = np.sort(np.asarray(nonmated, dtype=np.float64))[::-1]
    if descending.size <= RULE_OF_THREE:
        raise ValueError(f"{descending.size} non-mated comparisons support no false match rate")
    wanted = np.geomspace(RULE_OF_THREE, descending.size, rows).round().astype(np.intp)
    scores = np.unique(descending[wanted - 1])
    accepted = np.searchsorted(-descending, -scores, side="right")
    return CalibrationFields(
        scores=scores.tolist(), fmr=(accepted / descending.size).tolist(), source=source
    )

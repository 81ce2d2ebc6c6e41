"""Non-mated scores -> the table that tells a service what a score is worth."""

from collections.abc import Sequence

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


def calibrate_strictly(
    cohorts: Sequence[NDArray[np.floating]], source: str, *, rows: int = ROWS
) -> CalibrationFields:
    """The table of `calibrate` for whichever cohort is the worst at each rate.

    Among people of one age and one studio, strangers score higher than among people drawn at
    large, so a rate pooled over sets flatters in such a group. Each cohort has its own mean and
    deviation; what is far out in all of them together gives the shape of the tail, since no
    small cohort shows its own. A score is then stated with the rate of the cohort in which it is
    the least remarkable.

    Args:
        cohorts: non-mated similarities of each group of people photographed and drawn alike.

    Raises:
        ValueError: a cohort without comparisons, or too few of them in all.
    """
    if any(cohort.size < 2 for cohort in cohorts):
        raise ValueError("a cohort needs at least two non-mated comparisons")
    means = np.array([cohort.mean(dtype=np.float64) for cohort in cohorts])
    deviations = np.array([cohort.std(dtype=np.float64) for cohort in cohorts])
    standard = [
        (cohort - mean) / max(deviation, 1e-9)
        for cohort, mean, deviation in zip(cohorts, means, deviations, strict=True)
    ]
    tail = calibrate(np.concatenate(standard), source, rows=rows)
    scores = (means[:, None] + deviations[:, None] * np.array(tail.scores)).max(0)
    return tail.model_copy(update={"scores": scores.tolist()})

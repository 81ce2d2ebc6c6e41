"""Does a bundle's calibration hold? The FMR and FPIR it states beside those that a test shows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.similarity import Calibration
from training.evaluation.comparisons import Floats, Scores, compare, search
from training.evaluation.intervals import Interval, bootstrap
from training.evaluation.metrics import RULE_OF_THREE, fmr_at, fpir_at

STATED = tuple(float(rate) for rate in np.logspace(0, -4, 25))
SEED = 0


@dataclass(frozen=True, slots=True)
class Stated:
    """A rate that was asked for, and the share of impostors who passed the threshold given.

    `floor` is the smallest rate that so many attempts can show (rule of three).
    """

    stated: float
    observed: float
    interval: Interval | None
    floor: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Both curves of one trial; a stated rate is left out where the bundle knows no threshold."""

    trial: str
    fmr: tuple[Stated, ...]
    fpir: tuple[Stated, ...]


def reliability(trial: str, scores: Scores, calibration: Calibration) -> Reliability:
    """Take thresholds from the table as the service does, and count who passes in the test.

    The non-mated searches are the probes with their own subject taken out of the gallery.
    """
    pairs, searches = compare(scores), search(scores)
    people = len(scores.subjects)
    at_fmr = np.array([calibration.threshold_at_fmr(rate) for rate in STATED])
    at_fpir = _thresholds_at_fpir(scores, calibration)
    return Reliability(
        trial,
        fmr=_curve(
            lambda w: fmr_at(pairs.weighted(w), at_fmr), people, at_fmr, pairs.nonmated.size
        ),
        fpir=_curve(
            lambda w: fpir_at(searches.weighted(w), at_fpir),
            people,
            at_fpir.max(axis=1),
            int(searches.acquired.sum()),
        ),
    )


def _thresholds_at_fpir(scores: Scores, calibration: Calibration) -> NDArray[np.float64]:
    """(rates, probes) threshold for as many references as are searched without the own subject."""
    enrolled = scores.references[scores.reference_found]
    searched = [int((enrolled != subject).sum()) for subject in scores.probes]
    by_size = {
        size: [calibration.threshold_at_fpir(min(rate, 1 - 1e-9), size) for rate in STATED]
        for size in set(searched)
    }
    return np.array([by_size[size] for size in searched]).T


def _curve(
    observe: Callable[[Floats], Floats], people: int, thresholds: Floats, attempts: int
) -> tuple[Stated, ...]:
    if not attempts:
        return ()
    observed = observe(np.ones(people))
    intervals = bootstrap(observe, people, np.random.default_rng(SEED))
    floor = min(1.0, RULE_OF_THREE / attempts)
    return tuple(
        Stated(stated, float(share), interval, floor)
        for stated, share, interval, threshold in zip(
            STATED, observed, intervals, thresholds, strict=True
        )
        if np.isfinite(threshold)
    )

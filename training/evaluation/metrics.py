"""Recognition rates in the terms of ISO/IEC 19795-1, counted from searches and pairs.

Rates are counted, never interpolated. A rate too small for the number of comparisons is None,
'not measurable'. `training.evaluation.comparisons` says who counts as what.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.comparisons import Floats, Pairs, Searches

LOWEST = float(np.finfo(np.float64).min)
"""A threshold that every comparison passes, but no face that was not found: that scores -inf."""

RULE_OF_THREE = 3
"""ISO/IEC 19795-1, B.1.1: N comparisons without an error support a rate of 3 / N, no less."""


def cmc(searches: Searches, max_rank: int) -> Floats:
    """(max_rank,) rank-k identification rates for k = 1 .. max_rank (closed set)."""
    within = np.minimum(searches.rank, max_rank + 1).astype(np.intp)
    counts = np.bincount(within, searches.weight, minlength=max_rank + 2)[1 : max_rank + 1]
    return _rate(np.cumsum(counts), searches.weight.sum())


def threshold_at_fmr(nonmated: NDArray[np.floating], fmr: float) -> float:
    """Lowest threshold whose false match rate, score >= threshold, is at most `fmr`.

    Equal scores pass or fail together, so the rate reached may be smaller, never larger. The lowest
    number there is when even accepting everything stays within `fmr`.
    """
    descending = np.sort(np.asarray(nonmated, dtype=np.float64))[::-1]
    return float(_thresholds(descending, np.cumsum(np.ones(descending.size)), [fmr])[0])


def _thresholds(descending: Floats, accepted: Floats, rates: Sequence[float]) -> Floats:
    """As `threshold_at_fmr`; `accepted[i]` is the weight of the scores up to and with i."""
    if not descending.size:
        return np.full(len(rates), LOWEST)
    allowed = np.searchsorted(accepted / accepted[-1], rates, side="right")
    first_refused = descending[np.minimum(allowed, descending.size - 1)]
    return np.where(allowed < descending.size, np.nextafter(first_refused, np.inf), LOWEST)


def is_measurable(rate: float, comparisons: int) -> bool:
    """Whether so many comparisons support an error rate as small as `rate` (rule of three)."""
    return rate * comparisons >= RULE_OF_THREE


def vr_at_fmr(pairs: Pairs, fmrs: Sequence[float]) -> list[float | None]:
    """Verification rates, 1 - FNMR with FTA counted as non-match, at FMR <= each of `fmrs`."""
    accepted = np.cumsum(pairs.nonmated_weight)
    if not pairs.mated.size or not accepted.size or accepted[-1] == 0:
        return [None for _ in fmrs]
    thresholds = _thresholds(pairs.nonmated, accepted, fmrs)
    rates = _share_at_least(pairs.mated, pairs.mated_weight, thresholds)
    return _measurable(rates, fmrs, accepted.size)


def _measurable(values: Floats, rates: Sequence[float], comparisons: int) -> list[float | None]:
    return [
        float(value) if is_measurable(rate, comparisons) else None
        for value, rate in zip(values, rates, strict=True)
    ]


def eer(pairs: Pairs) -> float | None:
    """Equal error rate: the least, over all thresholds, of the larger of FMR and FNMR."""
    if not pairs.mated_weight.any() or not pairs.nonmated_weight.any():
        return None
    # Between two mated scores FNMR stands still while FMR falls, so the minimum is at one of them;
    # above the highest nothing is accepted: FMR 0, FNMR 1.
    curve = _curve(pairs, np.unique(pairs.mated[np.isfinite(pairs.mated)]))
    return float(np.maximum(curve.fmr, 1 - curve.vr).min(initial=1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """FMR and verification rate at each `threshold`, ascending."""

    threshold: Floats
    fmr: Floats
    vr: Floats


def roc(pairs: Pairs) -> Roc:
    """The whole curve: one point per distinct finite score."""
    return _curve(
        pairs, np.unique(np.concatenate([pairs.mated[np.isfinite(pairs.mated)], pairs.nonmated]))
    )


def _curve(pairs: Pairs, thresholds: Floats) -> Roc:
    vr = _share_at_least(pairs.mated, pairs.mated_weight, thresholds)
    return Roc(thresholds, fmr_at(pairs, thresholds), vr)


def _share_at_least(values: Floats, weights: Floats, thresholds: Floats) -> Floats:
    """Share of `values`, by weight, that are >= each threshold."""
    descending = np.argsort(-values, kind="stable")
    return _share_above(values[descending], weights[descending], thresholds)


def _share_above(descending: Floats, weights: Floats, thresholds: Floats) -> Floats:
    """As `_share_at_least`, of values that are sorted already."""
    accepted = np.concatenate([[0.0], np.cumsum(weights)])
    return _rate(accepted[np.searchsorted(-descending, -thresholds, side="right")], accepted[-1])


def fmr_at(pairs: Pairs, thresholds: Floats) -> Floats:
    """Share of non-mated comparisons that score >= each threshold; NaN without any."""
    return _share_above(pairs.nonmated, pairs.nonmated_weight, thresholds)


def fpir_at(searches: Searches, thresholds: NDArray[np.floating]) -> Floats:
    """Share of non-mated searches whose best candidate scores >= its threshold.

    `thresholds` is (k, p): one a rate and search, since a service's threshold depends on how many
    references are searched.
    """
    weight = np.where(searches.acquired, searches.weight, 0.0)
    passed = (searches.nonmated >= thresholds).astype(np.float64)
    return _rate(passed @ weight, weight.sum())


def fnir_at_fpir(searches: Searches, fpirs: Sequence[float]) -> list[float | None]:
    """Open-set false-negative identification rates at rank 1, at FPIR <= each of `fpirs`.

    A mated search fails when its subject is not first, or scores below the threshold. The
    non-mated searches are the same probes with their own subject taken out of the gallery.
    """
    order = np.argsort(-searches.nonmated, kind="stable")
    order = order[searches.acquired[order]]
    accepted = np.cumsum(searches.weight[order])
    if not accepted.size or accepted[-1] == 0:
        return [None for _ in fpirs]
    thresholds = _thresholds(searches.nonmated[order], accepted, fpirs)
    returned = np.where(searches.hits(1), searches.mated, -np.inf)
    rates = 1 - _share_at_least(returned, searches.weight, thresholds)
    return _measurable(rates, fpirs, accepted.size)


def d_prime(pairs: Pairs) -> float | None:
    """Decidability: distance of the mean mated and non-mated scores in pooled deviations."""
    took_place = np.isfinite(pairs.mated)
    if took_place.sum() < 2 or pairs.nonmated.size < 2:
        return None
    mated_mean, mated_var = _moments(pairs.mated[took_place], pairs.mated_weight[took_place])
    other_mean, other_var = _moments(pairs.nonmated, pairs.nonmated_weight)
    pooled = np.sqrt((mated_var + other_var) / 2)
    return float((mated_mean - other_mean) / pooled) if pooled > 0 else None


def _moments(values: Floats, weights: Floats) -> tuple[float, float]:
    total = weights.sum()
    mean = float(_rate(values @ weights, total))
    return mean, float(_rate((values - mean) ** 2 @ weights, total))


def _rate(part: Floats | np.float64, total: np.float64) -> Floats:
    """`part / total`, NaN where a draw holds nobody who could be counted."""
    return np.asarray(np.divide(part, total) if total > 0 else np.full_like(part, np.nan))

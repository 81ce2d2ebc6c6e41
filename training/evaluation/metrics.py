"""Recognition rates in the terms of ISO/IEC 19795-1, counted from similarity scores.

Conventions, everywhere in this file:

* A comparison is accepted when its score is >= the threshold.
* Ties cost us: another subject that scores the same as the probe's own goes before it.
* A probe whose face was not found (failure to acquire, FTA) is a miss at every rank and a false
  non-match at every threshold; it is never counted as a correctly rejected impostor.
* Rates are counted, never interpolated. A rate too small for the number of comparisons is None,
  'not measurable'.
* Every search and pair has a weight, 1 at first. `weighted` gives other ones, one number per
  subject: with the counts of a draw with replacement, the same functions then measure a bootstrap
  sample of people (`training.evaluation.intervals`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Names = NDArray[np.str_]

MISS = int(np.iinfo(np.int64).max)
"""Rank of a probe that finds its own subject at no rank."""

RULE_OF_THREE = 3
"""ISO/IEC 19795-1, B.1.1: N comparisons without an error support a rate of 3 / N, no less."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Every probe compared with every reference template.

    `similarity` is (p, r); `probes` (p,) and `references` (r,) hold subject ids; the masks are
    False where no face was found (FTA of a probe, failure to enrol of a reference), and what
    `similarity` says there is ignored.

    Raises:
        ValueError: shapes that do not fit, or a similarity that is not a finite number.
    """

    similarity: NDArray[np.floating]
    probes: Names
    references: Names
    probe_found: Mask
    reference_found: Mask

    def __post_init__(self) -> None:
        """Refuse what would give a wrong figure."""
        if self.similarity.shape != (len(self.probes), len(self.references)):
            raise ValueError(
                f"similarity is {self.similarity.shape} for {len(self.probes)} probes "
                f"and {len(self.references)} references"
            )
        if self.probe_found.shape != self.probes.shape:
            raise ValueError("probe_found needs one entry a probe")
        if self.reference_found.shape != self.references.shape:
            raise ValueError("reference_found needs one entry a reference")
        if not np.isfinite(self.similarity[np.ix_(self.probe_found, self.reference_found)]).all():
            raise ValueError("a similarity is not a finite number")

    @property
    def subjects(self) -> Names:
        """Every subject once, sorted: what a position in `weighted`'s argument stands for."""
        return np.unique(np.concatenate([self.probes, self.references]))


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """One closed-set identification search per probe, all against the same gallery.

    `subject` (p,) indexes `Scores.subjects`; `rank` (p,) is `MISS` where the own subject is never
    found; `mated` is the best score of the probe's own subject, `nonmated` that of anyone else
    (-inf where there is none). `acquired` is False for an FTA.
    """

    subject: Indices
    rank: NDArray[np.int64]
    mated: Floats
    nonmated: Floats
    acquired: Mask
    weight: Floats

    def hits(self, rank: int = 1) -> Mask:
        """Which probes find their own subject among the first `rank` candidates."""
        return self.rank <= rank

    def weighted(self, people: Floats) -> "Searches":
        """The same searches, each as often as its person."""
        return replace(self, weight=people[self.subject])


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """One verification attempt per probe and reference template.

    `mated` (m,) with `mated_subject` (m,), -inf where a face was not found; `nonmated` (n,) in
    DESCENDING order with `nonmated_subjects` (2, n), comparisons that took place only.
    """

    mated: Floats
    mated_subject: Indices
    mated_weight: Floats
    nonmated: Floats
    nonmated_subjects: Indices
    nonmated_weight: Floats

    def weighted(self, people: Floats) -> "Pairs":
        """The same pairs; one of two people is there as often as both of them together."""
        first, second = self.nonmated_subjects
        return replace(
            self,
            mated_weight=people[self.mated_subject],
            nonmated_weight=people[first] * people[second],
        )


def search(scores: Scores) -> Searches:
    """Search the gallery once per probe; the best template of a subject stands for it.

    Raises:
        ValueError: a probe's subject has no reference, so that the set is not closed.
    """
    names, column = np.unique(scores.references, return_inverse=True)
    strangers = np.setdiff1d(scores.probes, names)
    if strangers.size:
        raise ValueError(f"not a closed set: no reference of {', '.join(strangers[:3])}")
    best = _best_per_subject(scores, column)
    own = np.searchsorted(names, scores.probes)
    each = np.arange(len(scores.probes))
    mated = best[each, own]
    rank = (best >= mated[:, None]).sum(axis=1)
    others = best.copy()
    others[each, own] = -np.inf
    return Searches(
        subject=np.searchsorted(scores.subjects, scores.probes),
        rank=np.where(np.isfinite(mated), rank, MISS),
        mated=mated,
        nonmated=others.max(axis=1),
        acquired=scores.probe_found,
        weight=np.ones(len(scores.probes)),
    )


def _best_per_subject(scores: Scores, column: Indices) -> Floats:
    """(p, subjects with a reference) best score; -inf where a face was not found."""
    found = scores.probe_found[:, None] & scores.reference_found[None, :]
    similarity = np.where(found, scores.similarity, -np.inf).astype(np.float64)
    order = np.argsort(column, kind="stable")
    starts = np.searchsorted(column[order], np.arange(column.max() + 1))
    return np.asarray(np.maximum.reduceat(similarity[:, order], starts, axis=1))


def compare(scores: Scores) -> Pairs:
    """Take every cell of the similarity matrix as one verification attempt."""
    subjects = scores.subjects
    rows, columns = (np.searchsorted(subjects, n) for n in (scores.probes, scores.references))
    took_place = scores.probe_found[:, None] & scores.reference_found[None, :]
    same = rows[:, None] == columns[None, :]
    similarity = np.where(took_place, scores.similarity, -np.inf).astype(np.float64)
    row, column = np.nonzero(~same & took_place)
    nonmated = similarity[row, column]
    descending = np.argsort(-nonmated, kind="stable")
    return Pairs(
        mated=similarity[same],
        mated_subject=rows[np.nonzero(same)[0]],
        mated_weight=np.ones(same.sum()),
        nonmated=nonmated[descending],
        nonmated_subjects=np.stack([rows[row], columns[column]])[:, descending],
        nonmated_weight=np.ones(nonmated.size),
    )


def cmc(searches: Searches, max_rank: int) -> Floats:
    """(max_rank,) rank-k identification rates for k = 1 .. max_rank (closed set)."""
    within = np.minimum(searches.rank, max_rank + 1).astype(np.intp)
    counts = np.bincount(within, searches.weight, minlength=max_rank + 2)[1 : max_rank + 1]
    return _rate(np.cumsum(counts), searches.weight.sum())


def threshold_at_fmr(nonmated: NDArray[np.floating], fmr: float) -> float:
    """Lowest threshold whose false match rate, score >= threshold, is at most `fmr`.

    Equal scores pass or fail together, so the rate reached may be smaller, never larger. -inf
    when even accepting everything stays within `fmr`.
    """
    descending = np.sort(np.asarray(nonmated, dtype=np.float64))[::-1]
    return _threshold(descending, np.cumsum(np.ones(descending.size)), fmr)


def _threshold(descending: Floats, accepted: Floats, rate: float) -> float:
    """As `threshold_at_fmr`; `accepted[i]` is the weight of the scores up to and with i."""
    if not descending.size:
        return -np.inf
    allowed = int(np.searchsorted(accepted / accepted[-1], rate, side="right"))
    return -np.inf if allowed >= accepted.size else float(np.nextafter(descending[allowed], np.inf))


def is_measurable(rate: float, comparisons: int) -> bool:
    """Whether so many comparisons support an error rate as small as `rate` (rule of three)."""
    return rate * comparisons >= RULE_OF_THREE


def vr_at_fmr(pairs: Pairs, fmrs: Sequence[float]) -> list[float | None]:
    """Verification rates, 1 - FNMR with FTA counted as non-match, at FMR <= each of `fmrs`."""
    accepted = np.cumsum(pairs.nonmated_weight)
    if not pairs.mated.size or not accepted.size or accepted[-1] == 0:
        return [None for _ in fmrs]
    return [
        _vr(pairs, _threshold(pairs.nonmated, accepted, fmr))
        if is_measurable(fmr, accepted.size)
        else None
        for fmr in fmrs
    ]


def _vr(pairs: Pairs, threshold: float) -> float:
    # -inf accepts every comparison, but a face that was not found is no comparison.
    accepted = (pairs.mated >= threshold) & np.isfinite(pairs.mated)
    return float(_rate(pairs.mated_weight[accepted].sum(), pairs.mated_weight.sum()))


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
    ascending = np.argsort(pairs.mated, kind="stable")
    vr = _share_at_least(pairs.mated[ascending], pairs.mated_weight[ascending], thresholds)
    fmr = _share_at_least(pairs.nonmated[::-1], pairs.nonmated_weight[::-1], thresholds)
    return Roc(thresholds, fmr, vr)


def _share_at_least(ascending: Floats, weights: Floats, thresholds: Floats) -> Floats:
    below = np.concatenate([[0.0], np.cumsum(weights)])
    at_least = below[-1] - below[np.searchsorted(ascending, thresholds, side="left")]
    return _rate(at_least, below[-1])


def fnir_at_fpir(searches: Searches, fpir: float) -> float | None:
    """Open-set false-negative identification rate at rank 1, at FPIR <= `fpir`.

    A mated search fails when its subject is not first, or scores below the threshold. The
    non-mated searches are the same probes with their own subject taken out of the gallery.
    """
    if not is_measurable(fpir, int(searches.acquired.sum())):
        return None
    order = np.argsort(-searches.nonmated, kind="stable")
    order = order[searches.acquired[order]]
    accepted = np.cumsum(searches.weight[order])
    if accepted[-1] == 0:
        return None
    threshold = _threshold(searches.nonmated[order], accepted, fpir)
    returned = searches.hits(1) & (searches.mated >= threshold)
    return float(_rate(searches.weight[~returned].sum(), searches.weight.sum()))


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

"""Scores of every probe with every reference -> searches and verification attempts.

Conventions of the whole package:

* A comparison is accepted when its score is >= the threshold.
* Ties cost us: another subject that scores the same as the probe's own goes before it.
* A probe whose face was not found (failure to acquire, FTA) is a miss at every rank and a false
  non-match at every threshold; it is never counted as a correctly rejected impostor. A reference
  without a face (failure to enrol, FTE) can be found by nobody.
* Every search and pair has a weight, 1 at first. `weighted` gives other ones, one number per
  subject: with the counts of a draw with replacement, the same functions then measure a bootstrap
  sample of people (`training.evaluation.intervals`).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Names = NDArray[np.str_]

MISS = int(np.iinfo(np.int64).max)
"""Rank of a probe that finds its own subject at no rank."""


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

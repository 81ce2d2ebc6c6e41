"""A probe against the mean of each subject's templates, though no mean is kept anywhere.

The score of a mean, made unit length again, is the sum of its templates' scores over the length of
their sum. So only that length is kept, one number a subject, and nothing of whom was erased.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.adapters.index_view import REMOVED, View, nearest
from service.core.gallery import Hit
from service.core.ports import Found

_AT_ONCE = 4_096
"""Subjects whose templates are added up at once."""

_NO_LENGTH = 1e-6
"""Templates that cancel out have no mean: its score is 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """What goes with the rows of a view as it was at one moment.

    `templates` and `owners` (rows,) are copies of the view's; `groups` (rows,) the place of each
    row's subject in `subjects` (m,), which ascend. `counts` and `lengths` (m,) are of the subject's
    templates that were there.
    """

    templates: NDArray[np.int64]
    owners: NDArray[np.int64]
    groups: NDArray[np.int64]
    subjects: NDArray[np.int64]
    counts: NDArray[np.int64]
    lengths: NDArray[np.float64]

    @classmethod
    def of(cls, view: View) -> "Means":
        """Those of a view, from nothing."""
        templates, owners = view.templates[: view.used].copy(), view.subjects[: view.used].copy()
        subjects, groups = np.unique(owners, return_inverse=True)
        none = np.zeros(len(subjects))
        made = cls(templates, owners, groups, subjects, none.astype(np.int64), none)
        return made._measured(view, np.arange(len(subjects)))

    def brought_to(self, view: View) -> "Means":
        """Those of a later view: only subjects of which something came or went are measured."""
        templates, owners = view.templates[: view.used].copy(), view.subjects[: view.used].copy()
        rows = len(self.templates)
        went = np.flatnonzero(templates[:rows] != self.templates[: len(templates)])
        if (
            len(templates) < rows
            or np.any(templates[went] != REMOVED)
            or not np.array_equal(owners[:rows], self.owners)
        ):
            return Means.of(view)  # its rows were closed up
        touched = np.unique(np.concatenate((owners[went], owners[rows:])))
        fresh = np.setdiff1d(touched, self.subjects, assume_unique=True)
        if len(fresh) and len(self.subjects) and fresh[0] < self.subjects[-1]:
            return Means.of(view)
        subjects = np.concatenate((self.subjects, fresh))
        groups = np.concatenate((self.groups, np.searchsorted(subjects, owners[rows:])))
        none = np.zeros(len(fresh))
        counts = np.concatenate((self.counts, none.astype(np.int64)))
        lengths = np.concatenate((self.lengths, none))
        made = Means(templates, owners, groups, subjects, counts, lengths)
        return made._measured(view, np.searchsorted(subjects, touched)) if len(touched) else made

    def search(
        self, view: View, vector: NDArray[np.float32], k: int, among: NDArray[np.int64] | None
    ) -> Found | None:
        """At least the k nearest subjects, each by its most similar template; or all of them.

        None where a template was removed from the view meanwhile: its lengths do not hold any more.
        """
        scores, templates = view.compared(vector, np.arange(len(self.templates)))
        if not np.array_equal(templates, self.templates):
            return None
        fused = self._fused(np.where(templates == REMOVED, 0, scores))
        meant = self.counts > 0
        if among is not None:
            meant &= np.isin(self.subjects, among)
        places = np.flatnonzero(meant)
        best = places[nearest(fused[places], k)]
        stand_for = self._most_similar(best, scores)
        hits = [
            Hit(int(template), min(1.0, float(fused[place])))
            for place, template in zip(np.sort(best), stand_for, strict=True)
        ]
        return Found(hits, len(places))

    def _fused(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32: two subjects of the same templates in another order are equal."""
        sums = np.bincount(self.groups, weights=scores, minlength=len(self.subjects))
        has_mean = self.lengths > _NO_LENGTH
        fused = np.divide(sums, self.lengths, out=np.zeros(len(sums)), where=has_mean)
        return fused.astype(np.float32)

    def _most_similar(
        self, places: NDArray[np.intp], scores: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """The template of each of these subjects, in ascending order, that is most similar."""
        chosen = np.zeros(len(self.subjects), bool)
        chosen[places] = True
        rows = np.flatnonzero(chosen[self.groups] & (self.templates != REMOVED))
        rows = rows[np.lexsort((self.templates[rows], -scores[rows]))]
        _, first = np.unique(self.groups[rows], return_index=True)
        return self.templates[rows[first]]

    def _measured(self, view: View, places: NDArray[np.intp]) -> "Means":
        """With the counts and lengths of these subjects as they are now."""
        counts, lengths = self.counts.copy(), self.lengths.copy()
        there = self.groups[self.templates != REMOVED]
        counts[places] = np.bincount(there, minlength=len(self.subjects))[places]
        lengths[places] = counts[places] > 0  # a single template has unit length
        several = places[counts[places] > 1]
        for start in range(0, len(several), _AT_ONCE):
            some = several[start : start + _AT_ONCE]
            lengths[some] = self._lengths(view, some)
        return replace(self, counts=counts, lengths=lengths)

    def _lengths(self, view: View, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """Length of the sum of the templates of each of these subjects, which have some."""
        chosen = np.zeros(len(self.subjects), bool)
        chosen[places] = True
        rows = np.flatnonzero(chosen[self.groups] & (self.templates != REMOVED))
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        _, starts = np.unique(self.groups[rows], return_index=True)
        sums = np.add.reduceat(view.vectors[rows].astype(np.float64), starts, axis=0)
        return np.asarray(np.linalg.norm(sums, axis=1), np.float64)

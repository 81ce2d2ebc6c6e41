"""A gallery's vectors in memory: one block that only grows, which searches read without a lock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import faiss
import numpy as np
from numpy.typing import NDArray

from service.core.gallery import Change, Hit
from service.core.ports import Found

_SPARE = 16
REMOVED = -1


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a search sees; rows below `used` never move, those beyond may be written meanwhile.

    `vectors` (capacity, d) float32, `templates` and `subjects` (capacity,) int64. A removed row is
    a zero vector of template -1; `removed` counts them. (A `faiss.IndexFlatIP` must not be searched
    while something is added to it.)
    """

    vectors: NDArray[np.float32]
    templates: NDArray[np.int64]
    subjects: NDArray[np.int64]
    used: int = 0
    removed: int = 0

    @classmethod
    def empty(cls, dimension: int) -> "View":
        """Nothing yet."""
        numbers = np.empty(0, np.int64)
        return cls(np.empty((0, dimension), np.float32), numbers, numbers)

    def search(
        self, vector: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None
    ) -> Found:
        """At least the k nearest rows that are not removed, or all of them.

        With `among`, only rows of these subjects exist.
        """
        if among is not None:
            return self._search_among(vector, k, among)
        fetch = k + _SPARE
        while True:
            fetch = min(fetch, self.used)
            hits = self._nearest(vector, fetch) if fetch else []
            if len(hits) >= k or fetch == self.used:
                return Found(hits, self.used - self.removed)
            fetch *= 4

    def with_added(self, added: Sequence[Change]) -> "View":
        """This view and more rows, in the same memory while there is room."""
        used = self.used + len(added)
        view = self
        if used > len(self.templates):
            view = self._moved(slice(0, self.used), capacity=max(used, used * 3 // 2))
        view.vectors[self.used : used] = [change.vector for change in added]
        view.templates[self.used : used] = [change.template for change in added]
        view.subjects[self.used : used] = [change.subject for change in added]
        return replace(view, used=used)

    def without(self, gone: Sequence[int]) -> "View":
        """This view with rows blanked where they lie."""
        rows = np.flatnonzero(np.isin(self.templates[: self.used], gone))
        self.templates[rows] = REMOVED
        self.vectors[rows] = 0
        return replace(self, removed=self.removed + len(rows))

    def closed_up(self) -> "View":
        """This view in new memory, without its removed rows."""
        kept = self.kept()
        return replace(self._moved(kept, capacity=len(kept)), used=len(kept), removed=0)

    def kept(self) -> NDArray[np.intp]:
        """The rows that are not removed."""
        return np.flatnonzero(self.templates[: self.used] != REMOVED)

    def _moved(self, rows: slice | NDArray[np.intp], *, capacity: int) -> "View":
        vectors = np.empty((capacity, self.vectors.shape[1]), np.float32)
        templates, subjects = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
        kept = self.templates[rows]
        vectors[: len(kept)], templates[: len(kept)] = self.vectors[rows], kept
        subjects[: len(kept)] = self.subjects[rows]
        return replace(self, vectors=vectors, templates=templates, subjects=subjects)

    def _search_among(self, vector: NDArray[np.float32], k: int, among: NDArray[np.int64]) -> Found:
        meant = np.flatnonzero(np.isin(self.subjects[: self.used], among))
        scores, templates = self.compared(vector, meant)
        here = np.flatnonzero(templates != REMOVED)
        best = here[nearest(scores[here], k)]
        hits = [Hit(int(templates[row]), min(1.0, float(scores[row]))) for row in best]
        return Found(hits, len(here))

    def compared(
        self, vector: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores of these rows, equal to the bit for equal vectors; and then their templates.

        In this order: a row that is blanked meanwhile is told by its template.
        """
        scores = np.empty(len(rows), np.float32)
        if len(rows):
            pointers = [faiss.swig_ptr(one) for one in (scores, vector, self.vectors, rows)]
            faiss.fvec_inner_products_by_idx(*pointers, len(vector), 1, len(rows))  # type: ignore[attr-defined]
        return scores, self.templates[rows]

    def _nearest(self, vector: NDArray[np.float32], fetch: int) -> list[Hit]:
        scores, rows = faiss.knn(
            vector[None], self.vectors[: self.used], fetch, metric=faiss.METRIC_INNER_PRODUCT
        )
        return [
            Hit(int(template), min(1.0, float(score)))
            for template, score in zip(self.templates[rows[0]], scores[0], strict=True)
            if template != REMOVED
        ]


def nearest(scores: NDArray[np.floating], k: int) -> NDArray[np.intp]:
    """Where the k greatest scores are, in no order; all of them where there are no more."""
    if k >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(scores, len(scores) - k)[len(scores) - k :]

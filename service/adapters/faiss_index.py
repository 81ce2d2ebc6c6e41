"""The vector index: exact search by FAISS in one block of vectors a gallery, level with the log."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import faiss
import numpy as np
from numpy.typing import NDArray

from service.core.gallery import Change, Hit
from service.core.ports import Found, Log

PAGE = 5_000
_SPARE = 16
_REMOVED = -1


class FaissIndex:
    """Obeys `service.core.ports.Index`.

    `page` log entries are applied at once, and as many removed rows put up with in any gallery.
    """

    def __init__(self, dimension: int, page: int = PAGE) -> None:
        self._dimension = dimension
        self._page = page
        self._shelves: dict[int, Shelf] = {}
        self._opening = threading.Lock()

    def catch_up(self, log: Log, gallery: int) -> None:
        """See `Index`."""
        head = log.head(gallery)
        shelf = self._shelf(log, gallery)
        if shelf.applied >= head:
            return
        with shelf.applying:
            while shelf.applied < head:
                changes = log.changes(gallery, shelf.applied, self._page)
                if not changes:  # the gallery has been deleted since
                    return
                shelf.apply(changes)

    def search(self, gallery: int, vector: NDArray[np.float32], k: int) -> Found:
        """See `Index`."""
        shelf = self._shelves.get(gallery)
        return Found([], 0) if shelf is None else shelf.view.search(vector, k)

    def forget(self, gallery: int) -> None:
        """See `Index`."""
        self._shelves.pop(gallery, None)

    def _shelf(self, log: Log, gallery: int) -> "Shelf":
        shelf = self._shelves.get(gallery)
        if shelf is not None:
            return shelf
        with self._opening:
            self._drop_deleted(log)
            return self._shelves.setdefault(gallery, Shelf(self._dimension, self._page))

    def _drop_deleted(self, log: Log) -> None:
        """Let go of galleries that another process has deleted."""
        for other, shelf in list(self._shelves.items()):
            if shelf.applied and not log.head(other):
                self.forget(other)


class Shelf:
    """One gallery's vectors. Searches take the current view without a lock; one thread applies.

    (A `faiss.IndexFlatIP` must not be searched while something is added to it.)
    """

    def __init__(self, dimension: int, put_up_with: int) -> None:
        self.applied = 0
        self.applying = threading.Lock()
        self.view = View(np.empty((0, dimension), np.float32), np.empty(0, np.int64))
        self._put_up_with = put_up_with

    def apply(self, changes: Sequence[Change]) -> None:
        """Bring the next entries of the log in; the caller holds `applying`."""
        added = [change for change in changes if change.vector is not None]
        gone = [change.template for change in changes if change.vector is None]
        if added:
            self.view = self.view.with_added(added)
        if gone:
            self.view = self.view.without(gone)
            if self.view.removed > max(self._put_up_with, self.view.used // 4):
                self.view = self.view.closed_up()
        self.applied = changes[-1].seq


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a search sees; rows below `used` never move, those beyond may be written meanwhile.

    `vectors` (capacity, d) float32, `templates` (capacity,) int64. A removed row is a zero vector
    of template -1; `removed` counts them.
    """

    vectors: NDArray[np.float32]
    templates: NDArray[np.int64]
    used: int = 0
    removed: int = 0

    def search(self, vector: NDArray[np.float32], k: int) -> Found:
        """At least the k nearest rows that are not removed, or all of them."""
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
        return replace(view, used=used)

    def without(self, gone: Sequence[int]) -> "View":
        """This view with rows blanked where they lie."""
        rows = np.flatnonzero(np.isin(self.templates[: self.used], gone))
        self.templates[rows] = _REMOVED
        self.vectors[rows] = 0
        return replace(self, removed=self.removed + len(rows))

    def closed_up(self) -> "View":
        """This view in new memory, without its removed rows."""
        kept = np.flatnonzero(self.templates[: self.used] != _REMOVED)
        return replace(self._moved(kept, capacity=len(kept)), used=len(kept), removed=0)

    def _moved(self, rows: slice | NDArray[np.intp], *, capacity: int) -> "View":
        vectors = np.empty((capacity, self.vectors.shape[1]), np.float32)
        templates = np.empty(capacity, np.int64)
        kept = self.templates[rows]
        vectors[: len(kept)], templates[: len(kept)] = self.vectors[rows], kept
        return replace(self, vectors=vectors, templates=templates)

    def _nearest(self, vector: NDArray[np.float32], fetch: int) -> list[Hit]:
        scores, rows = faiss.knn(
            vector[None], self.vectors[: self.used], fetch, metric=faiss.METRIC_INNER_PRODUCT
        )
        return [
            Hit(int(template), min(1.0, float(score)))
            for template, score in zip(self.templates[rows[0]], scores[0], strict=True)
            if template != _REMOVED
        ]

"""The vector index: exact search by FAISS in one block of vectors a gallery, level with the log."""

import threading
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from service import metrics
from service.adapters.index_shelf import Level, Shelf
from service.adapters.index_view import View
from service.adapters.snapshots import Snapshots
from service.core.gallery import Mark
from service.core.gallery_settings import Fusion
from service.core.ports import Found, Log, Standing

PAGE = 5_000


class FaissIndex:
    """Obeys `service.core.ports.Index`.

    `page` log entries are applied at once, and as many removed rows put up with in any gallery.
    With `snapshots`, a gallery that is opened begins with what lies there.
    """

    def __init__(
        self, dimension: int, page: int = PAGE, snapshots: Snapshots | None = None
    ) -> None:
        self._dimension = dimension
        self._page = page
        self._snapshots = snapshots
        self._shelves: dict[int, Shelf] = {}
        self._opening = threading.Lock()

    def catch_up(self, log: Log, gallery: int) -> None:
        """See `Index`."""
        with metrics.stage("catch_up"):
            shelf = self._shelf(log, gallery)
            if shelf.level.applied != log.head(gallery):
                shelf.catch_up(log, gallery)

    def search(
        self,
        gallery: int,
        vector: NDArray[np.float32],
        k: int,
        *,
        fusion: Fusion = Fusion.BEST,
        among: Sequence[int] | None = None,
    ) -> Found:
        """See `Index`."""
        shelf = self._shelves.get(gallery)
        if shelf is None:
            return Found([], 0)
        with metrics.stage("search"):
            chosen = None if among is None else np.array(among, np.int64)
            return shelf.search(vector, k, fusion, chosen)

    def standing(self) -> Mapping[int, Standing]:
        """See `Index`."""
        levels = {gallery: shelf.level for gallery, shelf in list(self._shelves.items())}
        return {
            gallery: Standing(level.view.used - level.view.removed, level.applied)
            for gallery, level in levels.items()
        }

    def forget(self, gallery: int) -> None:
        """See `Index`."""
        self._shelves.pop(gallery, None)

    def refresh(self, log: Log) -> None:
        """See `Index`."""
        marks = self._forget_deleted(log)
        for gallery, shelf in list(self._shelves.items()):
            mark = marks.get(gallery)
            if mark is not None and shelf.level.applied != mark.head:
                shelf.catch_up(log, gallery)
            if self._snapshots is not None:
                self._snapshots.save_if_due(log, gallery, shelf.level)
        if self._snapshots is not None:
            self._snapshots.sweep(log)

    def save(self, log: Log) -> None:
        """See `Index`."""
        for gallery, shelf in list(self._shelves.items()):
            if self._snapshots is not None:
                self._snapshots.save(log, gallery, shelf.level)

    def _shelf(self, log: Log, gallery: int) -> Shelf:
        with self._opening:
            shelf = self._shelves.get(gallery)
            if shelf is None:
                self._forget_deleted(log)
                shelf = Shelf(self._start(log, gallery), self._page)
                self._shelves[gallery] = shelf
            return shelf

    def _start(self, log: Log, gallery: int) -> Level:
        saved = self._snapshots and self._snapshots.load(log, gallery)
        return saved or Level(View.empty(self._dimension))

    def _forget_deleted(self, log: Log) -> Mapping[int, Mark]:
        """Let go of galleries that another process has deleted; where do the others stand?"""
        held = list(self._shelves)
        marks = log.marks(held) if held else {}
        for gallery in held:
            if gallery not in marks:
                self.forget(gallery)
        return marks

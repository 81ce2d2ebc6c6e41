"""One gallery's place in the index: a view, and how far along the log it is."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.adapters.index_means import Means
from service.adapters.index_view import View
from service.core.gallery import Changes
from service.core.gallery_settings import Fusion
from service.core.ports import Found, Log


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A view that holds what the log says up to `applied`.

    `floor` is that of the log when the view was begun: entries up to it were complete then, though
    `applied` may not have reached it yet.
    """

    view: View
    applied: int = 0
    floor: int = 0

    def can_take(self, changes: Changes) -> bool:
        """Whether these entries bring it level.

        They do not where removals that it has not seen were compacted away, nor where its numbers
        are those of another history (the database was restored from a backup).
        """
        if self.applied == 0:
            return True
        return self.applied <= changes.head and changes.floor <= max(self.floor, self.applied)

    def taking(self, changes: Changes, put_up_with: int) -> "Level":
        """With the next entries; more than `put_up_with` removed rows are closed up."""
        added = [change for change in changes.entries if change.vector is not None]
        gone = [change.template for change in changes.entries if change.vector is None]
        view = self.view.with_added(added) if added else self.view
        if gone:
            view = view.without(gone)
            if view.removed > max(put_up_with, view.used // 4):
                view = view.closed_up()
        floor = self.floor if self.applied else changes.floor
        return Level(view, changes.applied, floor)


class Shelf:
    """Searches take the current level without a lock; one thread at a time brings it forward.

    `page` entries are applied at once, and as many removed rows put up with.
    """

    def __init__(self, start: Level, page: int) -> None:
        self.level = start
        self._page = page
        self._applying = threading.Lock()
        self._means: Means | None = None
        self._measuring = threading.Lock()

    def search(
        self,
        vector: NDArray[np.float32],
        k: int,
        fusion: Fusion,
        among: NDArray[np.int64] | None,
    ) -> Found:
        """See `Index`."""
        if fusion is Fusion.BEST:
            return self.level.view.search(vector, k, among)
        while True:
            view, means = self._measured()
            found = means.search(view, vector, k, among)
            if found is not None:
                return found

    def _measured(self) -> tuple[View, Means]:
        """The current view and its means, which are first made when somebody needs them."""
        with self._measuring:
            view, known = self.level.view, self._means
            means = Means.of(view) if known is None else known.brought_to(view)
            self._means = means
            return view, means

    def catch_up(self, log: Log, gallery: int) -> None:
        """Apply the rest of the log; what cannot be brought level is built anew beside it."""
        with self._applying:
            level, anew = self.level, False
            while True:
                changes = log.changes(gallery, level.applied, self._page)
                if not level.can_take(changes):
                    level, anew = Level(View.empty(level.view.vectors.shape[1])), True
                    continue
                level = level.taking(changes, self._page)
                if changes.is_last or not anew:
                    self.level = level
                if changes.is_last:
                    return

"""What goes on beside requests: the index is loaded at the start and kept level, the log short."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from service.core.errors import Busy
from service.core.gallery import Model
from service.core.ports import Index, Store
from service.core.rounds import Rounds

PERIOD = 2.0
"""Seconds between two rounds: for as long, an idle process may hold what another has erased."""

EXPIRY = 60.0
"""Seconds between two looks for templates that galleries keep no longer."""

log = logging.getLogger("null_face")


class Upkeep:
    """A thread that begins with every gallery of the model, and goes round until it is closed.

    `clock` tells what time it is to whatever is kept for a time. `coming` tells which galleries are
    being made for the model: the index has them at the switch.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        model: Model,
        period: float = PERIOD,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        coming: Callable[[Model], Sequence[int]] = lambda model: (),
    ) -> None:
        self._coming = coming
        self._store = store
        self._index = index
        self._model = model
        self._clock = clock
        self._expired = -EXPIRY
        self._loaded = False
        self._rounds = Rounds(
            "upkeep",
            self.round,
            period,
            waits="the index waits for the database",
            failed="the upkeep of the index failed",
        )

    def start(self) -> None:
        """Begin, unless it has begun."""
        self._rounds.start()

    def close(self) -> None:
        """Stop, and leave a head start for the next process."""
        if not self._rounds.close():
            return
        try:
            self._index.save(self._store)
        except Busy as error:
            log.warning("no head start is left behind: %s", error.detail)

    def check(self) -> None:
        """Raises Busy until the index is loaded."""
        if not self._loaded:
            raise Busy("The index is being loaded.")

    def round(self) -> None:
        """One round; the first one loads everything."""
        if not self._loaded:
            self._load()
            self._loaded = True
        for gallery in self._coming(self._model):
            self._index.catch_up(self._store, gallery)
        self._index.refresh(self._store)
        self._store.tidy()
        if time.monotonic() - self._expired >= EXPIRY:
            self._store.expire(self._clock())
            self._expired = time.monotonic()

    def _load(self) -> None:
        after: int | None = 0
        while after is not None:
            page = self._store.galleries(after, limit=1000)
            for gallery in page.items:
                if gallery.model.identity == self._model.identity:
                    self._index.catch_up(self._store, gallery.id)
            after = page.after

"""A thread that does one thing again and again, beside requests."""

import logging
import threading
from collections.abc import Callable

from service.core.errors import Busy

log = logging.getLogger("null_face")


class Rounds:
    """Goes round until it is closed, whatever a round raises; may be started again after that.

    `over` is set once the thread is to end: a long round looks at it, and waits on it where it
    would sleep.
    """

    def __init__(
        self, name: str, go_round: Callable[[], None], period: float, *, waits: str, failed: str
    ) -> None:
        """Make it, not running yet.

        Args:
            name: of the thread.
            period: seconds between two rounds.
            waits: what the log says when a round meets a busy database.
            failed: what it says of any other exception.
        """
        self.over = threading.Event()
        self._name = name
        self._go_round = go_round
        self._period = period
        self._waits = waits
        self._failed = failed
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread is None:
            self.over.clear()
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def close(self) -> bool:
        """Wait for the end of the round at hand; False where nothing was running."""
        if self._thread is None:
            return False
        self.over.set()
        self._thread.join()
        self._thread = None
        return True

    def _run(self) -> None:
        while True:
            try:
                self._go_round()
            except Busy as error:
                log.warning("%s: %s", self._waits, error.detail)
            except Exception:  # a thread that ends would do so unseen
                log.exception(self._failed)
            if self.over.wait(self._period):
                return

"""Many photos, several at a time: submit, wait, try again, stop in good order."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from service.cli.errors import PHOTO_CODES, Refused, Unreachable
from service.cli.patience import BrokenOff, patiently
from service.cli.photos import Photo
from service.core.gallery import subject_id_objection

ENROLLED = "enrolled"
DUPLICATE = "duplicate"

Send = Callable[[Photo], str]
"""Enrols one photo; a warning, or ""; raises Refused, TryAgain or Unreachable."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo: `enrolled`, `duplicate` (was there already) or a refusal's code.

    `detail` is why it was refused, or what to know of one that is enrolled; mostly "".
    `earlier`: in a run before this one.
    """

    photo: Photo
    code: str
    detail: str = ""
    earlier: bool = False

    @property
    def refused(self) -> bool:
        """Whether the gallery now lacks this photo."""
        return self.code not in (ENROLLED, DUPLICATE)


def enroll_all(
    photos: Sequence[Photo], send: Send, *, at_once: int, stop: threading.Event
) -> Iterator[Outcome]:
    """Send every photo, `at_once` in flight; outcomes come as they become known.

    Once `stop` is set nothing new is sent, and the outcomes of what is in flight still come.

    Raises:
        CommandError: what no other photo would survive either; what is in flight is finished first.
    """
    waiting = iter(photos)
    flying: set[Future[Outcome | None]] = set()
    with ThreadPoolExecutor(at_once) as pool:
        while True:
            while len(flying) < at_once and not stop.is_set():
                photo = next(waiting, None)
                if photo is None:
                    break
                flying.add(pool.submit(_one, photo, send, stop))
            if not flying:
                return
            landed, flying = wait(flying, return_when=FIRST_COMPLETED)
            for future in landed:
                outcome = future.result()
                if outcome is not None:
                    yield outcome


def _one(photo: Photo, send: Send, stop: threading.Event) -> Outcome | None:
    """The photo's outcome; None where `stop` came while it waited for another try."""
    objection = subject_id_objection(photo.subject_id)
    if objection:
        return Outcome(photo, "invalid_subject_id", f"The subject's id {objection}.")
    try:
        warning = patiently(lambda: send(photo), wait=stop.wait, also=Unreachable)
    except BrokenOff:
        return None
    except Refused as error:
        if error.code not in PHOTO_CODES:
            raise
        return Outcome(photo, error.code, error.detail)
    except OSError as error:
        return Outcome(photo, "unreadable_file", str(error.strerror or error))
    return Outcome(photo, ENROLLED, warning)

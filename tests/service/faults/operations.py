"""What clients do while workers are killed. A new operation is one more small class in the list.

An operation says in the ledger what it is about to do, does it, and says that it was acknowledged.
It may be cut off anywhere: by a transport error, which ends its client, or by `busy`.
"""

from collections.abc import Sequence
from typing import Protocol

import httpx
from desk import Desk
from drawn import jpeg, photo
from ledger import Ledger

SIDE = 64


def picture(number: int, style: str = "vis") -> bytes:
    return jpeg(photo(number, style=style, side=SIDE))


class Operation(Protocol):
    """One thing that a client asks for."""

    def __call__(self, desk: Desk, ledger: Ledger) -> None:
        """Ask for it; return once it is acknowledged, or refused as `busy`."""


class Enrol:
    """A new subject with some photos."""

    def __init__(self, photos: int) -> None:
        self._photos = photos

    def __call__(self, desk: Desk, ledger: Ledger) -> None:
        name, first = ledger.new()
        numbers = tuple(range(first, first + self._photos))
        ledger.attempt(name, numbers)
        answer = desk.enroll(name, *map(picture, numbers))
        if is_done(answer, 201):
            assert len(answer.json()["templates"]) == self._photos
            ledger.acknowledge(name, numbers)


class Erase:
    """A subject, with all that is known of it."""

    def __call__(self, desk: Desk, ledger: Ledger) -> None:
        taken = ledger.take()
        if taken is None:
            return
        name, _ = taken
        ledger.attempt(name, ())
        if is_done(desk.client.delete(desk.at("subjects", name)), 204):
            ledger.acknowledge(name, ())


class EraseTemplate:
    """The first of a subject's two templates."""

    def __call__(self, desk: Desk, ledger: Ledger) -> None:
        taken = ledger.take(photos=(2,))
        if taken is None:
            return
        name, numbers = taken
        subject = desk.client.get(desk.at("subjects", name))
        if not is_done(subject, 200):
            return
        first = subject.json()["templates"][0]["template_id"]
        ledger.attempt(name, numbers[1:])
        if is_done(desk.client.delete(desk.at("templates", first)), 204):
            ledger.acknowledge(name, numbers[1:])


OPERATIONS: Sequence[Operation] = (Enrol(1), Enrol(2), Erase(), EraseTemplate())


def is_done(answer: httpx.Response, status: int) -> bool:
    """False where the service was busy; no other refusal is expected."""
    if answer.status_code == 503 and answer.json()["code"] == "busy":
        return False
    assert answer.status_code == status, answer.text
    return True

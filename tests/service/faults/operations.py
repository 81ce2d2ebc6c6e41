"""What clients do while workers are killed. A new operation is one more small class in the list.

An operation says in the ledger what it is about to do, does it, and says that it was acknowledged.
It may be cut off anywhere: by a transport error, which ends its client, or by `busy`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import httpx
from desk import Desk
from drawn import jpeg, photo
from ledger import Ledger
from uploads import Upload

SIDE = 64
SUBJECTS = 3
"""In an import."""


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


class Search:
    """Whoever is surely there is found, whatever else goes on."""

    def __call__(self, desk: Desk, ledger: Ledger) -> None:
        taken = ledger.take()
        if taken is None:
            return
        name, numbers = taken
        answer = desk.identify(picture(numbers[0]), modality="vis", top_k=1)
        if is_done(answer, 200):
            assert [one["subject_id"] for one in answer.json()["candidates"]] == [name]
        ledger.know(name, numbers)


class Import:
    """New subjects with two photos each, in the background; `then` comes while that goes on."""

    def __init__(self, then: "Then | None" = None) -> None:
        self._then = then

    def __call__(self, desk: Desk, ledger: Ledger) -> None:
        subjects = [ledger.new() for _ in range(SUBJECTS)]
        files = {
            f"{name}/{number}.jpg": (name, number)
            for name, first in subjects
            for number in (first, first + 1)
        }
        for name, first in subjects:
            for outcome in ((first,), (first + 1,), (first, first + 1)):
                ledger.attempt(name, outcome)
        images = [picture(number) for _, number in files.values()]
        upload = Upload.of(subjects[0][0], files, images)
        ledger.uploads.append(upload)
        answer = upload.send(desk)
        if not is_done(answer, 202):
            return
        upload.job_id = answer.json()["job_id"]
        ledger.count()
        if self._then is not None and _has_begun(desk, upload):
            self._then(desk, ledger, upload)


Then = Callable[[Desk, Ledger, Upload], None]


def erase_the_first(desk: Desk, ledger: Ledger, upload: Upload) -> None:
    """It must not come back, though a photo of it may still wait for its turn."""
    name = upload.names[0]
    upload.doubtful.add(name)
    answer = desk.client.delete(desk.at("subjects", name))
    if answer.status_code == 404:  # not enrolled yet: nothing is erased
        upload.doubtful.remove(name)
    elif is_done(answer, 204):
        upload.erased.add(name)
        ledger.count()


def cancel(desk: Desk, ledger: Ledger, upload: Upload) -> None:
    """Nothing more may be enrolled once that is answered."""
    upload.may_be_cancelled = True
    answer = desk.client.delete(f"/jobs/{upload.job_id}")
    if is_done(answer, 200):
        upload.cancelled_at = answer.json()["enrolled"]
        ledger.count()


def _has_begun(desk: Desk, upload: Upload) -> bool:
    """Wait a while for the first file."""
    for _ in range(20):
        answer = desk.client.get(f"/jobs/{upload.job_id}")
        if is_done(answer, 200) and answer.json()["done"]:
            return True
        time.sleep(0.02)
    return False


OPERATIONS: Sequence[Operation] = (
    *(Enrol(1), Enrol(2), Erase(), EraseTemplate()),
    *(Import(), Import(erase_the_first), Import(cancel), Search()),
)


def is_done(answer: httpx.Response, status: int) -> bool:
    """False where the service was busy; no other refusal is expected."""
    if answer.status_code == 503 and answer.json()["code"] == "busy":
        return False
    assert answer.status_code == status, answer.text
    return True

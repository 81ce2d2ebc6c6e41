"""What the clients were told: which subjects there must be, and where nobody can know."""

import threading
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uploads import Upload

Photos = tuple[int, ...]
"""The people on a subject's photos, by number; none: there is no such subject."""


class Ledger:
    """Each subject's possible states: one, or several after a request that got no answer.

    Whoever works on a subject takes it out, so that its states follow from one request at a time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0
        self.possible: dict[str, set[Photos]] = {}
        self._taken: set[str] = set()
        self.acknowledged = 0
        self.uploads: list[Upload] = []
        """Imports of which nobody knows yet how they ended."""

    def new(self) -> tuple[str, int]:
        """A subject that there is not, taken; and the first of a hundred numbers of its own."""
        with self._lock:
            self._next += 1
            name = f"subject-{self._next}"
            self.possible[name] = {()}
            self._taken.add(name)
            return name, self._next * 100

    def take(self, photos: Collection[int] = (1, 2)) -> tuple[str, Photos] | None:
        """Some subject that is surely there with so many photos, and that nobody else works on."""
        with self._lock:
            for name, states in self.possible.items():
                if name in self._taken or len(states) != 1:
                    continue
                [known] = states
                if len(known) in photos:
                    self._taken.add(name)
                    return name, known
        return None

    def attempt(self, name: str, outcome: Photos) -> None:
        """A request that may lead to `outcome` is about to leave."""
        with self._lock:
            self.possible[name].add(outcome)

    def acknowledge(self, name: str, outcome: Photos) -> None:
        """It was answered: nothing else is possible any more."""
        self.know(name, outcome)
        self.count()

    def count(self) -> None:
        """A request was acknowledged."""
        with self._lock:
            self.acknowledged += 1

    def know(self, name: str, outcome: Photos) -> None:
        """Nothing else is possible, by what the service says."""
        with self._lock:
            self.possible[name] = {outcome}
            self._taken.discard(name)

    def settle(self, there: dict[str, int]) -> None:
        """Compare with how many photos of each subject are `there`; that ends every doubt."""
        with self._lock:
            strangers = there.keys() - self.possible.keys()
            assert not strangers, f"nobody enrolled {strangers}"
            for name, states in self.possible.items():
                count = there.get(name, 0)
                match = {photos for photos in states if len(photos) == count}
                assert match, f"{name} has {count} photos, and should have one of {states}"
                self.possible[name] = match
            self._taken.clear()

    def held(self) -> list[tuple[str, int]]:
        """Every subject and number that is there, or may be where all is not settled."""
        with self._lock:
            return [
                (name, number)
                for name, states in self.possible.items()
                for photos in states
                for number in photos
            ]

    def erased(self, latest: int) -> list[int]:
        """Numbers of the `latest` subjects of which nothing is there any more."""
        gone = [name for name, states in self.possible.items() if states == {()}]
        return [int(name.removeprefix("subject-")) * 100 for name in gone[-latest:]]

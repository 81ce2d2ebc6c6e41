"""kill -9 in the middle of enrolments: everything that was acknowledged is there afterwards."""

import contextlib
import random
import threading
import time
from pathlib import Path

import httpx
import pytest
import serving
from desk import Desk
from drawn import photo, png

from faces.bundle import Bundle


class Client(threading.Thread):
    """Enrols one person after the other, and erases some, until the service is gone."""

    def __init__(self, url: str, numbers: range) -> None:
        super().__init__()
        self.url, self.numbers = url, numbers
        self.acknowledged: dict[str, int] = {}
        self.erased: set[str] = set()
        self.in_doubt: set[str] = set()

    def run(self) -> None:
        with (
            contextlib.suppress(httpx.TransportError),
            httpx.Client(base_url=self.url, timeout=30) as client,
        ):
            desk = Desk(client, "default")
            for number in self.numbers:
                self.acknowledged[desk.enroll_person(number)] = number
                if number % 5 == 4:
                    self.erase(desk, number - 1)

    def erase(self, desk: Desk, number: int) -> None:
        name = f"person-{number}"
        self.in_doubt.add(name)
        assert desk.client.delete(desk.at("subjects", name)).status_code == 204
        self.in_doubt.remove(name)
        self.erased.add(name)


def enroll_until_killed(process: serving.Process, number: int) -> list[Client]:
    """Three clients at once, cut off soon after some of their enrolments were acknowledged."""
    starts = (number * 10_000 + offset for offset in (0, 1000, 2000))
    clients = [Client(process.url, range(start, start + 1000)) for start in starts]
    for client in clients:
        client.start()
    enough = random.randint(1, 25)
    while sum(len(client.acknowledged) for client in clients) < enough:
        assert any(client.is_alive() for client in clients), "every client failed"
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.02))
    process.kill()
    for client in clients:
        client.join()
    return clients


def check(process: serving.Process, clients: list[Client]) -> int:
    """Look for everybody; gives how many were looked for."""
    looked = 0
    with httpx.Client(base_url=process.url, timeout=60) as http:
        desk = Desk(http, "default")
        for client in clients:
            for name, number in client.acknowledged.items():
                if name in client.in_doubt:
                    continue
                looked += 1
                there = http.get(desk.at("subjects", name)).status_code == 200
                found = name in desk.found(png(photo(number)), min_score=0.98)
                expected = name not in client.erased
                assert (there, found) == (expected, expected), name
    return looked


def rounds(count: int, tmp_path: Path, bundle: Bundle) -> None:
    """Start, look for what the round before left, enrol, kill; at the end look for everybody."""
    everybody: list[Client] = []
    latest: list[Client] = []
    for number in range(count + 1):
        process = serving.start(f"sqlite:///{tmp_path}/gallery.db", bundle.folder, tmp_path / "log")
        try:
            serving.wait_until_ready(process)
            check(process, latest)
            if number < count:
                latest = enroll_until_killed(process, number)
                everybody += latest
            else:
                looked = check(process, everybody)
        finally:
            process.kill()
    print(f"{count} kills, {looked} acknowledged enrolments found")
    assert looked >= count


def test_nothing_acknowledged_is_lost(tmp_path: Path, bundle: Bundle) -> None:
    rounds(2, tmp_path, bundle)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_in_fifty_rounds(tmp_path: Path, bundle: Bundle) -> None:
    rounds(50, tmp_path, bundle)

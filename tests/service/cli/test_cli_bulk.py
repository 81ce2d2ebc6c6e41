"""Several photos in flight: order, pauses, stopping, and what ends the run."""

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from service.cli import patience
from service.cli.bulk import enroll_all
from service.cli.errors import Refused, TryAgain, Unreachable
from service.cli.photos import Photo


def photos(count: int) -> list[Photo]:
    return [Photo(Path(f"{number}.jpg"), f"{number}.jpg", str(number)) for number in range(count)]


def run(count: int, send, at_once: int = 4, stop: threading.Event | None = None) -> Counter[str]:  # type: ignore[no-untyped-def]
    stop = stop or threading.Event()
    outcomes = enroll_all(
        photos(count), lambda photo: send(photo) or "", at_once=at_once, stop=stop
    )
    return Counter(outcome.code for outcome in outcomes)


def test_no_more_are_in_flight_than_asked_for() -> None:
    lock, flying, most = threading.Lock(), 0, 0

    def send(photo: Photo) -> None:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        time.sleep(0.005)
        with lock:
            flying -= 1

    assert run(40, send, at_once=3) == {"enrolled": 40}
    assert most == 3


def test_a_busy_server_is_asked_again_after_the_time_it_names() -> None:
    asked: Counter[str] = Counter()
    when: dict[str, list[float]] = {}

    def send(photo: Photo) -> None:
        asked[photo.place] += 1
        when.setdefault(photo.place, []).append(time.monotonic())
        if asked[photo.place] < 3:
            raise TryAgain("busy", 0.05)

    assert run(5, send) == {"enrolled": 5}
    assert set(asked.values()) == {3}
    for first, second, third in when.values():
        assert second - first >= 0.05
        assert third - second >= 0.05


def test_a_server_that_stays_away_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "GIVE_UP_AFTER", 1.5)

    def send(photo: Photo) -> None:
        raise Unreachable("gone")

    with pytest.raises(Unreachable):
        run(5, send)


def test_a_refusal_that_concerns_every_photo_ends_the_run_after_what_is_in_flight() -> None:
    finished: list[str] = []

    def send(photo: Photo) -> None:
        if photo.place == "2.jpg":
            raise Refused("model_mismatch", "another model")
        time.sleep(0.05)
        finished.append(photo.place)

    with pytest.raises(Refused, match="another model"):
        run(100, send)
    assert 1 <= len(finished) < 10


def test_stopping_sends_nothing_new_and_still_tells_what_was_in_flight() -> None:
    stop = threading.Event()
    sent: list[str] = []

    def send(photo: Photo) -> None:
        sent.append(photo.place)
        if len(sent) == 8:
            stop.set()
        time.sleep(0.02)

    told = run(100, send, stop=stop)
    assert told["enrolled"] == len(sent)
    assert 8 <= len(sent) <= 12


def test_stopping_does_not_wait_for_a_busy_server() -> None:
    stop = threading.Event()

    def send(photo: Photo) -> None:
        stop.set()
        raise TryAgain("busy", 60)

    started = time.monotonic()
    assert not run(10, send, stop=stop)
    assert time.monotonic() - started < 5


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    def send(photo: Photo) -> None:
        (tmp_path / photo.place).read_bytes()

    assert run(3, send) == {"unreadable_file": 3}

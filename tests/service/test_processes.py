"""Two real processes on one database see each other's work at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import serving
from desk import Desk
from drawn import photo, png

from faces.bundle import Bundle


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[list[httpx.Client]]:
    """Both start at the same moment on a database that is not there yet."""
    folder = tmp_path_factory.mktemp("pair")
    database = folder / "gallery.db"
    processes = [serving.start(database, bundle.folder, folder / f"log{n}") for n in range(2)]
    try:
        for process in processes:
            serving.wait_until_ready(process)
        yield [httpx.Client(base_url=process.url, timeout=60) for process in processes]
    finally:
        for process in processes:
            process.kill()


def test_each_finds_at_once_what_the_other_enrolled_or_erased(pair: list[httpx.Client]) -> None:
    desks = [Desk(client, "default") for client in pair]
    for person in range(20):
        here, there = desks[person % 2], desks[1 - person % 2]
        name = here.enroll_person(person)
        assert there.found(png(photo(person, style="nir")), min_score=0.9) == [name]
        if person % 3 == 0:
            there.client.delete(there.at("subjects", name))
            assert here.found(png(photo(person, style="nir")), min_score=0.9) == []


def test_both_write_at_the_same_time_and_nothing_is_lost(pair: list[httpx.Client]) -> None:
    pair[0].post("/galleries", json={"gallery": "crowd"})
    desks = [Desk(client, "crowd") for client in pair]

    def enroll(person: int) -> str:
        return desks[person % 2].enroll_person(person)

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(enroll, range(40)))

    for desk in desks:
        assert desk.client.get(desk.at()).json()["templates"] == 40
        assert [desk.found(png(photo(p)), top_k=1) for p in range(40)] == [[name] for name in names]


def test_a_gallery_erased_in_one_is_gone_in_the_other(pair: list[httpx.Client]) -> None:
    first, second = (Desk(client, "brief") for client in pair)
    first.client.post(first.at().rsplit("/", 1)[0], json={"gallery": "brief"})
    first.enroll_person(1)
    assert second.found(png(photo(1))) == ["person-1"]

    first.client.delete(first.at())

    assert second.identify(png(photo(1))).json()["code"] == "unknown_gallery"
    second.client.post("/galleries", json={"gallery": "brief"})
    assert first.found(png(photo(1))) == []
    assert second.found(png(photo(1))) == []

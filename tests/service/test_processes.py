"""Two real processes on one database see each other's work at once."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import serving
from databases import NewDatabase
from desk import Desk
from drawn import photo, png

from faces.bundle import Bundle

pytestmark = pytest.mark.every_database


@pytest.fixture(scope="module")
def processes(
    tmp_path_factory: pytest.TempPathFactory, bundle: Bundle, new_database: NewDatabase
) -> Iterator[list[serving.Process]]:
    """Both start at the same moment on a database that is not there yet."""
    folder = tmp_path_factory.mktemp("pair")
    database = new_database()
    started = [serving.start(database, bundle.folder, folder / f"log{n}") for n in range(2)]
    try:
        for process in started:
            serving.wait_until_ready(process)
        yield started
    finally:
        for process in started:
            process.kill()


@pytest.fixture(scope="module")
def pair(processes: list[serving.Process]) -> list[httpx.Client]:
    return [httpx.Client(base_url=process.url, timeout=60) for process in processes]


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


def test_the_same_image_at_the_same_time_is_enrolled_once(pair: list[httpx.Client]) -> None:
    pair[0].post("/galleries", json={"gallery": "once"})
    desks = [Desk(client, "once") for client in pair]
    image = png(photo(1))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda turn: desks[turn % 2].enroll("a", image), range(16)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15
    assert {answer.json().get("code", "made") for answer in answers} == {"made", "duplicate"}
    assert desks[0].client.get(desks[0].at()).json()["templates"] == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_100_mb_is_not_held_in_memory(
    processes: list[serving.Process], declared: bool
) -> None:
    def megabytes() -> float:
        status = Path(f"/proc/{processes[0].handle.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024

    body = [b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n']
    body += [bytes(2**16)] * 1600
    headers = {"content-type": "multipart/form-data; boundary=x"}
    if declared:
        headers["content-length"] = str(sum(len(chunk) for chunk in body))
    before = megabytes()

    answer = httpx.post(f"{processes[0].url}/enroll", content=iter(body), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "image_too_large")
    assert megabytes() - before < 30


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

"""The log forgets what went, and no index is misled by that, however old it is."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, text
from workers import Worker

from service.adapters.sql_engine import reading, writing
from service.adapters.sql_tables import change
from service.core import galleries

pytestmark = pytest.mark.every_database


@pytest.fixture
def pair(database: str) -> Iterator[tuple[Worker, Worker]]:
    """Two workers, of which the second is often behind; two entries are never compacted."""
    made = (Worker(database), Worker(database))
    yield made
    for worker in made:
        worker.close()


def entries(worker: Worker) -> int:
    with reading(worker.engine) as connection:
        return connection.execute(select(func.count()).select_from(change)).scalar_one()


def erase(worker: Worker, *subjects: str) -> None:
    for subject_id in subjects:
        galleries.delete_subject(worker.store, "default", subject_id)


def searched(worker: Worker, number: int = 0) -> tuple[int, list[str]]:
    found = worker.identify(number, top_k=20)
    return found.searched, sorted(one.subject_id for one in found.candidates)


def test_the_log_does_not_grow_with_what_went(pair: tuple[Worker, Worker]) -> None:
    worker, _ = pair
    worker.enroll("stays", "0 stays")
    for turn in range(30):
        worker.enroll("goes", f"1 {turn}")
        erase(worker, "goes")
        worker.store.tidy()

    assert entries(worker) <= 1 + 2 * 2 + 1
    assert searched(worker) == (1, ["stays"])


def test_an_index_that_is_behind_the_compaction_begins_anew(pair: tuple[Worker, Worker]) -> None:
    ahead, behind = pair
    ahead.enroll("goes", "0 a", "1 b", "2 c", "3 d")
    ahead.enroll("stays", "4 e")
    assert searched(behind) == (5, ["goes", "stays"])
    erase(ahead, "goes")
    ahead.enroll("new", "5 f", "6 g")
    before = entries(ahead)

    ahead.store.tidy()

    assert entries(ahead) < before
    assert searched(behind) == searched(ahead) == (3, ["new", "stays"])


def test_an_index_that_is_nearly_level_goes_on(pair: tuple[Worker, Worker]) -> None:
    ahead, behind = pair
    ahead.enroll("goes", "0 a", "1 b", "2 c")
    erase(ahead, "goes")
    ahead.enroll("stays", "3 d", "4 e")
    assert searched(behind) == (2, ["stays"])
    read, asked = behind.store.changes, list[int]()

    def changes(gallery: int, after: int, limit: int) -> object:
        asked.append(after)
        return read(gallery, after, limit)

    behind.store.changes = changes  # type: ignore[assignment]
    before = entries(ahead)
    ahead.store.tidy()
    ahead.enroll("stays", "5 f")

    assert entries(ahead) < before
    assert searched(behind) == (3, ["stays"])
    assert asked == [8]


def test_a_compaction_between_two_pages_of_a_fresh_index_is_noticed(
    pair: tuple[Worker, Worker],
) -> None:
    ahead, fresh = pair
    ahead.enroll("goes", "0 a", "1 b", "2 c", "3 d")  # a page has three entries
    ahead.enroll("stays", "4 e", "5 f")
    read = fresh.store.changes
    compacted: list[bool] = []

    def changes(gallery: int, after: int, limit: int) -> object:
        page = read(gallery, after, limit)
        if not compacted:
            compacted.append(True)
            erase(ahead, "goes")
            ahead.enroll("stays", "6 g", "7 h")
            ahead.store.tidy()
        return page

    fresh.store.changes = changes  # type: ignore[assignment]

    assert searched(fresh) == (4, ["stays"])


def test_a_log_with_few_removals_is_left_alone(pair: tuple[Worker, Worker]) -> None:
    worker, _ = pair
    worker.enroll("stays", *(f"{number} stays" for number in range(20)))
    worker.enroll("goes", "0 a", "1 b", "2 c")
    erase(worker, "goes")

    worker.store.tidy()

    assert entries(worker) == 26


def test_a_database_put_back_in_time_is_followed(pair: tuple[Worker, Worker]) -> None:
    """What a restored backup looks like to an index that has seen more than the backup holds."""
    worker, other = pair
    worker.enroll("ada", "0 a")
    worker.enroll("ben", "1 b")
    assert searched(other) == (2, ["ada", "ben"])
    with writing(worker.engine) as connection:
        for statement in (
            "DELETE FROM subject WHERE subject_id = 'ben'",
            "DELETE FROM change WHERE seq = 2",
            "UPDATE gallery SET head = 1",
        ):
            connection.execute(text(statement))

    assert searched(other) == (1, ["ada"])

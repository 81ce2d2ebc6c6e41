"""When PostgreSQL is cut off, restarts, is locked or full: `busy`, nothing half done, no restart.

For SQLite see `test_faults.py` and `faults/test_full_disk.py`.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from databases import PostgresServer
from desk import Desk
from drawn import jpeg, locate, photo, png
from serving import in_thread, settings_for

from faces.bundle import Bundle
from service.app import create_app
from service.wiring import wire

APPLICATION = "under-test"


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
def desk(database: str, bundle: Bundle) -> Iterator[Desk]:
    url = f"{database}&application_name={APPLICATION}"
    settings = settings_for(url, bundle.folder, patience=0.5, parallel=4)
    with (
        in_thread(create_app(wire(settings, locate))) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        yield Desk(client, "default")


@pytest.fixture
def admin(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def is_busy(answer: httpx.Response) -> bool:
    if answer.status_code != 503:
        return False
    assert answer.json()["code"] == "busy"
    assert int(answer.headers["retry-after"]) >= 1
    return True


def is_whole(admin: psycopg.Connection) -> bool:
    """Each template has its subject and its entry in the log, and each subject a template."""
    [counts] = admin.execute(
        "SELECT (SELECT count(*) FROM template), (SELECT count(*) FROM change WHERE added),"
        " (SELECT count(DISTINCT subject) FROM template), (SELECT count(*) FROM subject),"
        " (SELECT head FROM gallery)"
    )
    return len(set(counts)) == 1


def until_ready(desk: Desk) -> None:
    deadline = time.monotonic() + 60
    while desk.client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline, "it does not recover"
        time.sleep(0.05)


def test_a_restart_under_load_is_busy_for_a_while_and_loses_nothing(
    desk: Desk, postgres: PostgresServer, database: str
) -> None:
    over = threading.Event()
    acknowledged: set[int] = set()
    answers: Counter[str] = Counter()

    def enrol(client: int) -> None:
        for number in range(client * 1000, client * 1000 + 1000):
            if over.is_set():
                return
            answer = desk.enroll(f"person-{number}", jpeg(photo(number, side=64)))
            answers["busy" if is_busy(answer) else str(answer.status_code)] += 1
            if answer.status_code == 201:
                acknowledged.add(number)

    with ThreadPoolExecutor(3) as clients:
        waiting = [clients.submit(enrol, client) for client in range(3)]
        _until(lambda: len(acknowledged) >= 5)
        postgres.stop()
        try:
            assert is_busy(desk.client.get("/readyz"))
            assert desk.client.get("/livez").status_code == 200
            _until(lambda: answers["busy"] >= 3)
        finally:
            postgres.start()
        until_ready(desk)
        before = len(acknowledged)
        _until(lambda: len(acknowledged) >= before + 5)
        over.set()
        for one in waiting:
            one.result()

    assert set(answers) == {"201", "busy"}
    subjects = desk.client.get(desk.at("subjects"), params={"limit": 1000}).json()["subjects"]
    assert {f"person-{number}" for number in acknowledged} <= {s["subject_id"] for s in subjects}
    with psycopg.connect(database) as admin:
        assert is_whole(admin)
    number = min(acknowledged)
    assert desk.found(jpeg(photo(number, side=64)), top_k=1) == [f"person-{number}"]


def _until(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_connections_that_were_cut_while_idle_are_replaced(
    desk: Desk, admin: psycopg.Connection
) -> None:
    desk.enroll_person(1)
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
        [APPLICATION],
    )

    assert desk.found(png(photo(1))) == ["person-1"]
    assert desk.enroll("b", png(photo(2))).status_code == 201


def test_a_connection_that_is_cut_in_a_transaction_leaves_nothing(
    desk: Desk, admin: psycopg.Connection
) -> None:
    """The insert into the log, which comes last, is where the connection breaks."""
    desk.enroll_person(1)
    admin.execute(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
    )
    admin.execute("CREATE TRIGGER cut AFTER INSERT ON change EXECUTE FUNCTION cut()")
    assert is_busy(desk.enroll("b", png(photo(2))))
    admin.execute("DROP TRIGGER cut ON change")

    assert is_whole(admin)
    assert desk.found(png(photo(2)), min_score=0.9) == []
    assert desk.enroll("b", png(photo(2))).status_code == 201
    assert desk.found(png(photo(2)), min_score=0.9) == ["b"]


@pytest.mark.parametrize("state", ["53100", "53200", "53300", "58030", "40001", "40P01", "25006"])
def test_what_the_server_cannot_do_just_now_is_busy_and_leaves_nothing(
    desk: Desk, admin: psycopg.Connection, state: str
) -> None:
    """Disk full, out of memory or connections, I/O error, serialisation, deadlock, read-only."""
    desk.enroll_person(1)
    admin.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{state}'; END $$"
    )
    admin.execute("CREATE TRIGGER refuse BEFORE INSERT ON change EXECUTE FUNCTION refuse()")
    assert is_busy(desk.enroll("b", png(photo(2))))
    assert is_busy(desk.client.delete(desk.at("subjects", "person-1")))
    admin.execute("DROP TRIGGER refuse ON change")

    assert is_whole(admin)
    assert desk.found(png(photo(1))) == ["person-1"]
    assert desk.enroll("b", png(photo(2))).status_code == 201


def test_a_locked_gallery_is_busy_and_reads_go_on(desk: Desk, admin: psycopg.Connection) -> None:
    desk.enroll_person(1)
    with admin.transaction():
        admin.execute("SELECT * FROM gallery FOR UPDATE")
        assert desk.found(png(photo(1))) == ["person-1"]
        assert is_busy(desk.enroll("b", png(photo(2))))

    assert desk.enroll("b", png(photo(2))).status_code == 201


def test_tables_that_are_away_for_a_restore_are_busy(desk: Desk, admin: psycopg.Connection) -> None:
    admin.execute("ALTER TABLE gallery RENAME TO elsewhere")
    assert is_busy(desk.identify(png(photo(1))))
    admin.execute("ALTER TABLE elsewhere RENAME TO gallery")

    assert desk.identify(png(photo(1))).status_code == 200

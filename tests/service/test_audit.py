"""The audit: every change and search is in it, and nothing can be taken out unseen."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from databases import NewDatabase
from desk import Desk
from drawn import jpeg, photo, png
from guarded import Guarded, guarded
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner, Result
from workers import MODEL, Worker

from faces.bundle import Bundle
from faces.locate import FacePolicy
from faces.modality import Modality
from service.adapters import sql_audit
from service.adapters.sql_engine import open_engine, reading, writing
from service.cli import app
from service.core import galleries
from service.core.access import Actor, Scope
from service.core.audit import Entry, Head, faults
from service.core.enroll import EnrollRequest, enroll
from service.core.identify import Search, identify
from service.core.verify import Reference, Threshold
from service.core.verify import verify as verify_face


@pytest.fixture
def service(database: str, bundle: Bundle) -> Iterator[Guarded]:
    """On a database of its own, whose audit nobody else writes."""
    with guarded(database, bundle.folder, access="keys") as started:
        yield started


def head_of(database: str) -> Head:
    with reading(open_engine(database)) as connection:
        return sql_audit.head(connection)


def entries_of(database: str) -> list[Entry]:
    return list(sql_audit.until(open_engine(database), head_of(database)))


def is_whole(database: str) -> bool:
    return not list(faults(entries_of(database), head_of(database)))


def verify(database: str, *words: str) -> Result:
    return CliRunner().invoke(app, ["audit", "verify", "--database", database, *words])


def desk_of(service: Guarded, name: str, *scopes: Scope, gallery: str = "default") -> Desk:
    return Desk(service.caller(service.token(name, *scopes)), gallery)


def a_days_work(service: Guarded) -> None:
    desk = desk_of(service, "day", gallery="day")
    desk.client.post("/galleries", json={"gallery": "day"})
    template = desk.enroll("ada", png(photo(1)), png(photo(2)), name="Ada Lovelace").json()
    desk.client.patch(desk.at("subjects", "ada"), json={"name": "Ada King"})
    desk.identify(png(photo(1)), purpose="case 0815")
    desk.client.post(
        "/verify",
        data={"gallery": "day", "subject_id": "ada"},
        files={"image": png(photo(1))},
    )
    desk.client.delete(desk.at("templates", template["templates"][0]["template_id"]))
    desk.client.delete(desk.at("subjects", "ada"))
    desk.client.delete(desk.at())


@pytest.mark.every_database
def test_it_tells_who_did_what_to_whom(service: Guarded, database: str) -> None:
    a_days_work(service)

    told = [(one.actor, one.action, one.gallery, one.subject) for one in entries_of(database)]
    ada = told[-2][3]
    assert ada
    assert told[-8:] == [
        ("day", "create_gallery", "day", None),
        ("day", "enroll", "day", ada),
        ("day", "update_subject", "day", ada),
        ("day", "identify", "day", None),
        ("day", "verify", "day", ada),
        ("day", "delete_template", "day", ada),
        ("day", "delete_subject", "day", ada),
        ("day", "delete_gallery", "day", None),
    ]
    search = entries_of(database)[-5]
    assert search.detail["purpose"] == "case 0815"
    assert search.detail["searched"] == 2
    assert search.detail["request_id"]
    assert search.key == service.keys.list()[0].key
    assert is_whole(database)


def test_it_undoes_no_erasure(service: Guarded, database: str) -> None:
    """Numbers only: no id, no name, no image, no vector, no secret of a key."""
    a_days_work(service)

    text_of_all = str(entries_of(database))
    for word in ("'ada'", "Ada", "King", "score", "vector", "nf_"):
        assert word not in text_of_all, word
    assert max(len(str(one.detail)) for one in entries_of(database)) < 400


def test_what_changed_nothing_is_not_in_it(service: Guarded, database: str) -> None:
    desk = desk_of(service, "clumsy")
    before = head_of(database).seq

    desk.enroll("a", b"no image")
    desk.identify(png(photo()))
    desk.client.delete(desk.at("subjects", "nobody"))
    desk.client.get(desk.at())
    assert head_of(database).seq == before

    first = desk.enroll("a", png(photo(1)), key="once")
    again = desk.enroll("a", png(photo(1)), key="once")
    assert (first.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert head_of(database).seq == before + 1


def test_without_a_key_searches_are_recorded_where_a_purpose_is_given_or_it_is_asked_for(
    new_database: NewDatabase, bundle: Bundle
) -> None:
    counts = {}
    for always in (False, True):
        database = new_database()
        with guarded(database, bundle.folder, audit_keyless_searches=always) as keyless:
            desk = Desk(keyless.caller(None), "default")
            before = head_of(database).seq
            desk.identify(png(photo(1)))
            desk.identify(png(photo(1)), purpose="curiosity")
            counts[always] = head_of(database).seq - before
            assert entries_of(database)[-1].actor == "anyone"

    assert counts == {False: 1, True: 2}


@pytest.mark.parametrize("purpose", ["", "x" * 201, "line\nbreak"])
def test_a_purpose_is_a_short_line(service: Guarded, purpose: str) -> None:
    answer = desk_of(service, "odd").identify(png(photo(1)), purpose=purpose)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_search_that_cannot_be_recorded_is_not_answered(
    service: Guarded, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(service, "search", Scope.READ)

    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(sql_audit, "append", broken)
    answer = desk.identify(png(photo(1)))

    assert answer.status_code == 500
    assert "candidates" not in answer.json()


@pytest.mark.every_database
def test_a_change_and_its_entry_are_one(
    service: Guarded, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(service, "writer")
    desk.enroll_person(1)

    def broken(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(sql_audit, "append", broken)
        assert desk.enroll("b", jpeg(photo(2))).status_code == 500
        assert desk.client.delete(desk.at("subjects", "person-1")).status_code == 500

    subjects = desk.client.get(desk.at("subjects")).json()["subjects"]
    assert [subject["subject_id"] for subject in subjects] == ["person-1"]
    assert is_whole(database)


@pytest.mark.every_database
def test_the_database_itself_lets_no_entry_be_changed(written: str) -> None:
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"), open_engine(written).begin() as raw:
            raw.execute(text(statement))


@pytest.fixture
def written(database: str) -> str:
    """A database with an audit of nine entries."""
    worker = Worker(database)
    store = worker.store.acting_for(Actor("day", "0a1b2c3d"))
    parts = replace(worker.parts, store=store)
    galleries.create(store, "day", MODEL)
    for number, who in enumerate(("ada", "ben", "cleo")):
        images = [lambda number=number: str(number).encode()]
        enroll(EnrollRequest(images, "day", who, {}, Modality.VIS, FacePolicy.LARGEST), parts)
    claim = Reference(gallery="day", subject_id="ada")
    verify_face(b"0", Modality.NIR, FacePolicy.LARGEST, claim, Threshold(0.5), parts, "case 1")
    identify(b"1", Search("day", Modality.NIR, FacePolicy.LARGEST, 5), parts)
    galleries.change_subject(store, "day", "ada", {"name": "Ada"})
    galleries.delete_subject(store, "day", "ada")
    galleries.delete(replace(worker.parts, store=store), "day")
    worker.close()
    return database


def edited(database: str, *statements: str) -> None:
    """What somebody does who may do everything in the database."""
    with writing(open_engine(database)) as connection:
        _drop_triggers(connection)
        for statement in statements:
            connection.execute(text(statement))


def _drop_triggers(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        for name in ("audit_no_UPDATE", "audit_no_DELETE"):
            connection.execute(text(f"DROP TRIGGER {name}"))
    else:
        connection.execute(text("DROP TRIGGER audit_no_change ON audit"))


COPY = "actor, key, action, gallery, subject, detail, previous, hash"
TAMPERING = {
    "who": (["UPDATE audit SET actor = 'somebody else' WHERE seq = 5"], "Entry 5 was changed"),
    "when": (["UPDATE audit SET at = '2026-01-01 00:00:00' WHERE seq = 5"], "Entry 5 was changed"),
    "whom": (["UPDATE audit SET subject = 99 WHERE seq = 5"], "Entry 5 was changed"),
    "purpose": (["UPDATE audit SET detail = '{}' WHERE seq = 5"], "Entry 5 was changed"),
    "hash": ([f"UPDATE audit SET hash = '{'1' * 64}' WHERE seq = 5"], "6 does not follow"),
    "removed": (["DELETE FROM audit WHERE seq = 5"], "6 comes right after 4"),
    "removed and closed up": (
        ["DELETE FROM audit WHERE seq = 5", "UPDATE audit SET seq = seq - 1 WHERE seq = 6"],
        "Entry 5 was changed",
    ),
    "reordered": (
        [
            "UPDATE audit SET seq = 1000 WHERE seq = 5",
            "UPDATE audit SET seq = 5 WHERE seq = 6",
            "UPDATE audit SET seq = 6 WHERE seq = 1000",
        ],
        "Entry 5 was changed",
    ),
    "first ones gone": (["DELETE FROM audit WHERE seq < 4"], "comes right after 0"),
    "tail cut": (["DELETE FROM audit WHERE seq > 7"], "a tail is cut"),
    "all gone": (["DELETE FROM audit"], "a tail is cut"),
    "one put at the end": (
        [f"INSERT INTO audit (seq, at, {COPY}) SELECT 1000, at, {COPY} FROM audit WHERE seq = 5"],
        "after the newest",
    ),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found(written: str, how: str) -> None:
    statements, said = TAMPERING[how]
    assert verify(written).exit_code == 0

    edited(written, *statements)
    result = verify(written)

    assert result.exit_code == 1
    assert said in result.stderr, result.stderr
    assert result.stdout == ""


@pytest.mark.every_database
def test_tampering_is_found_on_every_database(written: str) -> None:
    assert verify(written).exit_code == 0

    edited(written, *TAMPERING["when"][0], *TAMPERING["tail cut"][0])
    result = verify(written)

    assert "Entry 5 was changed" in result.stderr
    assert "a tail is cut" in result.stderr


def test_an_anchor_betrays_a_cut_that_covers_its_tracks(written: str) -> None:
    anchor = verify(written).stdout.splitlines()[-1]
    assert verify(written, "--anchor", anchor).exit_code == 0

    edited(
        written,
        "DELETE FROM audit WHERE seq > 5",
        "UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)",
    )

    assert verify(written).exit_code == 0, "nothing in the database itself tells"
    assert "anchor" in verify(written, "--anchor", anchor).stderr
    assert verify(written, "--anchor", "5").exit_code == 2


def test_an_anchor_betrays_an_audit_written_anew(written: str) -> None:
    entries = entries_of(written)
    anchor = Head(1, "2" * 64)

    assert "not the one of the anchor" in "".join(faults(entries, head_of(written), anchor))


@pytest.mark.every_database
def test_workers_at_the_same_time_write_one_chain(database: str) -> None:
    """Each has connections of its own, as a process has."""
    workers = [Worker(database) for _ in range(3)]
    workers[0].enroll("first", "1 first")
    ready = threading.Barrier(3)

    def work(worker: int) -> None:
        ready.wait()
        for turn in range(6):
            workers[worker].enroll(f"{worker}-{turn}", f"{turn} {worker}")
            workers[worker].identify(turn)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))

    entries = entries_of(database)
    assert [one.action for one in entries].count("enroll") == 19
    assert [one.action for one in entries].count("identify") == 18
    assert not list(faults(entries, head_of(database)))
    for worker in workers:
        worker.close()


def test_an_admin_reads_it_in_parts_newest_first(service: Guarded, database: str) -> None:
    desk_of(service, "clerk").enroll_person(1, "ada")
    a_days_work(service)
    admin = service.caller(service.token("auditor", Scope.ADMIN))
    seen: list[int] = []
    query: dict[str, str | int] = {"limit": 4}
    while True:
        part = admin.get("/audit", params=query).json()
        seen += [entry["seq"] for entry in part["entries"]]
        if part["next_cursor"] is None:
            break
        query["cursor"] = part["next_cursor"]

    assert seen == list(range(head_of(database).seq, 0, -1))
    about_ada = {"gallery": "default", "subject_id": "ada"}
    [found] = admin.get("/audit", params=about_ada).json()["entries"]
    assert (found["action"], found["subject_id"]) == ("enroll", "ada")
    assert admin.get("/audit", params=about_ada | {"gallery": "day"}).json()["entries"] == []


def test_a_key_for_one_gallery_sees_its_entries_only(service: Guarded) -> None:
    a_days_work(service)
    admin = service.caller(service.token("other", Scope.ADMIN, galleries=("other",)))
    admin.post("/galleries", json={"gallery": "other"})

    listed = admin.get("/audit").json()["entries"]

    assert [(entry["action"], entry["gallery"]) for entry in listed] == [
        ("create_gallery", "other")
    ]
    assert admin.get("/audit", params={"gallery": "day"}).json()["entries"] == []


def test_the_command_line_lists_it_and_is_in_it(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    words = ["keys", "create", "desk", "--scope", "read", "--database", database]
    token = CliRunner().invoke(app, words).stdout.strip()

    listed = CliRunner().invoke(app, ["audit", "list", "--database", database]).output
    as_json = CliRunner().invoke(app, ["audit", "list", "--json", "--database", database]).stdout

    assert "create_key" in listed
    assert "command line" in listed
    assert token[16:] not in listed + as_json
    assert httpx.Response(200, content=as_json).json()["detail"]["scopes"] == ["read"]

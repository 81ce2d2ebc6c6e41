"""null-face backup and restore: what was there is there again, on SQLite and on PostgreSQL."""

import base64
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from databases import NewDatabase, new_sqlite
from sqlalchemy import select
from typer.testing import CliRunner
from workers import Worker, vector_of

from service.adapters import sql_audit, sql_backup
from service.adapters.sql_engine import open_engine, reading
from service.adapters.sql_tables import metadata
from service.cli import app
from service.core.access import Actor
from service.core.audit import faults
from service.core.errors import BackupRefused

OPERATOR = Actor("operator")


@pytest.fixture
def worker(database: str) -> Iterator[Worker]:
    started = Worker(database)
    for number in range(9):
        started.enroll(f"person-{number}", str(number))
    started.store.delete_subject(started.store.gallery("default"), "person-8")
    yield started
    started.close()


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            tables = [table for table in metadata.sorted_tables if "audit" not in table.name]
            return {
                table.name: list(map(tuple, connection.execute(select(table)))) for table in tables
            }
    finally:
        engine.dispose()


@pytest.mark.every_database
@pytest.mark.parametrize("to", ["same", "sqlite"])
def test_what_was_backed_up_is_there_again(
    worker: Worker, database: str, new_database: NewDatabase, tmp_path: Path, to: str
) -> None:
    file = tmp_path / "backup.db"
    target = new_database() if to == "same" else new_sqlite(tmp_path)()

    made = sql_backup.back_up(worker.engine, file, OPERATOR)
    worker.enroll("later", "77")  # the database lives on
    found = sql_backup.restore(file, open_engine(target), OPERATOR)

    assert made == found
    assert (made.subjects, made.templates, file.stat().st_mode & 0o777) == (8, 8, 0o600)
    before, after = rows(database), rows(target)
    assert len(after["template"]) == 8
    assert set(map(repr, after["template"])) < set(map(repr, before["template"]))
    restored = Worker(target)
    best = restored.identify(7, top_k=1).candidates[0]
    assert (best.subject_id, round(best.score, 5)) == ("person-7", 1)
    with reading(restored.engine) as connection:
        head = sql_audit.head(connection)
    entries = list(sql_audit.until(restored.engine, head))
    assert list(faults(entries, head)) == []
    assert [entry.action for entry in entries if entry.action != "enroll"][-3:-1] == [
        "back_up",
        "restore",
    ]


@pytest.mark.every_database
def test_a_number_is_never_given_out_again_after_a_restore(
    worker: Worker, new_database: NewDatabase, tmp_path: Path
) -> None:
    erased = max(int(row[0]) for row in rows(str_url(worker))["template"]) + 1  # person-8's
    sql_backup.back_up(worker.engine, tmp_path / "backup.db", OPERATOR)
    target = new_database()
    sql_backup.restore(tmp_path / "backup.db", open_engine(target), OPERATOR)

    restored = Worker(target)
    restored.enroll("new", "55")

    assert max(int(row[0]) for row in rows(target)["template"]) > erased
    assert restored.identify(55, top_k=1).candidates[0].subject_id == "new"
    assert np.isfinite(vector_of(55)).all()


def str_url(worker: Worker) -> str:
    return worker.engine.url.render_as_string(hide_password=False)


def test_a_database_that_holds_something_is_left_alone(worker: Worker, tmp_path: Path) -> None:
    sql_backup.back_up(worker.engine, tmp_path / "backup.db", OPERATOR)

    with pytest.raises(BackupRefused, match="not empty"):
        sql_backup.restore(tmp_path / "backup.db", worker.engine, OPERATOR)
    with pytest.raises(BackupRefused, match="there already"):
        sql_backup.back_up(worker.engine, tmp_path / "backup.db", OPERATOR)
    assert [path.name for path in tmp_path.glob("backup*")] == ["backup.db"]


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + bytes(5000)])
def test_what_is_no_backup_is_refused(database: str, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "backup.db"
    file.write_bytes(content)

    with pytest.raises(BackupRefused):
        sql_backup.restore(file, open_engine(database), OPERATOR)


def test_a_damaged_backup_is_refused(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    sql_backup.back_up(worker.engine, file, OPERATOR)
    content = bytearray(file.read_bytes())
    content[8192:20000] = bytes(20000 - 8192)
    file.write_bytes(content)

    with pytest.raises(BackupRefused):
        sql_backup.restore(file, open_engine(new_sqlite(tmp_path)()), OPERATOR)


def test_the_commands_say_which_key_a_backup_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from service.adapters.sql_engine import upgrade
    from service.adapters.sql_vault import admit
    from service.adapters.vault import Vault, read_keys

    database = new_sqlite(tmp_path)()
    engine = open_engine(database)
    upgrade(engine)
    secret = base64.b64encode(bytes(range(32))).decode()
    admit(engine, Vault(read_keys(f"2026-11:{secret}")))
    monkeypatch.setenv("COLUMNS", "200")
    file, other = tmp_path / "backup.db", new_sqlite(tmp_path)()

    made = CliRunner().invoke(app, ["backup", str(file), "--database", database])
    taken = CliRunner().invoke(app, ["restore", str(file), "--database", other])
    again = CliRunner().invoke(app, ["restore", str(file), "--database", other])

    assert (made.exit_code, taken.exit_code, again.exit_code) == (0, 0, 1), made.output
    assert "2026-11" in made.output
    assert "2026-11" in taken.output
    assert secret.encode() not in file.read_bytes()
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM encryption_key").fetchone() == (1,)

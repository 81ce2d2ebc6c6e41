"""The database's shape: Alembic leads to exactly the tables that the code expects, and back."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from databases import PostgresServer
from sqlalchemy import inspect, text

from service.adapters.sql_engine import downgrade, open_engine, reading, upgrade
from service.adapters.sql_tables import metadata
from service.core.errors import DatabaseUrlError, Unavailable

pytestmark = pytest.mark.every_database

ROOT = Path(__file__).parents[2]


def test_the_newest_revision_is_the_metadata(database: str) -> None:
    engine = open_engine(database)
    upgrade(engine)

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_go_up_down_and_up_again(database: str) -> None:
    engine = open_engine(database)
    upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}

    downgrade(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]

    upgrade(engine)
    upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_workers_that_start_together_migrate_once(database: str) -> None:
    def start(_: int) -> None:
        upgrade(open_engine(database))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))

    with reading(open_engine(database)) as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_alembic_works_by_hand(database: str) -> None:
    open_engine(database)  # makes the folder of a SQLite file
    url = "url=" + database.replace("postgresql:", "postgresql+psycopg:")
    command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), "-x", url]

    for words in (["upgrade", "head"], ["downgrade", "base"]):
        subprocess.run([*command, *words], cwd=ROOT, check=True, capture_output=True)


def test_every_commit_to_sqlite_is_written_through(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/a/b/gallery.db")

    with reading(engine) as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


def test_every_commit_to_postgresql_is_written_through(postgres: PostgresServer) -> None:
    with reading(open_engine(postgres.new_database())) as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(DatabaseUrlError, match=r"null-face\[postgres\]"):
        open_engine("postgresql://host/gallery")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://host/gallery", "mysql is no database for this service"),
        ("what is this, secret", "cannot be read"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_in_one_line(url: str, why: str) -> None:
    with pytest.raises(DatabaseUrlError, match=why) as refused:
        open_engine(url)
    assert "secret" not in str(refused.value)


def test_a_server_that_does_not_answer_is_named_to_the_operator() -> None:
    engine = open_engine("postgresql://null_face:secret@127.0.0.1:1/gallery")

    with pytest.raises(Unavailable, match=r"cannot be opened: .*refused") as failure:
        upgrade(engine)
    assert "secret" not in str(failure.value)

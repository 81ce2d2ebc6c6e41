"""The database's shape: Alembic leads to exactly the tables that the code expects, and back."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from service.adapters.sql_engine import downgrade, open_engine, reading, upgrade
from service.adapters.sql_tables import metadata

ROOT = Path(__file__).parents[2]


def test_the_newest_revision_is_the_metadata(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/gallery.db")
    upgrade(engine)

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_go_up_down_and_up_again(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/gallery.db")
    upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}

    downgrade(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]

    upgrade(engine)
    upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_workers_that_start_together_migrate_once(tmp_path: Path) -> None:
    def start(_: int) -> None:
        upgrade(open_engine(f"sqlite:///{tmp_path}/gallery.db"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))

    with sqlite3.connect(tmp_path / "gallery.db") as connection:
        versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert versions == [("0001",)]


def test_alembic_works_by_hand(tmp_path: Path) -> None:
    url = f"url=sqlite:///{tmp_path}/gallery.db"
    command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), "-x", url]

    for words in (["upgrade", "head"], ["downgrade", "base"]):
        subprocess.run([*command, *words], cwd=ROOT, check=True, capture_output=True)


def test_every_commit_is_written_through(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="file"):
        open_engine(url)

"""Backups: always one SQLite file with our tables, whatever the database is; vectors stay sealed.

A SQLite database is copied page by page while others write (its online backup). Of PostgreSQL every
table is read in one transaction, as of one moment. So a backup also moves a service from one to the
other.
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, text
from sqlalchemy.exc import DatabaseError

from service.adapters import sql_audit
from service.adapters.sql_engine import alembic_config, open_engine, reading, upgrade, writing
from service.adapters.sql_tables import audit_head, encryption_key, metadata, subject, template
from service.core.access import Actor
from service.core.audit import Action, Event
from service.core.errors import BackupRefused

_AT_ONCE = 500
_HEADER = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds; `keys` are the names of the encryption keys that it needs."""

    subjects: int
    templates: int
    revision: str
    keys: tuple[str, ...]


def revision_of(connection: Connection) -> str | None:
    """The revision that the tables are at; None without tables."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision(connection: Connection) -> str | None:
    """The revision that this version of the service needs."""
    return ScriptDirectory.from_config(alembic_config(connection)).get_current_head()


def back_up(engine: Engine, target: Path, actor: Actor) -> Backup:
    """Write a backup, and look at it; the audit of both says so.

    Raises:
        BackupRefused: the file is there already, or the tables are not those of this version.
        OSError: it cannot be written.
    """
    if target.exists():
        raise BackupRefused(f"{target} is there already.")
    _require_newest(engine)
    with writing(engine) as connection:
        sql_audit.append(connection, actor, Event(Action.BACK_UP))
    with _unfinished(target) as path:
        if engine.dialect.name == "sqlite":
            with closing(sqlite3.connect(path)) as copy:
                _copy_pages(engine, copy)
        else:
            with _opened(path) as copy_engine:
                upgrade(copy_engine)
                with reading(engine) as source, writing(copy_engine) as copy_connection:
                    _copy_rows(source, copy_connection)
        _into_one_file(path)
        with _opened(path) as copy_engine:
            found = _look(copy_engine)
        _into_one_file(path)
        path.replace(target)
    return found


def restore(source: Path, engine: Engine, actor: Actor) -> Backup:
    """Fill an empty database from a backup, which stays as it is; all of it or nothing.

    Raises:
        BackupRefused: the file is no backup, or the database is not empty.
    """
    if not source.is_file() or source.open("rb").read(len(_HEADER)) != _HEADER:
        raise BackupRefused(f"{source} is no backup of null-face.")
    with tempfile.TemporaryDirectory(prefix="null-face-") as folder:
        copy = Path(folder) / "backup.db"
        shutil.copyfile(source, copy)
        with _opened(copy) as copy_engine:
            found = _look(copy_engine)
            upgrade(copy_engine)  # an older version may have written it
            upgrade(engine)
            with reading(copy_engine) as backup, writing(engine) as target:
                _require_empty(target)
                _copy_rows(backup, target)
                sql_audit.append(target, actor, Event(Action.RESTORE))
    return found


def _require_newest(engine: Engine) -> None:
    with reading(engine) as connection:
        here, needed = revision_of(connection), newest_revision(connection)
    if here != needed:
        raise BackupRefused(
            f"The tables are at revision {here}, this version works with {needed}: back up with "
            "the version that serves, or run null-face db upgrade first."
        )


def _require_empty(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        if table is not audit_head and connection.execute(select(table).limit(1)).first():
            raise BackupRefused(
                f"The database is not empty ({table.name}): restore into a new one, with the "
                "service stopped."
            )


def _look(engine: Engine) -> Backup:
    try:
        with reading(engine) as connection:
            whole = connection.exec_driver_sql("PRAGMA integrity_check").scalars().first()
            revision = revision_of(connection)
            if whole != "ok" or revision is None:
                raise BackupRefused(f"The backup is damaged, or none of null-face: {whole}.")
            return Backup(
                subjects=_count(connection, subject),
                templates=_count(connection, template),
                revision=revision,
                keys=tuple(connection.execute(select(encryption_key.c.name)).scalars()),
            )
    except DatabaseError as error:
        raise BackupRefused(f"The backup is damaged: {error.orig}.") from error


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _copy_pages(engine: Engine, target: sqlite3.Connection) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the dialect says so
        driver.backup(target)


def _copy_rows(source: Connection, target: Connection) -> None:
    target.execute(delete(audit_head))
    for table in metadata.sorted_tables:
        rows = source.execution_options(yield_per=_AT_ONCE).execute(select(table))
        for some in rows.mappings().partitions():
            named = [{column.key: row[column] for column in table.c} for row in some]
            target.execute(insert(table), named)
        _set_counter(target, table, _counter(source, table))


def _counter(connection: Connection, table: Table) -> int:
    """The highest number ever given out for a row, also where that row is gone."""
    if "id" not in table.c or table.c.id.autoincrement is not True:
        return 0
    highest = connection.execute(select(func.max(table.c.id))).scalar_one() or 0
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        given = connection.execute(query, {"name": table.name}).scalar()
    else:
        query = text(f"SELECT last_value FROM {_sequence(connection, table)}")  # noqa: S608
        given = connection.execute(query).scalar()
    return max(int(highest), int(given or 0))


def _set_counter(connection: Connection, table: Table, number: int) -> None:
    """So that no number is given out twice: an index would take a new template for an old one."""
    if not number:
        return
    if connection.dialect.name == "sqlite":
        gone = text("DELETE FROM sqlite_sequence WHERE name = :name")
        connection.execute(gone, {"name": table.name})
        again = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)")
        connection.execute(again, {"name": table.name, "seq": number})
    else:
        connection.execute(
            text("SELECT setval(CAST(:name AS regclass), :number)"),
            {"name": _sequence(connection, table), "number": number},
        )


def _sequence(connection: Connection, table: Table) -> str:
    query = text("SELECT pg_get_serial_sequence(:table, 'id')")
    return str(connection.execute(query, {"table": table.name}).scalar_one())


def _into_one_file(path: Path) -> None:
    """What lies in the write-ahead log goes into the file, and the log away."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _opened(path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A private file beside `target`, gone at the end: a backup is there as a whole or not."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = target.with_name(f"{target.name}.{os.getpid()}.new")
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield path
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{path}{ending}").unlink()

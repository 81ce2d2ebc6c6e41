"""Opening a database: connections, transactions, migrations."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from service.adapters.sql_failures import explained, leave_old_primary
from service.core.errors import DatabaseUrlError, Unavailable

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_WRITES = "null_face_writes"
_MIGRATION_LOCK = 0x6E756C6C


def open_engine(url: str, patience: float = 10.0) -> Engine:
    """Connect to a database: `sqlite:///file`, or `postgresql://user@host/name`.

    A writer waits `patience` seconds for another one. Parameters stay out of every error message,
    since they hold vectors and names.

    Raises:
        DatabaseUrlError: there is no such kind of database, or its driver is missing.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseUrlError("The database's URL cannot be read.") from error  # no echo: password
    kind, _, driver = parsed.drivername.partition("+")
    if kind == "sqlite":
        return _open_sqlite(parsed, patience)
    if kind in ("postgres", "postgresql"):
        named = parsed.set(drivername=f"postgresql+{driver or 'psycopg'}")
        return _open_postgresql(named, patience)
    raise DatabaseUrlError(f"{kind} is no database for this service: use sqlite or postgresql.")


def _open_sqlite(url: URL, patience: float) -> Engine:
    """The folder of the file is made where it is missing."""
    _make_folder(url)
    engine = create_engine(
        url, hide_parameters=True, pool_size=8, max_overflow=56, pool_timeout=patience
    )
    event.listen(engine, "connect", partial(_set_up_sqlite, patience))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL, patience: float) -> Engine:
    """At most 16 connections a process: a server has 100, unless it was told otherwise.

    Each is tried before it is used, so that a restart of the server costs nobody an error who
    comes later; a host that has gone silent is given up after `patience` seconds.
    """
    given_up: dict[str, object] = {
        "connect_timeout": max(2, math.ceil(patience)),
        "keepalives_idle": max(1, math.ceil(patience)),
        "tcp_user_timeout": math.ceil(patience * 1000),
    }
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_size=8,
            max_overflow=8,
            pool_timeout=patience,
            pool_pre_ping=True,
            connect_args={name: at for name, at in given_up.items() if name not in url.query},
        )
    except ModuleNotFoundError as error:
        raise DatabaseUrlError(
            f"{url.drivername} needs a driver: pip install 'null-face[postgres]'."
        ) from error
    event.listen(engine, "begin", partial(_begin_postgresql, patience))
    event.listen(engine, "handle_error", leave_old_primary)
    return engine


def _make_folder(url: URL) -> None:
    if url.database in (None, "", ":memory:"):
        raise DatabaseUrlError("SQLite needs a file: no other worker sees a database in memory.")
    Path(str(url.database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _set_up_sqlite(patience: float, connection: Any, record: object) -> None:
    """WAL lets readers and one writer work at once; FULL makes each commit survive a power cut.

    secure_delete overwrites what is deleted, so that no vector lingers in free pages.
    """
    connection.isolation_level = None  # transactions are ours: see _begin_sqlite
    for pragma in (
        f"busy_timeout = {int(patience * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: one that reads first could find it taken, and fail."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(patience: float, connection: Connection) -> None:
    """SET LOCAL, not SET: behind a pooler such as pgBouncer the session is not ours."""
    if connection.get_execution_options().get(_WRITES, False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {math.ceil(patience * 1000)}")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes nothing, and sees the database as of one moment throughout."""
    if engine.dialect.name == "postgresql":  # SQLite knows no other way
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with explained(), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes something: on leaving, it is committed or an error is raised."""
    with explained(), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


def flush_erased(engine: Engine) -> bool:
    """Let nothing that was deleted linger in SQLite's write-ahead log; False if a reader is in it.

    Copies the log into the database, where the old pages are overwritten, and empties it. (Blocks
    that the file system has freed are beyond us; so are backups.)
    """
    if engine.dialect.name != "sqlite":
        return True
    with explained(), engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision. Workers that start together wait for the first of them.

    Raises:
        Unavailable: says why, since it is the operator who reads it.
    """
    try:
        with writing(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            command.upgrade(alembic_config(connection), revision)
    except Unavailable as error:
        why = " ".join(str(getattr(error.__cause__, "orig", error)).split())
        raise Unavailable(f"The database cannot be opened: {why}") from error


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to a revision."""
    with writing(engine) as connection:
        command.downgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> Config:
    """Alembic on an open transaction of ours."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config

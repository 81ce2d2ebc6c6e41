"""Opening a database: connections, transactions, and what their failures mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.core.errors import Busy, Unavailable

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_WRITES = "null_face_writes"
_MIGRATION_LOCK = 0x6E756C6C


def open_engine(url: str, patience: float = 10.0) -> Engine:
    """Connect to a database; the folder of a SQLite file is made where it is missing.

    A writer waits `patience` seconds for another one. Parameters stay out of every error message,
    since they hold vectors and names.
    """
    parsed = make_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite:
        _make_folder(parsed)
    engine = create_engine(parsed, hide_parameters=True, pool_size=8, max_overflow=56)
    if sqlite:
        event.listen(engine, "connect", partial(_set_up_sqlite, patience))
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_folder(url: URL) -> None:
    if url.database in (None, "", ":memory:"):
        raise ValueError("SQLite needs a file: other workers cannot see a database in memory.")
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


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes nothing."""
    with _explained(), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes something: on leaving, it is committed or an error is raised."""
    with _explained(), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise Busy("Too many requests use the database at once.") from error
    except (OperationalError, InterfaceError) as error:
        if "locked" in str(error.orig):
            raise Busy("Another writer holds the database.") from error
        raise Unavailable("The database cannot be read or written just now.") from error


def flush_erased(engine: Engine) -> None:
    """Let nothing that was deleted linger in SQLite's write-ahead log.

    Copies the log into the database, where the old pages are overwritten, and empties it. Where a
    reader prevents that, the next call does it. (Blocks that the file system has freed are beyond
    us; so are backups.)
    """
    if engine.dialect.name != "sqlite":
        return
    with _explained(), engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision. Workers that start together wait for the first of them."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        command.upgrade(alembic_config(connection), revision)


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

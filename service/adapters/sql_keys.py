"""API keys on SQL."""

import secrets
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from service.adapters import sql_audit
from service.adapters.sql_engine import reading, writing
from service.adapters.sql_tables import api_key, api_secret
from service.core.access import SERVICE, Actor, Scope
from service.core.audit import Action, Event
from service.core.errors import Duplicate, InvalidRequest, UnknownKey
from service.core.keys import ApiKey, NewKey, Secret


class SqlKeys:
    """Obeys `service.core.keys.Keys`. Safe to share between threads."""

    def __init__(self, engine: Engine, actor: Actor = SERVICE) -> None:
        self._engine = engine
        self._actor = actor

    def find(self, prefix: str) -> tuple[ApiKey, Secret] | None:
        """See `Keys`."""
        secret = (api_secret.c.prefix, api_secret.c.digest, api_secret.c.expires_at.label("until"))
        query = select(api_key, *secret).join(api_secret).where(api_secret.c.prefix == prefix)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (_key(row), Secret(row.prefix, row.digest, row.until))

    def list(self) -> list[ApiKey]:
        """See `Keys`."""
        with reading(self._engine) as connection:
            prefixes = _working_prefixes(connection)
            rows = connection.execute(select(api_key).order_by(api_key.c.id))
            return [_key(row, prefixes[row.id]) for row in rows]

    def add(self, new: NewKey, secret: Secret) -> ApiKey:
        """See `Keys`."""
        values = {
            "key": secrets.token_hex(4),
            "name": new.name,
            "scopes": sorted(new.scopes),
            "galleries": None if new.galleries is None else sorted(new.galleries),
            "created_at": datetime.now(UTC),
            "expires_at": new.expires_at,
        }
        try:
            with writing(self._engine) as connection:
                result = connection.execute(insert(api_key).values(values).returning(api_key.c.id))
                _add_secret(connection, int(result.scalar_one()), secret)
                made = _key(_by_name(connection, new.name), [secret.prefix])
                self._note(connection, Action.CREATE_KEY, made)
                return made
        except IntegrityError as error:
            detail = f"There is a key called {new.name} already; revoked keys keep their names."
            raise Duplicate(detail) from error

    def replace(self, name: str, secret: Secret, until: datetime) -> ApiKey:
        """See `Keys`."""
        with writing(self._engine) as connection:
            row = _by_name(connection, name)
            if ended := _key(row).ended(datetime.now(UTC)):
                raise InvalidRequest(f"The key {name} is {ended}: make another one.")
            longer = or_(api_secret.c.expires_at.is_(None), api_secret.c.expires_at > until)
            earlier = update(api_secret).where(and_(api_secret.c.key_id == row.id, longer))
            connection.execute(earlier.values(expires_at=until))
            _add_secret(connection, row.id, secret)
            changed = _key(row, _working_prefixes(connection)[row.id])
            self._note(connection, Action.ROTATE_KEY, changed)
            return changed

    def revoke(self, name: str) -> ApiKey:
        """See `Keys`."""
        with writing(self._engine) as connection:
            row = _by_name(connection, name)
            ending = update(api_key).where(api_key.c.id == row.id, api_key.c.revoked_at.is_(None))
            connection.execute(ending.values(revoked_at=datetime.now(UTC)))
            revoked = _key(_by_name(connection, name))
            self._note(connection, Action.REVOKE_KEY, revoked)
            return revoked

    def _note(self, connection: Connection, action: Action, key: ApiKey) -> None:
        detail: dict[str, str | list[str]] = {"name": key.name, "key": key.key}
        if action is Action.CREATE_KEY:
            detail["scopes"] = sorted(key.scopes)
            detail["galleries"] = ["*"] if key.galleries is None else sorted(key.galleries)
        sql_audit.append(connection, self._actor, Event(action, detail=detail))


def _by_name(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(select(api_key).where(api_key.c.name == name)).one_or_none()
    if row is None:
        raise UnknownKey(f"No key is called {name!r}.")
    return row


def _add_secret(connection: Connection, key: int, secret: Secret) -> None:
    values = {"prefix": secret.prefix, "key_id": key, "digest": secret.digest}
    connection.execute(insert(api_secret).values(values | {"created_at": datetime.now(UTC)}))


def _working_prefixes(connection: Connection) -> defaultdict[int, list[str]]:
    """Row of a key -> visible parts of its secrets that have not expired, oldest first."""
    now = datetime.now(UTC)
    works = or_(api_secret.c.expires_at.is_(None), api_secret.c.expires_at > now)
    query = select(api_secret.c.key_id, api_secret.c.prefix).where(works)
    found = defaultdict[int, list[str]](list)
    for row in connection.execute(query.order_by(api_secret.c.created_at)):
        found[row.key_id].append(row.prefix)
    return found


def _key(row: Row[Any], prefixes: Iterable[str] = ()) -> ApiKey:
    return ApiKey(
        key=row.key,
        name=row.name,
        scopes=frozenset(Scope(one) for one in row.scopes),
        galleries=None if row.galleries is None else frozenset(row.galleries),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        prefixes=tuple(prefixes),
    )

"""Which encryption keys a database was written with, and writing it anew with another."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from service.adapters import sql_audit, sql_log
from service.adapters.sql_engine import flush_erased, reading, writing
from service.adapters.sql_tables import encryption_key, template
from service.adapters.vault import Vault
from service.core.access import Actor
from service.core.audit import Action, Detail, Event
from service.core.errors import VaultError

_AT_ONCE = 200
_PROOF = b"null-face"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """How far the rewriting has come."""

    seen: int
    changed: int
    of: int


def admit(engine: Engine, vault: Vault) -> None:
    """Note the key that is written with, once every key in use proves to be there.

    So a key that is missing, or another one under an old name, ends the start and not a search.

    Raises:
        VaultError: with what is stored here, these keys do not do.
    """
    try:
        with writing(engine) as connection:
            _admit(connection, vault)
    except IntegrityError:  # another process was faster
        with writing(engine) as connection:
            _admit(connection, vault)


def known_keys(connection: Connection, vault: Vault) -> list[str]:
    """The keys that the database was written with; raises VaultError where `vault` lacks one."""
    known = connection.execute(select(encryption_key.c.name, encryption_key.c.proof)).all()
    for name, proof in known:
        if name not in vault.names:
            raise VaultError(
                f"The templates in this database are encrypted with the key {name}: give it in "
                "NULL_FACE_ENCRYPTION_KEYS or NULL_FACE_ENCRYPTION_KEY_FILE."
            )
        vault.open(proof, _proof_of(name))
    return [name for name, _ in known]


def _admit(connection: Connection, vault: Vault) -> None:
    known = known_keys(connection, vault)
    if vault.names and vault.names[0] not in known:
        name = vault.names[0]
        proof = vault.seal(_PROOF, _proof_of(name))
        values = {"name": name, "proof": proof, "created_at": datetime.now(UTC)}
        connection.execute(insert(encryption_key).values(values))


def rewrite(engine: Engine, vault: Vault, actor: Actor) -> Iterator[Rewritten]:
    """Seal every template with the newest key, a few in each transaction, while others work.

    Broken off and begun again, it passes over what is done. At the end the older keys are no longer
    needed; templates enrolled meanwhile by a process that still writes with an older key are met
    too, as they come last.
    """
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(template)).scalar_one()
    after = seen = changed = 0
    while True:
        with writing(engine) as connection:
            rows = _page(connection, after)
            if not rows:
                _forget_others(connection, vault)
                detail: Detail = {"key": vault.names[0], "templates": changed}
                event = Event(Action.ENCRYPT_TEMPLATES, detail=detail)
                sql_audit.append(connection, actor, event)
                break
            changed += sum(_rewrite(connection, row, vault) for row in rows)
        seen, after = seen + len(rows), int(rows[-1].id)
        yield Rewritten(seen, changed, max(total, seen))
    flush_erased(engine)


def _page(connection: Connection, after: int) -> list[Row[Any]]:
    query = select(template.c.id, *sql_log.SEALED).where(template.c.id > after)
    query = query.order_by(template.c.id).limit(_AT_ONCE)
    return list(connection.execute(query))


def _rewrite(connection: Connection, row: Row[Any], vault: Vault) -> bool:
    if vault.is_current(row.vector):
        return False
    whose = sql_log.whose(row)
    sealed = vault.seal(vault.open(row.vector, whose), whose)
    connection.execute(update(template).where(template.c.id == row.id).values(vector=sealed))
    return True


def _forget_others(connection: Connection, vault: Vault) -> None:
    others = encryption_key.c.name.not_in(vault.names[:1])
    connection.execute(delete(encryption_key).where(others))


def _proof_of(name: str) -> str:
    return f"proof {name}"

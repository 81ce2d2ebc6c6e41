"""Which encryption keys a database was written with, and writing it anew with another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, Row, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from service.adapters import sql_audit, sql_crops, sql_log
from service.adapters.sql_engine import flush_erased, reading, writing
from service.adapters.sql_tables import crop, encryption_key, reembedded, template
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


@dataclass(frozen=True, slots=True, eq=False)
class _Sealed:
    """A column of sealed content; `rows` has its `key`, its `content`, and what tells the owner."""

    key: Column[Any]
    content: Column[Any]
    rows: Select[Any]
    owner: Callable[[Row[Any]], str]


_OF_A_TEMPLATE = (template.c.subject, template.c.template_id)
_SEALED = (
    _Sealed(
        reembedded.c.template,
        reembedded.c.vector,
        select(reembedded.c.template.label("key"), reembedded.c.vector.label("content"))
        .add_columns(reembedded.c.gallery_id, *_OF_A_TEMPLATE)
        .join(template),
        sql_log.whose,
    ),
    _Sealed(
        template.c.id,
        template.c.vector,
        select(template.c.id.label("key"), template.c.vector.label("content")).add_columns(
            template.c.gallery_id, *_OF_A_TEMPLATE
        ),
        sql_log.whose,
    ),
    _Sealed(
        crop.c.template,
        crop.c.pixels,
        select(crop.c.template.label("key"), crop.c.pixels.label("content"))
        .add_columns(*_OF_A_TEMPLATE)
        .join(template),
        lambda row: sql_crops.owner(row.subject, row.template_id),
    ),
)
"""All that the vault has sealed in the database. New vectors come first: a switch moves them to the
templates."""


def rewrite(engine: Engine, vault: Vault, actor: Actor) -> Iterator[Rewritten]:
    """Seal templates and crops with the newest key, a few in each transaction, while others work.

    Broken off and begun again, it passes over what is done. At the end the older keys are no longer
    needed; what is enrolled meanwhile by a process that still writes with an older key is met
    too, as it comes last.
    """
    with reading(engine) as connection:
        total = sum(_count(connection, one) for one in _SEALED)
    after = dict.fromkeys(_SEALED, 0)
    seen = changed = 0
    while True:
        with writing(engine) as connection:
            one, rows = _next(connection, after)
            if not rows:
                _forget_others(connection, vault)
                detail: Detail = {"key": vault.names[0], "templates": changed}
                event = Event(Action.ENCRYPT_TEMPLATES, detail=detail)
                sql_audit.append(connection, actor, event)
                break
            changed += sum(_rewrite(connection, one, row, vault) for row in rows)
        seen, after[one] = seen + len(rows), int(rows[-1].key)
        yield Rewritten(seen, changed, max(total, seen))
    flush_erased(engine)


def _next(connection: Connection, after: dict[_Sealed, int]) -> tuple[_Sealed, list[Row[Any]]]:
    """Some rows of the first column that has any left; none are left of the last one in the end."""
    for one, last in after.items():
        query = one.rows.where(one.key > last).order_by(one.key).limit(_AT_ONCE)
        # Locked: a switch to another model must not put a new vector there between read and write.
        rows = list(connection.execute(query.with_for_update(of=one.key.table)))
        if rows:
            break
    return one, rows


def _count(connection: Connection, one: _Sealed) -> int:
    return int(connection.execute(select(func.count(one.key))).scalar_one())


def _rewrite(connection: Connection, one: _Sealed, row: Row[Any], vault: Vault) -> bool:
    if vault.is_current(row.content):
        return False
    whose = one.owner(row)
    sealed = vault.seal(vault.open(row.content, whose), whose)
    anew = update(one.key.table).where(one.key == row.key)
    connection.execute(anew.values({one.content: sealed}))
    return True


def _forget_others(connection: Connection, vault: Vault) -> None:
    others = encryption_key.c.name.not_in(vault.names[:1])
    connection.execute(delete(encryption_key).where(others))


def _proof_of(name: str) -> str:
    return f"proof {name}"

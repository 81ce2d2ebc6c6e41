"""SQL of the change log: what was added to a gallery and removed from it, in commit order."""

import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    not_,
    select,
    update,
)

from service.adapters.sql_tables import change, gallery, reembedded, reembedding, template
from service.adapters.vault import Vault
from service.core.gallery import Change, Changes, Mark

_STORED = np.dtype("<f4")
_AT_ONCE = 500
"""How many ids stand in one IN (...)."""


def append(
    connection: Connection, gallery_id: int, templates: Sequence[int], *, added: bool
) -> None:
    """Log that templates were added or removed, in this transaction.

    Numbers grow in the order of commits, so that whoever has seen n never meets a number below n
    later. The row of the gallery holds the counter: on PostgreSQL, UPDATE locks that row until the
    commit, and the next writer of the gallery waits; SQLite has a single writer anyway.

    What is removed from a gallery that is being re-embedded goes from its successor too.
    """
    if not added:
        for successor, gone in _embedded_anew(connection, gallery_id, templates).items():
            _append(connection, successor, gone, added=False)
    _append(connection, gallery_id, templates, added=added)


def _append(
    connection: Connection, gallery_id: int, templates: Sequence[int], *, added: bool
) -> None:
    count = len(templates)
    if not count:
        return
    counters = {"head": gallery.c.head + count}
    if not added:
        counters |= {"erased": gallery.c.head + count, "removals": gallery.c.removals + count}
    counted = update(gallery).where(gallery.c.id == gallery_id).values(counters)
    head = connection.execute(counted.returning(gallery.c.head)).scalar_one()
    row = {"gallery_id": gallery_id, "added": added, "token": 1 + secrets.randbelow(2**62)}
    first = int(head) - count + 1
    rows = [
        row | {"seq": first + place, "template": number} for place, number in enumerate(templates)
    ]
    connection.execute(insert(change), rows)


def _embedded_anew(
    connection: Connection, gallery_id: int, templates: Sequence[int]
) -> dict[int, list[int]]:
    """Those of the templates that the gallery's successor holds already, if it has one."""
    query = select(reembedded.c.gallery_id, reembedded.c.template).join(
        reembedding, reembedding.c.successor == reembedded.c.gallery_id
    )
    query = query.where(reembedding.c.gallery_id == gallery_id)
    found: dict[int, list[int]] = {}
    for start in range(0, len(templates), _AT_ONCE):
        some = reembedded.c.template.in_(templates[start : start + _AT_ONCE])
        for successor, number in connection.execute(query.where(some)):
            found.setdefault(int(successor), []).append(int(number))
    return found


def head(connection: Connection, gallery_id: int) -> int:
    """The newest committed number; 0 for a gallery that is not there."""
    query = select(gallery.c.head).where(gallery.c.id == gallery_id)
    return int(connection.execute(query).scalar() or 0)


def marks(connection: Connection, galleries: Sequence[int]) -> dict[int, Mark]:
    """See `service.core.ports.Log.marks`."""
    columns = (gallery.c.head, gallery.c.floor, gallery.c.erased, gallery.c.removals)
    found: dict[int, Mark] = {}
    for start in range(0, len(galleries), _AT_ONCE):
        some = gallery.c.id.in_(galleries[start : start + _AT_ONCE])
        for number, *counters in connection.execute(select(gallery.c.id, *columns).where(some)):
            found[int(number)] = Mark(*map(int, counters))
    return found


def token(connection: Connection, gallery_id: int, seq: int) -> int | None:
    """See `service.core.ports.Log.token`."""
    query = select(change.c.token).where(change.c.gallery_id == gallery_id, change.c.seq == seq)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def read(connection: Connection, gallery_id: int, after: int, limit: int, vault: Vault) -> Changes:
    """The next entries, with the vectors of added templates that are still there.

    The templates of a successor are still its predecessor's, and their new vectors elsewhere.
    """
    mark = marks(connection, [gallery_id]).get(gallery_id, Mark(0, 0, 0, 0))
    there = and_(template.c.id == change.c.template, change.c.added)
    anew = and_(there, reembedded.c.template == template.c.id)
    own = template.c.gallery_id == change.c.gallery_id
    columns: tuple[ColumnElement[Any], ...] = (
        change.c.gallery_id,
        template.c.subject,
        template.c.template_id,
        case((own, template.c.vector), else_=reembedded.c.vector).label("vector"),
    )
    query = (
        select(change.c.seq, change.c.template, *columns)
        .outerjoin(template, there)
        .outerjoin(reembedded, and_(anew, reembedded.c.gallery_id == change.c.gallery_id))
        .where(change.c.gallery_id == gallery_id, change.c.seq > after)
        .order_by(change.c.seq)
        .limit(limit)
    )
    entries = [_change(row, vault) for row in connection.execute(query)]
    return Changes(entries, mark.head, mark.floor, is_last=len(entries) < limit)


def _change(row: Row[Any], vault: Vault) -> Change:
    if row.vector is None:
        return Change(int(row.seq), int(row.template), None)
    return Change(int(row.seq), int(row.template), vector(row, vault), int(row.subject))


def compact(connection: Connection, gallery_id: int, *, keep: int) -> None:
    """Drop removals, and the additions they undo, but for the newest `keep` entries.

    Those let an index that is a little behind go on; one that is further behind begins anew. The
    caller holds the gallery's lock.
    """
    floor = head(connection, gallery_id) - keep
    old = and_(change.c.gallery_id == gallery_id, change.c.seq <= floor)
    gone = select(change.c.template).where(old, not_(change.c.added))
    dropped = connection.execute(select(func.count()).select_from(gone.subquery())).scalar_one()
    if dropped:
        connection.execute(delete(change).where(old, change.c.template.in_(gone)))
        values = {"floor": floor, "removals": gallery.c.removals - dropped}
        connection.execute(update(gallery).where(gallery.c.id == gallery_id).values(values))


def worth_compacting(connection: Connection, least: int) -> list[int]:
    """Galleries whose log has `least` removals, and one for every four templates."""
    templates = (
        select(func.count())
        .select_from(template)
        .where(template.c.gallery_id == gallery.c.id)
        .scalar_subquery()
    )
    many = select(gallery.c.id).where(gallery.c.removals >= least)
    query = many.where(gallery.c.removals * 4 >= templates)
    return [int(number) for number in connection.execute(query).scalars()]


SEALED: tuple[Column[Any], ...] = (
    template.c.gallery_id,
    template.c.subject,
    template.c.template_id,
    template.c.vector,
)
"""The columns from which `vector` reads."""


def vector(row: Row[Any], vault: Vault) -> NDArray[np.float32]:
    """(d,) float32 of a row with the columns `SEALED`; raises VaultError."""
    plain = vault.open(row.vector, whose(row))
    return np.frombuffer(plain, dtype=_STORED).astype(np.float32, copy=False)


def stored(content: NDArray[np.float32], vault: Vault, whose: str) -> bytes:
    """The bytes that `vector` reads."""
    return vault.seal(np.ascontiguousarray(content, dtype=_STORED).tobytes(), whose)


def whose(row: Row[Any]) -> str:
    """What the vector of a row with the columns `SEALED` is bound to: see `owner`."""
    return owner(row.gallery_id, row.subject, row.template_id)


def owner(gallery: int, subject: int, template_id: str) -> str:
    """Binds a vector to its template, subject and gallery: put elsewhere, it cannot be opened."""
    return f"template {gallery}/{subject}/{template_id}"

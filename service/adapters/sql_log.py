"""SQL of the change log: what was added to a gallery and removed from it, in commit order."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Connection, Row, and_, insert, select, update

from service.adapters.sql_tables import change, gallery, template
from service.adapters.vault import Vault
from service.core.gallery import Change

_STORED = np.dtype("<f4")


def append(
    connection: Connection, gallery_id: int, templates: Sequence[int], *, added: bool
) -> None:
    """Log that templates were added or removed, in this transaction.

    Numbers grow in the order of commits, so that whoever has seen n never meets a number below n
    later. The row of the gallery holds the counter: on PostgreSQL, UPDATE locks that row until the
    commit, and the next writer of the gallery waits; SQLite has a single writer anyway.
    """
    count = len(templates)
    counted = update(gallery).where(gallery.c.id == gallery_id)
    counted = counted.values(head=gallery.c.head + count)
    head = connection.execute(counted.returning(gallery.c.head)).scalar_one()
    first = int(head) - count + 1
    rows = [
        {"gallery_id": gallery_id, "seq": first + place, "template": number, "added": added}
        for place, number in enumerate(templates)
    ]
    if rows:
        connection.execute(insert(change), rows)


def head(connection: Connection, gallery_id: int) -> int:
    """The newest committed number; 0 for a gallery that is not there."""
    query = select(gallery.c.head).where(gallery.c.id == gallery_id)
    return int(connection.execute(query).scalar() or 0)


def read(
    connection: Connection, gallery_id: int, after: int, limit: int, vault: Vault
) -> list[Change]:
    """The next entries, with the vectors of added templates that are still there."""
    there = and_(template.c.id == change.c.template, change.c.added)
    query = (
        select(change.c.seq, change.c.template, *SEALED)
        .outerjoin(template, there)
        .where(change.c.gallery_id == gallery_id, change.c.seq > after)
        .order_by(change.c.seq)
        .limit(limit)
    )
    return [
        Change(int(row.seq), int(row.template), None if row.vector is None else vector(row, vault))
        for row in connection.execute(query)
    ]


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

"""SQL of the audit. Triggers of the database forbid to change or delete an entry."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, outerjoin, select, update

from service.adapters.sql_engine import reading
from service.adapters.sql_tables import audit, audit_head
from service.adapters.sql_tables import subject as subject_table
from service.core.access import Actor
from service.core.audit import Entry, Event, Head, following
from service.core.gallery import Page

_COLUMNS = [audit.c[field.name] for field in fields(Entry) if field.name in audit.c]
_AT_ONCE = 1000


def append(connection: Connection, actor: Actor, event: Event, subject: int | None = None) -> None:
    """Write down what `actor` does in this transaction, as the last thing before its commit.

    `subject` is the row of the subject that it is done to.

    On PostgreSQL the row of the head is locked until the commit, so that the entries of all workers
    make one chain; taken last, this lock is held for the commit only, and no other is waited for
    meanwhile. SQLite has a single writer anyway.
    """
    entry = following(head(connection, lock=True), actor, event, subject)
    values = {column.name: getattr(entry, column.name) for column in _COLUMNS}
    connection.execute(insert(audit).values(values))
    connection.execute(update(audit_head).values(seq=entry.seq, hash=entry.hash))


def head(connection: Connection, *, lock: bool = False) -> Head:
    """The newest entry, as noted apart from the entries."""
    query = select(audit_head.c.seq, audit_head.c.hash)
    row = connection.execute(query.with_for_update() if lock else query).one()
    return Head(int(row.seq), row.hash)


def newest_time(connection: Connection) -> datetime | None:
    """When the newest entry was written; None before the first."""
    return connection.execute(select(audit.c.at).order_by(audit.c.seq.desc()).limit(1)).scalar()


def beyond_head(connection: Connection) -> int:
    """How many entries stand after the newest that is noted: none, unless somebody put them there.

    One statement, so that what is being written meanwhile is seen as a whole or not at all.
    """
    newest = select(audit_head.c.seq).scalar_subquery()
    count = select(func.count()).select_from(audit).where(audit.c.seq > newest)
    return int(connection.execute(count).scalar_one())


def page(
    connection: Connection,
    actor: Actor,
    before: int,
    limit: int,
    *,
    gallery: str | None,
    subject_id: str | None,
) -> Page[Entry]:
    """See `service.core.ports.Store.audit`."""
    named = outerjoin(audit, subject_table, subject_table.c.id == audit.c.subject)
    columns = [*_COLUMNS, subject_table.c.subject_id]
    query = select(*columns).select_from(named)
    query = query.order_by(audit.c.seq.desc()).limit(limit + 1)
    if before:
        query = query.where(audit.c.seq < before)
    if actor.galleries is not None:
        query = query.where(audit.c.gallery.in_(actor.galleries))
    if gallery is not None:
        query = query.where(audit.c.gallery == gallery)
    if subject_id is not None:
        query = query.where(subject_table.c.subject_id == subject_id)
    found = [_entry(row) for row in connection.execute(query)]
    return Page(tuple(found[:limit]), found[limit - 1].seq if len(found) > limit else None)


def until(engine: Engine, last: Head) -> Iterator[Entry]:
    """Every entry up to `last`, oldest first, however many there are."""
    after = 0
    query = select(*_COLUMNS).order_by(audit.c.seq).limit(_AT_ONCE)
    while True:
        with reading(engine) as connection:
            some = query.where(audit.c.seq > after, audit.c.seq <= last.seq)
            entries = [_entry(row) for row in connection.execute(some)]
        yield from entries
        if len(entries) < _AT_ONCE:
            return
        after = entries[-1].seq


def _entry(row: Row[Any]) -> Entry:
    return Entry(**row._mapping)

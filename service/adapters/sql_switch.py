"""SQL of putting a successor in a gallery's place; each function runs in its caller's transaction.

The caller holds the lock of the gallery.
"""

from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from service.adapters.sql_tables import (
    gallery,
    idempotency,
    job,
    reembedded,
    reembedding,
    subject,
    template,
)
from service.core.jobs import JobState

OF_A_MODEL = frozenset(
    {"id", "model_name", "model_identity", "dimension", "head", "erased", "floor", "removals"}
)
"""Columns of a gallery that its successor has of its own; all others go over to it."""

GOES_OVER = (subject, job)
"""Tables, beside that of templates, whose rows go over to the successor."""


def imports_under_way(connection: Connection, gallery_id: int) -> int:
    """Imports into a gallery that have not ended: their uploads are known by its id."""
    unended = job.c.state.in_((JobState.QUEUED, JobState.RUNNING))
    query = select(func.count()).where(job.c.gallery_id == gallery_id, unended)
    return int(connection.execute(query).scalar_one())


def leave_out(connection: Connection, unusable: Select[Any]) -> None:
    """Erase templates and the answers that told of them; their log goes with the gallery."""
    rows = unusable.subquery()
    these = template.c.id.in_(select(rows.c.id))
    theirs = idempotency.c.subject.in_(select(template.c.subject).where(these))
    connection.execute(delete(idempotency).where(theirs))
    connection.execute(delete(template).where(these))


def put_in_place(connection: Connection, old: int, successor: int) -> None:
    """The successor gets name, settings, subjects, templates and jobs; the old gallery goes.

    Every template has a new vector, sealed as the successor's.
    """
    anew = select(reembedded.c.vector).where(reembedded.c.template == template.c.id)
    values = {"gallery_id": successor, "vector": anew.scalar_subquery()}
    connection.execute(update(template).where(template.c.gallery_id == old).values(values))
    for table in GOES_OVER:
        theirs = update(table).where(table.c.gallery_id == old)
        connection.execute(theirs.values(gallery_id=successor))
    connection.execute(delete(reembedded).where(reembedded.c.gallery_id == successor))
    connection.execute(delete(reembedding).where(reembedding.c.gallery_id == old))
    kept = [column for column in gallery.c if column.name not in OF_A_MODEL]
    row = connection.execute(select(*kept).where(gallery.c.id == old)).one()
    connection.execute(delete(gallery).where(gallery.c.id == old))  # and its log, by cascade
    settings: dict[str, Any] = {column.key: row._mapping[column] for column in kept}
    connection.execute(update(gallery).where(gallery.c.id == successor).values(settings))

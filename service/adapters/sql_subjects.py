"""SQL of subjects and their templates; each function runs in its caller's transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from service.adapters import sql_filter, sql_galleries, sql_log
from service.adapters.sql_tables import gallery as gallery_table
from service.adapters.sql_tables import idempotency, subject, template
from service.adapters.vault import Vault
from service.core.errors import UnknownSubject, UnknownTemplate
from service.core.gallery import (
    Gallery,
    Owner,
    Page,
    Subject,
    SubjectChange,
)
from service.core.metadata_filter import MetadataFilter

_AT_ONCE = 500
"""How many ids stand in one IN (...)."""


def get(connection: Connection, gallery: Gallery, subject_id: str) -> tuple[int, Subject]:
    """A subject and its row's id; raises UnknownSubject, or as `sql_galleries.require` does."""
    query = _with_count().where(
        subject.c.gallery_id == gallery.id, subject.c.subject_id == subject_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        sql_galleries.require(connection, gallery)
        raise UnknownSubject(f"No subject of {gallery.name} has the id {subject_id!r}.")
    return int(row.id), _subject(row)


def page(
    connection: Connection,
    gallery: Gallery,
    after: int,
    limit: int,
    wanted: MetadataFilter | None,
) -> Page[Subject]:
    """Subjects that are meant and whose row has an id above `after`."""
    query = (
        _with_count()
        .where(subject.c.gallery_id == gallery.id, subject.c.id > after)
        .order_by(subject.c.id)
        .limit(limit + 1)
    )
    if wanted is not None:
        query = query.where(sql_filter.matches(wanted, connection.dialect))
    rows = connection.execute(query).all()
    if not rows:
        sql_galleries.require(connection, gallery)
    following = int(rows[limit - 1].id) if len(rows) > limit else None
    return Page(tuple(_subject(row) for row in rows[:limit]), following)


def matching(connection: Connection, gallery: Gallery, wanted: MetadataFilter) -> list[int]:
    """Row ids of the subjects that are meant."""
    query = select(subject.c.id).where(
        subject.c.gallery_id == gallery.id, sql_filter.matches(wanted, connection.dialect)
    )
    return list(connection.execute(query).scalars())


def put(connection: Connection, gallery: Gallery, subject_id: str, change: SubjectChange) -> int:
    """Make the subject if it is not there, apply `change`; returns its row's id."""
    try:
        row, _ = get(connection, gallery, subject_id)
    except UnknownSubject:
        now = datetime.now(UTC)
        values = {"gallery_id": gallery.id, "subject_id": subject_id, "name": None, "meta": {}}
        values |= {"created_at": now, "updated_at": now} | _values(change)
        result = connection.execute(insert(subject).values(values).returning(subject.c.id))
        return int(result.scalar_one())
    apply(connection, row, change)
    return row


def apply(connection: Connection, row: int, change: SubjectChange) -> None:
    """Change what `change` names."""
    values = _values(change) | {"updated_at": datetime.now(UTC)}
    connection.execute(update(subject).where(subject.c.id == row).values(values))


def number(connection: Connection, gallery: str | None, subject_id: str | None) -> int | None:
    """The row of the subject with this id in the gallery of this name; None where there is none."""
    query = select(subject.c.id).join(gallery_table).where(gallery_table.c.name == gallery)
    found = connection.execute(query.where(subject.c.subject_id == subject_id)).scalar()
    return None if found is None else int(found)


def erase(connection: Connection, gallery: Gallery, subject_id: str) -> int:
    """Delete a subject, its templates (by cascade), and log their going; returns its row's id."""
    row, _ = get(connection, gallery, subject_id)
    gone = connection.execute(select(template.c.id).where(template.c.subject == row)).scalars()
    sql_log.append(connection, gallery.id, [int(number) for number in gone], added=False)
    connection.execute(delete(subject).where(subject.c.id == row))
    return row


def erase_template(connection: Connection, gallery: Gallery, template_id: str) -> int:
    """Delete a template and the answers that told of it, and log its going; its subject's row."""
    query = select(template.c.id, template.c.subject).where(
        template.c.gallery_id == gallery.id, template.c.template_id == template_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownTemplate(f"No template of {gallery.name} has the id {template_id[:80]!r}.")
    sql_log.append(connection, gallery.id, [int(row.id)], added=False)
    connection.execute(delete(template).where(template.c.id == row.id))
    connection.execute(delete(idempotency).where(idempotency.c.subject == row.subject))
    apply(connection, int(row.subject), {})
    return int(row.subject)


def image_sums(connection: Connection, gallery: Gallery, subject_id: str) -> frozenset[str]:
    """sha256 of the images of a subject's templates."""
    query = select(template.c.image_sha256).join(subject, subject.c.id == template.c.subject)
    query = query.where(subject.c.gallery_id == gallery.id, subject.c.subject_id == subject_id)
    return frozenset(connection.execute(query).scalars())


def vectors(connection: Connection, row: int, dimension: int, vault: Vault) -> NDArray[np.float32]:
    """(n, dimension) of a subject's templates."""
    query = select(*sql_log.SEALED).where(template.c.subject == row).order_by(template.c.id)
    found = [sql_log.vector(one, vault) for one in connection.execute(query)]
    return np.array(found, dtype=np.float32).reshape(-1, dimension)


def owners(connection: Connection, gallery: Gallery, numbers: Sequence[int]) -> dict[int, Owner]:
    """Owners of those of the templates that are there; raises as `sql_galleries.require` does."""
    found: dict[int, Owner] = {}
    query = select(
        template.c.id, template.c.template_id, subject.c.subject_id, subject.c.name
    ).join(subject, subject.c.id == template.c.subject)
    for start in range(0, len(numbers), _AT_ONCE):
        some = template.c.id.in_(numbers[start : start + _AT_ONCE])
        for row in connection.execute(query.where(template.c.gallery_id == gallery.id, some)):
            found[int(row.id)] = Owner(row.subject_id, row.name, row.template_id)
    if not found or len(found) < len(numbers):
        sql_galleries.require(connection, gallery)
    return found


def _with_count() -> Select[Any]:
    count = (
        select(func.count())
        .select_from(template)
        .where(template.c.subject == subject.c.id)
        .scalar_subquery()
    )
    return select(subject, count.label("templates"))


def _subject(row: Row[Any]) -> Subject:
    return Subject(
        subject_id=row.subject_id,
        name=row.name,
        metadata=row.meta,
        created_at=row.created_at,
        updated_at=row.updated_at,
        template_count=row.templates,
    )


def _values(change: SubjectChange) -> dict[str, Any]:
    names = {"name": "name", "metadata": "meta"}
    return {names[key]: value for key, value in change.items()}

"""SQL that shows templates; each function runs in its caller's transaction."""

import dataclasses
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, Select, select

from faces.modality import Modality
from faces.quality import Quality
from service.adapters import sql_galleries
from service.adapters.sql_tables import crop, subject, template
from service.core.errors import UnknownTemplate
from service.core.gallery import FaceFound, Gallery, Page, SubjectTemplate, Template

_Face = TypeAdapter(FaceFound)
_QUALITY_FIELDS = {field.name for field in dataclasses.fields(Quality)}


def of_subject(connection: Connection, row: int) -> list[Template]:
    """The templates of a subject, oldest first."""
    rows = connection.execute(_templates().where(subject.c.id == row).order_by(template.c.id))
    return [_template(one).template for one in rows]


def get(connection: Connection, gallery: Gallery, template_id: str) -> SubjectTemplate:
    """One template; raises UnknownTemplate."""
    query = _templates().where(
        template.c.gallery_id == gallery.id, template.c.template_id == template_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        sql_galleries.require(connection, gallery)
        raise UnknownTemplate(f"No template of {gallery.name} has the id {template_id[:80]!r}.")
    return _template(row)


def page(connection: Connection, gallery: Gallery, after: int, limit: int) -> Page[SubjectTemplate]:
    """Templates whose row has an id above `after`."""
    query = _templates().where(template.c.gallery_id == gallery.id, template.c.id > after)
    rows = connection.execute(query.order_by(template.c.id).limit(limit + 1)).all()
    if not rows:
        sql_galleries.require(connection, gallery)
    following = int(rows[limit - 1].id) if len(rows) > limit else None
    return Page(tuple(_template(row) for row in rows[:limit]), following)


def _templates() -> Select[Any]:
    columns = (
        template.c.id,
        template.c.template_id,
        template.c.modality,
        template.c.face,
        template.c.quality,
        template.c.created_at,
        crop.c.kind,
        subject.c.subject_id,
    )
    query = select(*columns).join(subject, subject.c.id == template.c.subject)
    return query.outerjoin(crop, crop.c.template == template.c.id)


def _template(row: Row[Any]) -> SubjectTemplate:
    quality = {name: value for name, value in row.quality.items() if name in _QUALITY_FIELDS}
    found = Template(
        template_id=row.template_id,
        modality=Modality(row.modality),
        face=_Face.validate_python(row.face),
        quality=Quality(**quality),
        created_at=row.created_at,
        crop_kept=row.kind is not None,
    )
    return SubjectTemplate(row.subject_id, found)

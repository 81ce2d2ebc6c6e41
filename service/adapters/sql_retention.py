"""SQL of what galleries keep no longer; each function runs in its caller's transaction."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, select

from service.adapters import sql_subjects, sql_turns
from service.adapters.sql_tables import subject, template
from service.core.audit import Action, Detail, Event
from service.core.gallery import Gallery

_AT_ONCE = 100

Erased = tuple[Event, int]
"""What was done, and the number of the subject that it was done to."""


def is_due(connection: Connection, gallery: Gallery, now: datetime) -> bool:
    """Whether anything of the gallery has to go."""
    if (days := gallery.settings.retention_days) is None:
        return False
    cutoff = now - timedelta(days=days)
    queries = (_subjects(gallery, cutoff), _templates(gallery, cutoff))
    return any(connection.execute(query.limit(1)).first() for query in queries)


def erase(connection: Connection, gallery: Gallery, now: datetime) -> list[Erased]:
    """Erase some of what has to go; nothing is left where nothing was erased.

    The caller holds the gallery's lock, and `gallery` is as it stands since then.
    """
    if (days := gallery.settings.retention_days) is None:
        return []
    cutoff = now - timedelta(days=days)
    gone = [
        _subject(connection, gallery, one, days)
        for one in connection.execute(_subjects(gallery, cutoff).limit(_AT_ONCE)).scalars().all()
    ]
    return gone or [
        _template(connection, gallery, one, days)
        for one in connection.execute(_templates(gallery, cutoff).limit(_AT_ONCE)).scalars().all()
    ]


def _subject(connection: Connection, gallery: Gallery, subject_id: str, days: int) -> Erased:
    row = sql_subjects.erase(connection, gallery, subject_id)
    sql_turns.forget_subject(connection, gallery.id, subject_id)
    detail = {"retention_days": days}
    return Event(Action.DELETE_SUBJECT, gallery.name, subject_id, detail), row


def _template(connection: Connection, gallery: Gallery, template_id: str, days: int) -> Erased:
    row = sql_subjects.erase_template(connection, gallery, template_id)
    detail: Detail = {"template": template_id, "retention_days": days}
    return Event(Action.DELETE_TEMPLATE, gallery.name, detail=detail), row


def _subjects(gallery: Gallery, cutoff: datetime) -> Select[Any]:
    """Those first enrolled before the cutoff, and with no template made since."""
    newer = exists().where(template.c.subject == subject.c.id, template.c.created_at >= cutoff)
    old = subject.c.gallery_id == gallery.id, subject.c.created_at < cutoff, ~newer
    return select(subject.c.subject_id).where(*old).order_by(subject.c.created_at)


def _templates(gallery: Gallery, cutoff: datetime) -> Select[Any]:
    old = template.c.gallery_id == gallery.id, template.c.created_at < cutoff
    return select(template.c.template_id).where(*old).order_by(template.c.created_at)

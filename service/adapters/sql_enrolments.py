"""SQL of an enrolment: subject, templates, log entries and the remembered answer, all or none."""

import dataclasses
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, select

from service.adapters import sql_alike, sql_crops, sql_log, sql_subjects
from service.adapters.sql_tables import idempotency, template
from service.adapters.vault import Vault
from service.core.enroll import ALREADY_ENROLLED
from service.core.errors import Duplicate, IdempotencyConflict, NothingEnrolled, Rejection
from service.core.gallery import (
    Alike,
    Enrolment,
    Gallery,
    NewTemplate,
    Once,
    SubjectChange,
    Template,
)

REMEMBERED_FOR = timedelta(hours=24)

_Answer = TypeAdapter(Enrolment)


def enroll(
    connection: Connection,
    gallery: Gallery,
    subject_id: str,
    change: SubjectChange,
    new: Sequence[NewTemplate],
    rejected: Sequence[Rejection],
    once: Once | None,
    alike: Alike,
    vault: Vault,
) -> Enrolment:
    """See `service.core.ports.Store.enroll`; the caller holds the gallery's lock."""
    if once and (earlier := recall(connection, once)):
        return earlier
    known = sql_subjects.image_sums(connection, gallery, subject_id)
    fresh = [one for one in new if one.image_sha256 not in known]
    late = [_late(one) for one in new if one.image_sha256 in known]
    refused = sorted([*rejected, *late], key=lambda rejection: rejection.index)
    if not fresh:
        raise NothingEnrolled(refused)
    row = sql_subjects.put(connection, gallery, subject_id, change)
    others = sql_alike.with_later(connection, gallery.id, alike, row, fresh, vault)
    templates = _add(connection, gallery, row, fresh, vault)
    _, subject = sql_subjects.get(connection, gallery, subject_id)
    enrolment = Enrolment(subject, gallery.name, tuple(templates), tuple(refused), alike=others)
    if once:
        _remember(connection, once, row, enrolment)
    return enrolment


def recall(connection: Connection, once: Once) -> Enrolment | None:
    """The remembered answer; raises IdempotencyConflict where it answered something else."""
    query = select(idempotency.c.fingerprint, idempotency.c.answer).where(
        idempotency.c.key == once.key, idempotency.c.created_at > _horizon()
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.fingerprint != once.fingerprint:
        raise IdempotencyConflict("This Idempotency-Key was used for another request.")
    return dataclasses.replace(_Answer.validate_json(row.answer), replayed=True)


def _remember(connection: Connection, once: Once, row: int, enrolment: Enrolment) -> None:
    connection.execute(delete(idempotency).where(idempotency.c.created_at <= _horizon()))
    connection.execute(
        insert(idempotency).values(
            key=once.key,
            fingerprint=once.fingerprint,
            subject=row,
            answer=_Answer.dump_json(enrolment).decode(),
            created_at=datetime.now(UTC),
        )
    )


def _horizon() -> datetime:
    return datetime.now(UTC) - REMEMBERED_FOR


def _late(new: NewTemplate) -> Rejection:
    return Rejection.of(new.index, Duplicate(ALREADY_ENROLLED))


def _add(
    connection: Connection, gallery: Gallery, row: int, new: Sequence[NewTemplate], vault: Vault
) -> list[Template]:
    numbers, templates = [], []
    for one in new:
        made = Template(
            template_id=uuid.uuid4().hex,
            modality=one.encoded.modality,
            face=one.encoded.face,
            quality=one.encoded.quality,
            created_at=datetime.now(UTC),
            index=one.index,
            crop_kept=one.encoded.crop is not None,
        )
        owner = sql_log.owner(gallery.id, row, made.template_id)
        values = {
            "template_id": made.template_id,
            "gallery_id": gallery.id,
            "subject": row,
            "vector": sql_log.stored(one.encoded.vector, vault, owner),
            "modality": str(made.modality),
            "image_sha256": one.image_sha256,
            "face": dataclasses.asdict(made.face),
            "quality": dataclasses.asdict(made.quality),
            "created_at": made.created_at,
        }
        result = connection.execute(insert(template).values(values).returning(template.c.id))
        number = int(result.scalar_one())
        if one.encoded.crop is not None:
            kept = one.encoded.crop
            sql_crops.keep(connection, number, row, made.template_id, kept, vault)
        numbers.append(number)
        templates.append(made)
    sql_log.append(connection, gallery.id, numbers, added=True)
    return templates

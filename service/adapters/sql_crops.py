"""SQL of kept crops; each function runs in its caller's transaction."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    delete,
    insert,
    literal,
    select,
)

from faces.modality import Modality
from service.adapters.sql_tables import crop, reembedded, subject, template
from service.adapters.vault import Vault
from service.core.errors import VaultError
from service.core.gallery import Crop
from service.core.reembedding import Pending, Reason, Reenrolment, Target


def keep(
    connection: Connection, number: int, subject: int, template_id: str, kept: Crop, vault: Vault
) -> None:
    """Store the crop of a template; raises VaultError without a key: it is an image of a face."""
    if not vault.names:
        raise VaultError("Without an encryption key no crop is kept.")
    pixels = vault.seal(kept.pixels, owner(subject, template_id))
    values = {"template": number, "kind": kept.kind, "pixels": pixels}
    connection.execute(insert(crop).values(values))


def owner(subject: int, template_id: str) -> str:
    """Binds a crop to its template and subject; a switch to another model changes neither."""
    return f"crop {subject}/{template_id}"


def erase(connection: Connection, gallery_id: int) -> int:
    """Erase the crops of a gallery; how many there were."""
    mine = select(template.c.id).where(template.c.gallery_id == gallery_id)
    return connection.execute(delete(crop).where(crop.c.template.in_(mine))).rowcount


def pending(
    connection: Connection, gallery_id: int, target: Target, after: int, limit: int, vault: Vault
) -> list[Pending]:
    """Templates without a new vector whose crop the target takes, opened."""
    columns = (template.c.id, template.c.subject, template.c.template_id, template.c.modality)
    query = _of_gallery(gallery_id, select(*columns, crop.c.pixels))
    query = query.where(_reason(target).is_(None), template.c.id > after)
    rows = connection.execute(query.order_by(template.c.id).limit(limit))
    return [_pending(row, vault) for row in rows]


def reenrolments(gallery_id: int, target: Target | None) -> Select[Any]:
    """Number, subject, id and reason of the templates that the target cannot embed anew."""
    reason = _reason(target)
    columns = (
        template.c.id,
        subject.c.subject_id,
        template.c.template_id,
        reason.label("reason"),
    )
    query = _of_gallery(gallery_id, select(*columns)).where(reason.is_not(None))
    return query.join(subject, subject.c.id == template.c.subject)


def reenrolment(row: Row[Any]) -> Reenrolment:
    """From a row of `reenrolments`."""
    return Reenrolment(row.subject_id, row.template_id, Reason(row.reason))


def _of_gallery(gallery_id: int, query: Select[Any]) -> Select[Any]:
    """Of a gallery's templates that have no new vector yet, with their crop if there is one."""
    return (
        query.select_from(template)
        .outerjoin(crop, crop.c.template == template.c.id)
        .outerjoin(reembedded, reembedded.c.template == template.c.id)
        .where(template.c.gallery_id == gallery_id, reembedded.c.template.is_(None))
    )


def _reason(target: Target | None) -> ColumnElement[str | None]:
    """Why a template cannot be embedded anew; null where it can."""
    none = crop.c.template.is_(None)
    if target is None:
        return case((none, literal(Reason.NO_CROP.value)), else_=None)
    return case(
        (
            template.c.modality.not_in(target.modalities),
            literal(Reason.UNSUPPORTED_MODALITY.value),
        ),
        (none, literal(Reason.NO_CROP.value)),
        (and_(crop.c.kind != target.crop_kind), literal(Reason.OTHER_CROP.value)),
        else_=None,
    )


def _pending(row: Row[Any], vault: Vault) -> Pending:
    pixels = vault.open(row.pixels, owner(row.subject, row.template_id))
    return Pending(int(row.id), pixels, Modality(row.modality))

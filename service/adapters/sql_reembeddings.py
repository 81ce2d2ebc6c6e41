"""Re-embeddings on SQL; leaving `writing` means: committed. Locks: gallery, successor, audit."""

from collections.abc import Callable, Sequence
from copy import copy
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select

from faces.modality import Modality
from service.adapters import sql_audit, sql_crops, sql_galleries, sql_log, sql_switch
from service.adapters.sql_engine import flush_erased, reading, writing
from service.adapters.sql_tables import gallery as gallery_table
from service.adapters.sql_tables import reembedded, reembedding, template
from service.adapters.vault import PLAIN, Vault
from service.core.access import SERVICE, Actor
from service.core.audit import Action, Detail, Event
from service.core.errors import NotYet, ReembeddingRefused
from service.core.gallery import Gallery, Model, Page
from service.core.reembedding import Pending, Progress, Reembedding, Reenrolment, Target


class SqlReembeddings:
    """Obeys `service.core.reembedding.Reembeddings`. Safe to share between threads.

    `on_erasure` removes what of a gallery lies elsewhere on disk: see `SqlStore`.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault = PLAIN,
        on_erasure: Callable[[int], None] = lambda gallery: None,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._on_erasure = on_erasure
        self._actor = SERVICE

    def acting_for(self, actor: Actor) -> "SqlReembeddings":
        """See `Reembeddings`."""
        other = copy(self)
        other._actor = actor
        return other

    def begin(self, gallery: Gallery, target: Target) -> Reembedding:
        """See `Reembeddings`."""
        with writing(self._engine) as connection:
            sql_galleries.lock(connection, gallery)
            there = _found(connection, gallery)
            if there is None:
                return self._begin(connection, gallery, target)
        if there.target != target:
            raise ReembeddingRefused(
                f"{gallery.name} is being re-embedded for {there.target.model.name} "
                f"({there.target.model.identity[:12]}) already: cancel that first."
            )
        return there

    def of(self, gallery: Gallery) -> Reembedding | None:
        """See `Reembeddings`."""
        with reading(self._engine) as connection:
            return _found(connection, gallery)

    def progress(self, gallery: Gallery, target: Target | None) -> Progress:
        """See `Reembeddings`."""
        with reading(self._engine) as connection:
            return _progress(connection, gallery, target)

    def reenrolments(
        self, gallery: Gallery, target: Target | None, after: int, limit: int
    ) -> Page[Reenrolment]:
        """See `Reembeddings`."""
        query = sql_crops.reenrolments(gallery.id, target).where(template.c.id > after)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(template.c.id).limit(limit + 1)).all()
        following = int(rows[limit - 1].id) if len(rows) > limit else None
        return Page(tuple(sql_crops.reenrolment(row) for row in rows[:limit]), following)

    def pending(self, one: Reembedding, after: int, limit: int) -> Sequence[Pending]:
        """See `Reembeddings`."""
        with reading(self._engine) as connection:
            return sql_crops.pending(
                connection, one.gallery.id, one.target, after, limit, self._vault
            )

    def add(self, one: Reembedding, vectors: Sequence[tuple[int, NDArray[np.float32]]]) -> None:
        """See `Reembeddings`."""
        new = dict(vectors)
        with writing(self._engine) as connection:
            _lock(connection, one)
            rows = connection.execute(_still_needed(one.gallery.id, list(new))).all()
            if not rows:
                return
            made = [self._row(one.successor, row, new[int(row.id)]) for row in rows]
            connection.execute(insert(reembedded), made)
            sql_log.append(connection, one.successor, [int(row.id) for row in rows], added=True)

    def switch(self, one: Reembedding, *, leave_out: bool) -> None:
        """See `Reembeddings`."""
        with writing(self._engine) as connection:
            _lock(connection, one)
            at = _progress(connection, one.gallery, one.target)
            imports = sql_switch.imports_under_way(connection, one.gallery.id)
            if at.pending or imports:
                raise NotYet(at.pending, imports)
            if at.reenrolments and not leave_out:
                raise ReembeddingRefused(
                    f"{at.reenrolments:,} templates of {one.gallery.name} cannot be embedded anew: "
                    "their subjects must be enrolled again. To go on without them, leave them out."
                )
            sql_switch.leave_out(connection, sql_crops.reenrolments(one.gallery.id, one.target))
            sql_switch.put_in_place(connection, one.gallery.id, one.successor)
            counts = {"templates": at.done, "left_out": at.reenrolments}
            self._note(connection, Action.SWITCH_MODEL, one, counts)
        self._on_erasure(one.gallery.id)
        self.tidy()

    def cancel(self, gallery: Gallery) -> bool:
        """See `Reembeddings`."""
        with writing(self._engine) as connection:
            sql_galleries.lock(connection, gallery)
            there = _found(connection, gallery)
            if there is None:
                return False
            connection.execute(delete(gallery_table).where(gallery_table.c.id == there.successor))
            self._note(connection, Action.CANCEL_REEMBEDDING, there)
        self._on_erasure(there.successor)
        self.tidy()
        return True

    def erase_crops(self, gallery: Gallery) -> int:
        """See `Reembeddings`."""
        with writing(self._engine) as connection:
            sql_galleries.lock(connection, gallery)
            count = sql_crops.erase(connection, gallery.id)
            event = Event(Action.ERASE_CROPS, gallery.name, detail={"crops": count})
            sql_audit.append(connection, self._actor, event)
        self.tidy()
        return count

    def successors(self, model: Model) -> Sequence[int]:
        """See `Reembeddings`."""
        query = select(reembedding.c.successor).join(
            gallery_table, gallery_table.c.id == reembedding.c.successor
        )
        query = query.where(gallery_table.c.model_identity == model.identity)
        with reading(self._engine) as connection:
            return [int(number) for number in connection.execute(query).scalars()]

    def tidy(self) -> bool:
        """See `Reembeddings`."""
        return flush_erased(self._engine)

    def _row(self, successor: int, row: Row[Any], vector: NDArray[np.float32]) -> dict[str, Any]:
        whose = sql_log.owner(successor, row.subject, row.template_id)
        sealed = sql_log.stored(vector, self._vault, whose)
        return {"template": row.id, "gallery_id": successor, "vector": sealed}

    def _begin(self, connection: Connection, gallery: Gallery, target: Target) -> Reembedding:
        successor = sql_galleries.add_hidden(connection, gallery, target.model)
        begun = Reembedding(gallery, successor, target, datetime.now(UTC))
        values = {
            "gallery_id": gallery.id,
            "successor": successor,
            "crop_kind": target.crop_kind,
            "modalities": sorted(target.modalities),
            "started_at": begun.started_at,
        }
        connection.execute(insert(reembedding).values(values))
        self._note(connection, Action.BEGIN_REEMBEDDING, begun)
        return begun

    def _note(
        self,
        connection: Connection,
        action: Action,
        one: Reembedding,
        counts: dict[str, int] | None = None,
    ) -> None:
        detail: Detail = {
            "from": one.gallery.model.identity[:12],
            "to": one.target.model.identity[:12],
            **(counts or {}),
        }
        sql_audit.append(connection, self._actor, Event(action, one.gallery.name, detail=detail))


def _lock(connection: Connection, one: Reembedding) -> None:
    """Keep other writers off; raises Replaced, UnknownGallery, ReembeddingRefused."""
    sql_galleries.lock(connection, one.gallery)
    query = select(reembedding.c.gallery_id).where(reembedding.c.successor == one.successor)
    if connection.execute(query).scalar() != one.gallery.id:
        raise ReembeddingRefused(f"The re-embedding of {one.gallery.name} was cancelled.")


def _found(connection: Connection, gallery: Gallery) -> Reembedding | None:
    successor = gallery_table.alias()
    columns = (successor.c.model_name, successor.c.model_identity, successor.c.dimension)
    query = select(reembedding, *columns).join(successor, successor.c.id == reembedding.c.successor)
    row = connection.execute(query.where(reembedding.c.gallery_id == gallery.id)).one_or_none()
    return None if row is None else _reembedding(gallery, row)


def _reembedding(gallery: Gallery, row: Row[Any]) -> Reembedding:
    model = Model(row.model_name, row.model_identity, row.dimension)
    target = Target(model, row.crop_kind, frozenset(map(Modality, row.modalities)))
    return Reembedding(gallery, int(row.successor), target, row.started_at)


def _progress(connection: Connection, gallery: Gallery, target: Target | None) -> Progress:
    mine = template.c.gallery_id == gallery.id
    done = select(reembedded.c.template).join(template).where(mine)
    without = sql_crops.reenrolments(gallery.id, target)
    return Progress(
        templates=_count(connection, select(template.c.id).where(mine)),
        done=_count(connection, done),
        reenrolments=_count(connection, without),
    )


def _count(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def _still_needed(gallery_id: int, numbers: Sequence[int]) -> Select[Any]:
    query = select(template.c.id, template.c.subject, template.c.template_id)
    query = query.outerjoin(reembedded, reembedded.c.template == template.c.id)
    query = query.where(template.c.gallery_id == gallery_id, template.c.id.in_(numbers))
    return query.where(reembedded.c.template.is_(None)).order_by(template.c.id)

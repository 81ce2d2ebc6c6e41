"""The store on SQL: which calls make up a transaction. Leaving `writing` means: committed."""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, Table, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from service.adapters import sql_enrolments, sql_log, sql_subjects
from service.adapters.sql_engine import flush_erased, reading, writing
from service.adapters.sql_tables import gallery as galleries_table
from service.adapters.sql_tables import subject, template
from service.adapters.vault import PLAIN, Vault
from service.core.access import SERVICE, Actor
from service.core.errors import Busy, Duplicate, IdempotencyConflict, Rejection, UnknownGallery
from service.core.gallery import (
    Changes,
    Enrolment,
    Gallery,
    Mark,
    Model,
    NewTemplate,
    Once,
    Owner,
    Page,
    Size,
    Subject,
    SubjectChange,
    Template,
)

KEEP = 1_000
"""Entries of a log that are not compacted, and removals that make compaction worth it."""

_COUNTED = (subject, template)

log = logging.getLogger("null_face")


class SqlStore:
    """Obeys `service.core.ports.Store`. Safe to share between threads.

    `on_erasure` removes what of a gallery lies elsewhere on disk; it is called between the commit
    and the answer. `keep` entries of each log are never compacted.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault = PLAIN,
        on_erasure: Callable[[int], None] = lambda gallery: None,
        *,
        keep: int = KEEP,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._on_erasure = on_erasure
        self._keep = keep
        self._actor = SERVICE
        self._lingers = threading.Event()
        self._lingers.set()  # a process that was killed may have left something

    def acting_for(self, actor: Actor) -> "SqlStore":
        """See `Store`."""
        other = copy(self)
        other._actor = actor
        return other

    def create_gallery(self, name: str, model: Model) -> Gallery:
        """See `Store`."""
        self._actor.require_gallery(name)
        values = {
            "name": name,
            "model_name": model.name,
            "model_identity": model.identity,
            "dimension": model.dimension,
            "head": 0,
            "created_at": datetime.now(UTC),
        }
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(galleries_table).values(values))
                return _by_name(connection, name)
        except IntegrityError as error:
            raise Duplicate(f"There is a gallery called {name} already.") from error

    def gallery(self, name: str) -> Gallery:
        """See `Store`."""
        self._actor.require_gallery(name)
        with reading(self._engine) as connection:
            return _by_name(connection, name)

    def galleries(self, after: int, limit: int) -> Page[Gallery]:
        """See `Store`."""
        query = select(galleries_table).where(galleries_table.c.id > after)
        if self._actor.galleries is not None:
            query = query.where(galleries_table.c.name.in_(self._actor.galleries))
        query = query.order_by(galleries_table.c.id).limit(limit + 1)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        following = int(rows[limit - 1].id) if len(rows) > limit else None
        return Page(tuple(_gallery(row) for row in rows[:limit]), following)

    def sizes(self, galleries: Sequence[int]) -> Mapping[int, Size]:
        """See `Store`."""
        with reading(self._engine) as connection:
            subjects, templates = (_count(connection, table, galleries) for table in _COUNTED)
        return {one: Size(subjects.get(one, 0), templates.get(one, 0)) for one in galleries}

    def delete_gallery(self, gallery: Gallery) -> None:
        """See `Store`."""
        with writing(self._engine) as connection:
            _lock(connection, gallery)
            connection.execute(delete(galleries_table).where(galleries_table.c.id == gallery.id))
        self._erased(gallery)

    def tidy(self) -> None:
        """See `Store`."""
        if self._lingers.is_set() and flush_erased(self._engine):
            self._lingers.clear()
        with reading(self._engine) as connection:
            long = sql_log.worth_compacting(connection, least=self._keep)
        for number in long:
            with writing(self._engine) as connection:
                if _is_locked(connection, number):
                    sql_log.compact(connection, number, keep=self._keep)

    def recall(self, once: Once) -> Enrolment | None:
        """See `Store`."""
        with reading(self._engine) as connection:
            earlier = sql_enrolments.recall(connection, self._own(once))
        if earlier is not None:
            self._actor.require_gallery(earlier.gallery)
        return earlier

    def image_sums(self, gallery: Gallery, subject_id: str) -> frozenset[str]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_subjects.image_sums(connection, gallery, subject_id)

    def enroll(
        self,
        gallery: Gallery,
        subject_id: str,
        change: SubjectChange,
        templates: Sequence[NewTemplate],
        rejected: Sequence[Rejection],
        once: Once | None,
    ) -> Enrolment:
        """See `Store`."""
        own = once and self._own(once)
        try:
            with writing(self._engine) as connection:
                _lock(connection, gallery)
                return sql_enrolments.enroll(
                    connection, gallery, subject_id, change, templates, rejected, own, self._vault
                )
        except IntegrityError as error:
            # The gallery's lock leaves one race: the same key, at the same time, elsewhere.
            raise IdempotencyConflict("This Idempotency-Key is in use.") from error

    def subject(self, gallery: Gallery, subject_id: str) -> tuple[Subject, list[Template]]:
        """See `Store`."""
        with reading(self._engine) as connection:
            row, found = sql_subjects.get(connection, gallery, subject_id)
            return found, sql_subjects.templates(connection, row)

    def subjects(self, gallery: Gallery, after: int, limit: int) -> Page[Subject]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_subjects.page(connection, gallery, after, limit)

    def change_subject(
        self, gallery: Gallery, subject_id: str, change: SubjectChange
    ) -> tuple[Subject, list[Template]]:
        """See `Store`."""
        with writing(self._engine) as connection:
            _lock(connection, gallery)
            row, _ = sql_subjects.get(connection, gallery, subject_id)
            sql_subjects.apply(connection, row, change)
            _, changed = sql_subjects.get(connection, gallery, subject_id)
            return changed, sql_subjects.templates(connection, row)

    def delete_subject(self, gallery: Gallery, subject_id: str) -> None:
        """See `Store`."""
        with writing(self._engine) as connection:
            _lock(connection, gallery)
            sql_subjects.erase(connection, gallery, subject_id)
        self._erased(gallery)

    def delete_template(self, gallery: Gallery, template_id: str) -> None:
        """See `Store`."""
        with writing(self._engine) as connection:
            _lock(connection, gallery)
            sql_subjects.erase_template(connection, gallery, template_id)
        self._erased(gallery)

    def vectors(self, gallery: Gallery, subject_id: str) -> NDArray[np.float32]:
        """See `Store`."""
        with reading(self._engine) as connection:
            row, _ = sql_subjects.get(connection, gallery, subject_id)
            return sql_subjects.vectors(connection, row, gallery.model.dimension, self._vault)

    def owners(self, gallery: Gallery, templates: Sequence[int]) -> Mapping[int, Owner]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_subjects.owners(connection, gallery, templates)

    def head(self, gallery: int) -> int:
        """See `Log`."""
        with reading(self._engine) as connection:
            return sql_log.head(connection, gallery)

    def changes(self, gallery: int, after: int, limit: int) -> Changes:
        """See `Log`."""
        with reading(self._engine) as connection:
            return sql_log.read(connection, gallery, after, limit, self._vault)

    def _own(self, once: Once) -> Once:
        """Two callers may choose the same Idempotency-Key without knowing of each other."""
        if self._actor.key is None:
            return once
        return replace(
            once, key=hashlib.sha256(f"{self._actor.key} {once.key}".encode()).hexdigest()
        )

    def marks(self, galleries: Sequence[int]) -> Mapping[int, Mark]:
        """See `Log`."""
        with reading(self._engine) as connection:
            return sql_log.marks(connection, galleries)

    def token(self, gallery: int, seq: int) -> int | None:
        """See `Log`."""
        with reading(self._engine) as connection:
            return sql_log.token(connection, gallery, seq)

    def _erased(self, gallery: Gallery) -> None:
        """After the commit: what could not be wiped at once is wiped by `tidy`."""
        try:
            self._on_erasure(gallery.id)
            if not flush_erased(self._engine):
                self._lingers.set()
        except (Busy, OSError) as error:
            self._lingers.set()
            log.warning("what was erased lingers on disk, and is tried again: %s", error)


def _count(connection: Connection, table: Table, galleries: Sequence[int]) -> dict[int, int]:
    query = select(table.c.gallery_id, func.count()).where(table.c.gallery_id.in_(galleries))
    rows = connection.execute(query.group_by(table.c.gallery_id))
    return {int(gallery): int(count) for gallery, count in rows}


def _by_name(connection: Connection, name: str) -> Gallery:
    query = select(galleries_table).where(galleries_table.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownGallery(f"No gallery is called {name!r}.")
    return _gallery(row)


def _lock(connection: Connection, gallery: Gallery) -> None:
    """Keep other writers off the gallery until the commit (SQLite keeps them off everything).

    Raises UnknownGallery where it has been deleted since it was looked up.
    """
    if not _is_locked(connection, gallery.id):
        raise UnknownGallery(f"No gallery is called {gallery.name!r}.")


def _is_locked(connection: Connection, gallery: int) -> bool:
    """Lock a gallery's row; False where there is none."""
    query = select(galleries_table.c.id).where(galleries_table.c.id == gallery)
    return connection.execute(query.with_for_update()).one_or_none() is not None


def _gallery(row: Row[tuple[object, ...]]) -> Gallery:
    return Gallery(
        id=int(row.id),
        name=row.name,
        model=Model(row.model_name, row.model_identity, row.dimension),
        head=int(row.head),
        created_at=row.created_at,
    )

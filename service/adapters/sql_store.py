"""The store on SQL: which calls make up a transaction. Leaving `writing` means: committed."""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from service import metrics
from service.adapters import (
    sql_audit,
    sql_enrolments,
    sql_galleries,
    sql_log,
    sql_retention,
    sql_subjects,
    sql_templates,
    sql_turns,
)
from service.adapters.sql_engine import flush_erased, reading, writing
from service.adapters.vault import PLAIN, Vault
from service.core.access import SERVICE, Actor
from service.core.audit import Action, Entry, Event, enrolled
from service.core.errors import (
    Busy,
    Duplicate,
    IdempotencyConflict,
    Rejection,
    Replaced,
    UnknownGallery,
)
from service.core.gallery import (
    Alike,
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
    SubjectTemplate,
    Template,
)
from service.core.gallery_settings import SettingsChange
from service.core.jobs import ENROLLED, Step
from service.core.metadata_filter import MetadataFilter

KEEP = 1_000
"""Entries of a log that are not compacted, and removals that make compaction worth it."""

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

    @property
    def actor(self) -> Actor:
        """See `Store`."""
        return self._actor

    def acting_for(self, actor: Actor) -> "SqlStore":
        """See `Store`."""
        other = copy(self)
        other._actor = actor
        return other

    def create_gallery(self, name: str, model: Model, change: SettingsChange) -> Gallery:
        """See `Store`."""
        self._actor.require_gallery(name)
        try:
            with writing(self._engine) as connection:
                made = sql_galleries.add(connection, name, model, change)
                self._note(connection, Event(Action.CREATE_GALLERY, name))
                return made
        except IntegrityError as error:
            raise Duplicate(f"There is a gallery called {name} already.") from error

    def gallery(self, name: str) -> Gallery:
        """See `Store`."""
        self._actor.require_gallery(name)
        with reading(self._engine) as connection:
            return sql_galleries.by_name(connection, name)

    def galleries(self, after: int, limit: int) -> Page[Gallery]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_galleries.page(connection, self._actor, after, limit)

    def sizes(self, galleries: Sequence[int]) -> Mapping[int, Size]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_galleries.sizes(connection, galleries)

    def change_gallery(self, gallery: Gallery, change: SettingsChange) -> Gallery:
        """See `Store`."""
        with writing(self._engine) as connection:
            sql_galleries.lock(connection, gallery)
            changed = sql_galleries.apply(connection, gallery, change)
            detail = {"changed": sorted(change)}
            self._note(connection, Event(Action.UPDATE_GALLERY, gallery.name, detail=detail))
            return changed

    def delete_gallery(self, gallery: Gallery) -> None:
        """See `Store`."""
        with writing(self._engine) as connection:
            ids = sql_galleries.lock_to_erase(connection, gallery)
            size = sql_galleries.erase(connection, gallery.id)
            detail = {"subjects": size.subjects, "templates": size.templates}
            self._note(connection, Event(Action.DELETE_GALLERY, gallery.name, detail=detail))
        self._erased(ids)

    def tidy(self) -> None:
        """See `Store`."""
        if self._lingers.is_set() and flush_erased(self._engine):
            self._lingers.clear()
        with reading(self._engine) as connection:
            long = sql_log.worth_compacting(connection, least=self._keep)
        for number in long:
            with writing(self._engine) as connection:
                if sql_galleries.is_locked(connection, number):
                    sql_log.compact(connection, number, keep=self._keep)

    def expire(self, now: datetime) -> None:
        """See `Store`."""
        with reading(self._engine) as connection:
            kept = sql_galleries.kept_for_a_time(connection)
            due = [gallery for gallery in kept if sql_retention.is_due(connection, gallery, now)]
        for gallery in due:
            while ids := self._expire(gallery, now):
                self._erased(ids)

    def _expire(self, gallery: Gallery, now: datetime) -> list[int]:
        """Ids of which something was erased; the gallery's settings may have been changed since."""
        with writing(self._engine) as connection:
            try:
                ids = sql_galleries.lock_to_erase(connection, gallery)
            except (UnknownGallery, Replaced):
                return []
            current = sql_galleries.by_name(connection, gallery.name)
            gone = sql_retention.erase(connection, current, now)
            for event, row in gone:
                self._note(connection, event, row)
            return ids if gone else []

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
        alike: Alike = Alike(),
        step: Step | None = None,
    ) -> Enrolment:
        """See `Store`."""
        own = once and self._own(once)
        try:
            with metrics.stage("commit"), writing(self._engine) as connection:
                sql_galleries.lock(connection, gallery)
                enrolment = sql_enrolments.enroll(
                    connection,
                    gallery,
                    subject_id,
                    change,
                    templates,
                    rejected,
                    own,
                    alike,
                    self._vault,
                )
                if step is not None:
                    sql_turns.settle(connection, step, ENROLLED, alike=enrolment.alike)
                if not enrolment.replayed:
                    row, _ = sql_subjects.get(connection, gallery, enrolment.subject.subject_id)
                    self._note(connection, enrolled(enrolment, change), row)
                return enrolment
        except IntegrityError as error:
            # The gallery's lock leaves one race: the same key, at the same time, elsewhere.
            raise IdempotencyConflict("This Idempotency-Key is in use.") from error

    def subject(self, gallery: Gallery, subject_id: str) -> tuple[Subject, list[Template]]:
        """See `Store`."""
        with reading(self._engine) as connection:
            row, found = sql_subjects.get(connection, gallery, subject_id)
            return found, sql_templates.of_subject(connection, row)

    def subjects(
        self, gallery: Gallery, after: int, limit: int, wanted: MetadataFilter | None = None
    ) -> Page[Subject]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_subjects.page(connection, gallery, after, limit, wanted)

    def matching(self, gallery: Gallery, wanted: MetadataFilter) -> Sequence[int]:
        """See `Store`."""
        with metrics.stage("filter"), reading(self._engine) as connection:
            return sql_subjects.matching(connection, gallery, wanted)

    def change_subject(
        self, gallery: Gallery, subject_id: str, change: SubjectChange
    ) -> tuple[Subject, list[Template]]:
        """See `Store`."""
        with writing(self._engine) as connection:
            sql_galleries.lock(connection, gallery)
            row, _ = sql_subjects.get(connection, gallery, subject_id)
            sql_subjects.apply(connection, row, change)
            _, changed = sql_subjects.get(connection, gallery, subject_id)
            both = changed, sql_templates.of_subject(connection, row)
            detail = {"changed": sorted(change)}
            event = Event(Action.UPDATE_SUBJECT, gallery.name, subject_id, detail)
            self._note(connection, event, row)
            return both

    def delete_subject(self, gallery: Gallery, subject_id: str) -> None:
        """See `Store`."""
        with writing(self._engine) as connection:
            ids = sql_galleries.lock_to_erase(connection, gallery)
            row = sql_subjects.erase(connection, gallery, subject_id)
            sql_turns.forget_subject(connection, gallery.id, subject_id)
            self._note(connection, Event(Action.DELETE_SUBJECT, gallery.name, subject_id), row)
        self._erased(ids)

    def template(self, gallery: Gallery, template_id: str) -> SubjectTemplate:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_templates.get(connection, gallery, template_id)

    def templates(self, gallery: Gallery, after: int, limit: int) -> Page[SubjectTemplate]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_templates.page(connection, gallery, after, limit)

    def delete_template(self, gallery: Gallery, template_id: str) -> None:
        """See `Store`."""
        with writing(self._engine) as connection:
            ids = sql_galleries.lock_to_erase(connection, gallery)
            row = sql_subjects.erase_template(connection, gallery, template_id)
            event = Event(Action.DELETE_TEMPLATE, gallery.name, detail={"template": template_id})
            self._note(connection, event, row)
        self._erased(ids)

    def vectors(self, gallery: Gallery, subject_id: str) -> NDArray[np.float32]:
        """See `Store`."""
        with reading(self._engine) as connection:
            row, _ = sql_subjects.get(connection, gallery, subject_id)
            return sql_subjects.vectors(connection, row, gallery.model.dimension, self._vault)

    def owners(self, gallery: Gallery, templates: Sequence[int]) -> Mapping[int, Owner]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_subjects.owners(connection, gallery, templates)

    def record(self, event: Event) -> None:
        """See `Store`."""
        with writing(self._engine) as connection:
            named = event.gallery is not None and event.subject_id is not None
            row = (
                sql_subjects.number(connection, event.gallery, event.subject_id) if named else None
            )
            self._note(connection, event, row)

    def audit(
        self, before: int, limit: int, *, gallery: str | None = None, subject_id: str | None = None
    ) -> Page[Entry]:
        """See `Store`."""
        with reading(self._engine) as connection:
            return sql_audit.page(
                connection, self._actor, before, limit, gallery=gallery, subject_id=subject_id
            )

    def head(self, gallery: int) -> int:
        """See `Log`."""
        with reading(self._engine) as connection:
            return sql_log.head(connection, gallery)

    def changes(self, gallery: int, after: int, limit: int) -> Changes:
        """See `Log`."""
        with reading(self._engine) as connection:
            return sql_log.read(connection, gallery, after, limit, self._vault)

    def _note(self, connection: Connection, event: Event, subject: int | None = None) -> None:
        sql_audit.append(connection, self._actor, event, subject)

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

    def _erased(self, galleries: Sequence[int]) -> None:
        """After the commit: what could not be wiped at once is wiped by `tidy`."""
        try:
            for gallery in galleries:
                self._on_erasure(gallery)
            if not flush_erased(self._engine):
                self._lingers.set()
        except (Busy, OSError) as error:
            self._lingers.set()
            log.warning("what was erased lingers on disk, and is tried again: %s", error)

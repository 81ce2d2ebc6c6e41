"""Jobs on SQL; leaving `writing` means: committed."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, insert, select
from sqlalchemy.exc import IntegrityError

from faces.locate import FacePolicy
from faces.modality import Modality
from service.adapters import sql_audit, sql_galleries, sql_turns
from service.adapters.sql_engine import flush_erased, reading, writing
from service.adapters.sql_tables import gallery as gallery_table
from service.adapters.sql_tables import job, job_file
from service.core.access import SERVICE, Actor, Scope
from service.core.audit import Action, Detail, Event
from service.core.errors import IdempotencyConflict, TurnLost, UnknownJob
from service.core.gallery import Gallery, Hit, Once, Page
from service.core.jobs import (
    Job,
    JobFile,
    JobState,
    NewFile,
    NewJob,
    Step,
    Turn,
)

LEASE = timedelta(seconds=60)
"""How long a worker may be silent before another one takes its job."""

_AT_ONCE = 1000


class SqlJobs:
    """Obeys `service.core.jobs.Jobs`. Safe to share between threads."""

    def __init__(self, engine: Engine, lease: timedelta = LEASE) -> None:
        self._engine = engine
        self._lease = lease
        self._actor = SERVICE

    def acting_for(self, actor: Actor) -> "SqlJobs":
        """See `Jobs`."""
        other = copy(self)
        other._actor = actor
        return other

    def create(self, gallery: Gallery, new: NewJob, files: Sequence[NewFile]) -> Job:
        """See `Jobs`."""
        once = new.once and _own(new.once, self._actor)
        if once and (earlier := self._recall(once)):
            return earlier
        try:
            with writing(self._engine) as connection:
                return self._create(connection, gallery, new, once, files)
        except IntegrityError:
            if once and (earlier := self._recall(once)):  # made at the same time, elsewhere
                return earlier
            with reading(self._engine) as connection:
                sql_galleries.require(connection, gallery)
            raise

    def job(self, job_id: str) -> Job:
        """See `Jobs`."""
        with reading(self._engine) as connection:
            return self._found(connection, job_id)

    def of_gallery(self, gallery: Gallery, after: int, limit: int) -> Page[Job]:
        """See `Jobs`."""
        query = _jobs().where(job.c.gallery_id == gallery.id, job.c.id > after)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(job.c.id).limit(limit + 1)).all()
        following = int(rows[limit - 1].id) if len(rows) > limit else None
        return Page(tuple(_job(row) for row in rows[:limit]), following)

    def files(self, job: Job, after: int, limit: int) -> Page[JobFile]:
        """See `Jobs`."""
        with reading(self._engine) as connection:
            found = _files(connection, job.id, after, limit + 1)
        following = found[limit - 1].position if len(found) > limit else None
        return Page(tuple(found[:limit]), following)

    def cancel(self, job_id: str) -> Job:
        """See `Jobs`."""
        with writing(self._engine) as connection:
            found = self._found(connection, job_id, lock=True)
            if found.state.has_ended:
                return found
            sql_turns.end(connection, found.id, JobState.CANCELLED)
            self._note(connection, Action.CANCEL_JOB, found)
            return self._found(connection, job_id)

    def claim(self, can_do: Callable[[Job], bool]) -> Turn | None:
        """See `Jobs`."""
        with reading(self._engine) as connection:
            free = sql_turns.candidates(connection, _jobs(), _job)
        for one in filter(can_do, free):
            with writing(self._engine) as connection:
                token = sql_turns.take(connection, one.id, self._lease)
            if token is not None:
                return Turn(one, token, self._lease)
        return None

    def pending(self, turn: Turn, after: int, limit: int) -> list[JobFile]:
        """See `Jobs`."""
        with writing(self._engine) as connection:
            sql_turns.keep(connection, turn)
            return _files(connection, turn.job.id, after, limit, pending=True)

    def settle(self, step: Step, code: str, detail: str = "") -> None:
        """See `Jobs`."""
        with writing(self._engine) as connection:
            sql_turns.settle(connection, step, code, detail)

    def finish(self, turn: Turn, code: str | None = None, detail: str = "") -> None:
        """See `Jobs`."""
        state = JobState.DONE if code is None else JobState.FAILED
        try:
            with writing(self._engine) as connection:
                sql_turns.keep(connection, turn)
                sql_turns.end(connection, turn.job.id, state, code, detail)
        except TurnLost:
            return

    def release(self, turn: Turn) -> None:
        """See `Jobs`."""
        with writing(self._engine) as connection:
            sql_turns.give_back(connection, turn)

    def have_ended(self, job_ids: Sequence[str]) -> Mapping[str, bool]:
        """See `Jobs`."""
        query = select(job.c.job_id, job.c.state).where(job.c.job_id.in_(job_ids))
        with reading(self._engine) as connection:
            return {one: JobState(state).has_ended for one, state in connection.execute(query)}

    def forget(self, before: datetime) -> None:
        """See `Jobs`."""
        idle = select(job.c.id).where(job.c.ended_at.is_(None), job.c.created_at < before)
        with writing(self._engine) as connection:
            old = delete(job).where(job.c.ended_at < before)
            gone = connection.execute(old).rowcount
            for number in connection.execute(idle.where(sql_turns.is_free())).scalars().all():
                detail = "No worker has the upload or the folder of this import."
                sql_turns.end(connection, number, JobState.FAILED, "unusable_archive", detail)
        if gone:
            flush_erased(self._engine)

    def _create(
        self,
        connection: Connection,
        gallery: Gallery,
        new: NewJob,
        once: Once | None,
        files: Sequence[NewFile],
    ) -> Job:
        values = {
            "job_id": new.job_id,
            "gallery_id": gallery.id,
            "state": JobState.QUEUED,
            "actor": self._actor.name,
            "actor_key": self._actor.key,
            "request_id": self._actor.request_id,
            "modality": str(new.modality),
            "policy": str(new.policy),
            "folder": new.folder,
            "files": len(files),
            "enrolled": 0,
            "duplicates": 0,
            "refused": sum(file.code is not None for file in files),
            "version": 1,
            "detail": "",
            "stalls": 0,
            "key": once and once.key,
            "fingerprint": once and once.fingerprint,
            "created_at": datetime.now(UTC),
        }
        result = connection.execute(insert(job).values(values).returning(job.c.id))
        number = int(result.scalar_one())
        rows = [_row(number, position, file) for position, file in enumerate(files, 1)]
        for start in range(0, len(rows), _AT_ONCE):
            connection.execute(insert(job_file), rows[start : start + _AT_ONCE])
        made = self._found(connection, new.job_id)
        self._note(connection, Action.CREATE_IMPORT, made)
        return made

    def _recall(self, once: Once) -> Job | None:
        with reading(self._engine) as connection:
            row = connection.execute(_jobs().where(job.c.key == once.key)).one_or_none()
        if row is None:
            return None
        if row.fingerprint != once.fingerprint:
            raise IdempotencyConflict("This Idempotency-Key was used for another request.")
        self._actor.require_gallery(row.gallery)
        return replace(_job(row), replayed=True)

    def _found(self, connection: Connection, job_id: str, *, lock: bool = False) -> Job:
        query = _jobs().where(job.c.job_id == job_id)
        row = connection.execute(query.with_for_update(of=job) if lock else query).one_or_none()
        if row is None:
            raise UnknownJob(f"There is no job {job_id[:80]!r}.")
        self._actor.require_gallery(row.gallery)
        return _job(row)

    def _note(self, connection: Connection, action: Action, found: Job) -> None:
        detail: Detail = {"job": found.job_id, "files": found.files}
        sql_audit.append(connection, self._actor, Event(action, found.gallery, detail=detail))


def _own(once: Once, actor: Actor) -> Once:
    """Two callers may choose the same Idempotency-Key without knowing of each other."""
    key = hashlib.sha256(f"{actor.key or ''} {once.key}".encode()).hexdigest()
    return replace(once, key=key)


def _jobs() -> Select[Any]:
    columns = [*job.c, gallery_table.c.name.label("gallery")]
    return select(*columns).join(gallery_table, gallery_table.c.id == job.c.gallery_id)


def _files(
    connection: Connection, number: int, after: int, limit: int, *, pending: bool = False
) -> list[JobFile]:
    query = select(job_file).where(job_file.c.job == number, job_file.c.position > after)
    if pending:
        query = query.where(job_file.c.code.is_(None))
    rows = connection.execute(query.order_by(job_file.c.position).limit(limit))
    return [
        JobFile(
            row.position,
            row.place,
            row.subject_id,
            row.change,
            row.code,
            row.detail,
            tuple(Hit(template, score) for template, score in row.duplicates),
        )
        for row in rows
    ]


def _row(number: int, position: int, file: NewFile) -> dict[str, Any]:
    return {
        "job": number,
        "position": position,
        "place": file.place,
        "subject_id": file.subject_id,
        "change": file.change or {},
        "code": file.code,
        "detail": file.detail,
    }


def _job(row: Row[Any]) -> Job:
    """It acts for whoever asked for it, in its own gallery and for nothing but enrolling."""
    galleries = frozenset({row.gallery})
    return Job(
        id=int(row.id),
        job_id=row.job_id,
        gallery_id=int(row.gallery_id),
        gallery=row.gallery,
        state=JobState(row.state),
        actor=Actor(
            row.actor,
            row.actor_key,
            scopes=frozenset({Scope.ENROL}),
            galleries=galleries,
            request_id=row.request_id,
        ),
        modality=Modality(row.modality),
        policy=FacePolicy(row.policy),
        folder=row.folder,
        files=row.files,
        enrolled=row.enrolled,
        duplicates=row.duplicates,
        refused=row.refused,
        version=row.version,
        code=row.code,
        detail=row.detail,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )

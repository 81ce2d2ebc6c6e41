"""SQL of whose turn a job is, and of settling its files; each function runs in its caller's
transaction.

Every change of a file goes together with one of its job's row, which comes first: a job that was
cancelled, or taken over by another worker, is noticed there and nothing is changed.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select, update

from service.adapters.sql_tables import job, job_file
from service.core.errors import TurnLost
from service.core.gallery import Hit
from service.core.jobs import DUPLICATE, ENROLLED, ERASED, Job, JobState, Step, Turn

MOST_STALLS = 5
"""Turns in a row without any progress after which a job has failed: its worker dies of it."""

_UNENDED = (JobState.QUEUED, JobState.RUNNING)
_COUNTER = {ENROLLED: job.c.enrolled, DUPLICATE: job.c.duplicates}
_AT_ONCE = 100


def candidates(
    connection: Connection, jobs: Select[Any], read: Callable[[Row[Any]], Job]
) -> list[Job]:
    """Jobs that nobody works on, oldest first."""
    query = jobs.where(job.c.state.in_(_UNENDED), is_free()).order_by(job.c.id)
    return [read(row) for row in connection.execute(query.limit(_AT_ONCE))]


def take(connection: Connection, number: int, lease: timedelta) -> str | None:
    """A token for working on the job; None where another worker was faster."""
    token, now = secrets.token_hex(16), datetime.now(UTC)
    query = update(job).where(job.c.id == number, job.c.state.in_(_UNENDED), is_free())
    values = {
        "state": JobState.RUNNING,
        "worker": token,
        "lease_until": now + lease,
        "stalls": job.c.stalls + 1,
        "version": job.c.version + 1,
    }
    stalls = connection.execute(query.values(values).returning(job.c.stalls)).scalar()
    if stalls is None:
        return None
    first = update(job).where(job.c.id == number, job.c.started_at.is_(None))
    connection.execute(first.values(started_at=now))
    if stalls <= MOST_STALLS:
        return token
    detail = f"It was begun {MOST_STALLS} times without getting on."
    end(connection, number, JobState.FAILED, "internal_error", detail)
    return None


def keep(connection: Connection, turn: Turn, **changes: Any) -> None:
    """Prolong a turn; raises TurnLost."""
    query = update(job).where(
        job.c.id == turn.job.id, job.c.state == JobState.RUNNING, job.c.worker == turn.token
    )
    values = {"lease_until": datetime.now(UTC) + turn.lease, **changes}
    if not connection.execute(query.values(values)).rowcount:
        raise TurnLost("The job was cancelled, or another worker has it now.")


def settle(
    connection: Connection,
    step: Step,
    code: str,
    detail: str = "",
    alike: Sequence[Hit] = (),
) -> None:
    """Note what became of a file; raises TurnLost, also where it is settled already."""
    counter = _COUNTER.get(code, job.c.refused)
    changes = {counter.name: counter + 1, "version": job.c.version + 1, "stalls": 0}
    keep(connection, step.turn, **changes)
    query = update(job_file).where(
        job_file.c.job == step.turn.job.id,
        job_file.c.position == step.position,
        job_file.c.code.is_(None),
    )
    duplicates = [[hit.template, hit.score] for hit in alike]
    values = {"code": code, "detail": detail, "duplicates": duplicates}
    if not connection.execute(query.values(values)).rowcount:
        raise TurnLost("This file of the job is settled already.")


def give_back(connection: Connection, turn: Turn) -> None:
    """Let another worker go on at once."""
    query = update(job).where(job.c.id == turn.job.id, job.c.worker == turn.token)
    connection.execute(query.values(worker=None, lease_until=None, stalls=0))


def end(
    connection: Connection, number: int, state: JobState, code: str | None = None, detail: str = ""
) -> None:
    """A job's end; what its files would have changed of subjects is not needed any more."""
    values = {
        "state": state,
        "code": code,
        "detail": detail,
        "worker": None,
        "lease_until": None,
        "ended_at": datetime.now(UTC),
        "version": job.c.version + 1,
    }
    connection.execute(update(job).where(job.c.id == number).values(values))
    connection.execute(update(job_file).where(job_file.c.job == number).values(change={}))


def forget_subject(connection: Connection, gallery_id: int, subject_id: str) -> None:
    """Blank what the gallery's jobs know of a subject; files whose turn has not come are skipped.

    The caller holds the gallery's lock, as does whoever enrols.
    """
    files = job_file.c.subject_id == subject_id
    of_it = select(job_file.c.job).where(files)
    mine = job.c.gallery_id == gallery_id
    bump = update(job).where(mine, job.c.id.in_(of_it)).values(version=job.c.version + 1)
    numbers = connection.execute(bump.returning(job.c.id)).scalars().all()
    blank: dict[str, Any] = {"place": "", "subject_id": None, "change": {}, "detail": ""}
    blank["duplicates"] = []
    for number in numbers:
        of_job = update(job_file).where(job_file.c.job == number, files)
        waiting = of_job.where(job_file.c.code.is_(None)).values(code=ERASED, **blank)
        skipped = connection.execute(waiting).rowcount
        connection.execute(of_job.values(**blank))
        counted = update(job).where(job.c.id == number)
        connection.execute(counted.values(refused=job.c.refused + skipped))


def is_free() -> ColumnElement[bool]:
    """Whether nobody works on a job."""
    return or_(job.c.lease_until.is_(None), job.c.lease_until < datetime.now(UTC))

"""/jobs/{job_id}: progress, events, what became of each file, the end."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Path
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from service.api.deps import NO_NUL, After, Limit, PartsDep, cursor_to
from service.api.guard import GuardedRoute, needs
from service.api.job_answers import JobFileOut, JobFilePageOut, JobOut
from service.api.problems import documented
from service.core import imports
from service.core.access import Scope
from service.core.errors import Busy, UnknownJob
from service.core.jobs import Job
from service.core.ports import Parts

POLL = 0.5
"""Seconds between two looks at a job."""

STREAM = 20.0
"""Seconds after which a stream of events ends; clients come again with Last-Event-ID. So a key
that was revoked is noticed, and a worker that is to stop need not wait for long."""

_ROWS = 1000

router = APIRouter(prefix="/jobs/{job_id}", route_class=GuardedRoute, tags=["imports"])
JobInPath = Annotated[
    str, Path(max_length=64, pattern=NO_NUL, description="As the import was answered.")
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=20,
        description="`id` of the last event that was seen: only a newer state is sent.",
    ),
]


def _streamed(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that streams text about a job."""
    content = {media_type: {"schema": {"type": "string"}}}
    streamed = {200: {"description": description, "content": content}}
    return documented("unknown_job", "unknown_field", "busy") | streamed


@router.get(
    "",
    operation_id="get_job",
    openapi_extra=needs(Scope.ENROL),
    summary="How far is a job?",
    response_model=JobOut,
    responses=documented("unknown_job", "unknown_field", "busy"),
)
def get_job(job_id: JobInPath, parts: PartsDep) -> JobOut:
    """One import and its progress."""
    return JobOut.of(parts.imports.jobs.job(job_id))


@router.delete(
    "",
    operation_id="cancel_job",
    openapi_extra=needs(Scope.ENROL),
    summary="Cancel a job",
    response_model=JobOut,
    responses=documented("unknown_job", "unknown_field", "busy"),
)
def delete_job(job_id: JobInPath, parts: PartsDep) -> JobOut:
    """End a job and remove its upload. Once this is answered nothing more is enrolled; what was
    enrolled before stays. A job that has ended stays as it is.
    """
    return JobOut.of(imports.cancel(parts, job_id))


@router.get(
    "/files",
    operation_id="list_job_files",
    openapi_extra=needs(Scope.ENROL),
    summary="What became of each file?",
    response_model=JobFilePageOut,
    responses=documented("unknown_job", "unknown_field", "busy"),
)
def get_files(
    job_id: JobInPath, parts: PartsDep, after: After, limit: Limit = 100
) -> JobFilePageOut:
    """Every file of an import with its outcome, in parts."""
    page = imports.list_files(parts, job_id, after, limit)
    return JobFilePageOut.of(page, cursor_to(page.after))


@router.get(
    "/report.csv",
    operation_id="get_job_report",
    openapi_extra=needs(Scope.ENROL),
    summary="What became of each file, as CSV",
    response_class=StreamingResponse,
    responses=_streamed("text/csv", "A line a file."),
)
def get_report(job_id: JobInPath, parts: PartsDep) -> StreamingResponse:
    """Columns: position, file, subject_id, code, detail, alike, possible_duplicates (as JSON).
    Texts that a spreadsheet would take for a formula begin with an apostrophe.
    """
    parts.imports.jobs.job(job_id)
    headers = {"Content-Disposition": 'attachment; filename="report.csv"'}
    return StreamingResponse(_rows(parts, job_id), media_type="text/csv", headers=headers)


def _rows(parts: Parts, job_id: str) -> Iterator[str]:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(JobFileOut.model_fields)
    after: int | None = 0
    while after is not None:
        page = imports.list_files(parts, job_id, after, _ROWS)
        for file in page.items:
            rows.writerow(_cell(value) for value in JobFileOut.of(file).model_dump().values())
        yield text.getvalue()
        text.seek(0)
        text.truncate()
        after = page.after


def _cell(value: object) -> object:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        return f"'{value}"
    return value


@router.get(
    "/events",
    operation_id="stream_job",
    openapi_extra=needs(Scope.ENROL),
    summary="Watch a job",
    response_class=StreamingResponse,
    responses=_streamed(
        "text/event-stream", "Server-sent events `progress` and, last of all, `end`; data: the job."
    ),
)
def get_events(
    job_id: JobInPath, parts: PartsDep, last_event_id: LastEventId = None
) -> StreamingResponse:
    """The job's state as it changes, as server-sent events. A stream ends after 20 seconds: go on
    with `Last-Event-ID`, as a browser's EventSource does by itself.
    """
    job = parts.imports.jobs.job(job_id)
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
    headers = {"X-Accel-Buffering": "no"}
    events = _events(parts, job, seen)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(parts: Parts, job: Job, seen: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    until = anyio.current_time() + STREAM
    while True:
        if job.version > seen or job.state.has_ended:
            yield _event(job)
            seen = job.version
        if job.state.has_ended or anyio.current_time() > until:
            return
        await anyio.sleep(POLL)
        try:
            job = await run_in_threadpool(parts.imports.jobs.job, job.job_id)
        except Busy:
            continue
        except UnknownJob:  # its gallery was erased
            return


def _event(job: Job) -> str:
    kind = "end" if job.state.has_ended else "progress"
    return f"id: {job.version}\nevent: {kind}\ndata: {JobOut.of(job).model_dump_json()}\n\n"

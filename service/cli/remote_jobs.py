"""Imports on a server: sending, watching, cancelling."""

from collections.abc import Generator, Iterator
from typing import BinaryIO
from urllib.parse import quote

import httpx

from service.api.job_answers import JobFileOut, JobFilePageOut, JobOut
from service.cli.errors import Unreachable
from service.cli.patience import patiently
from service.cli.remote import PAGE, RemoteTarget


class RemoteJobs:
    """The part of a server that imports. Raises CommandError, as `RemoteTarget` does."""

    def __init__(self, target: RemoteTarget) -> None:
        self._target = target

    def send(self, gallery: str, content: BinaryIO, key: str, query: dict[str, str]) -> JobOut:
        """Upload a ZIP file; sent again, with the same `key`, where the connection breaks."""
        headers = {"Content-Type": "application/zip", "Idempotency-Key": key}
        path = f"/galleries/{quote(gallery, safe='')}/imports"

        def once() -> JobOut:
            content.seek(0)
            return self._target.ask(
                JobOut, "POST", path, content=content, headers=headers, params=query
            )

        return patiently(once, also=Unreachable)

    def job(self, job_id: str) -> JobOut:
        """A job as it is now; raises Refused."""
        return self._target.ask(JobOut, "GET", _path(job_id))

    def cancel(self, job_id: str) -> JobOut:
        """End a job, unless it has ended; raises Refused."""
        return patiently(lambda: self._target.ask(JobOut, "DELETE", _path(job_id)))

    def report(self, job_id: str) -> bytes:
        """What became of each file, as CSV."""
        return patiently(lambda: self._target.send("GET", _path(job_id, "/report.csv")).content)

    def files(self, job_id: str) -> Iterator[JobFileOut]:
        """What became of each file."""
        query: dict[str, str | int] = {"limit": PAGE}
        path = _path(job_id, "/files")
        while True:
            page = patiently(lambda: self._target.ask(JobFilePageOut, "GET", path, params=query))
            yield from page.files
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor

    def watch(self, job_id: str) -> Generator[JobOut, None, None]:
        """Its states until it ends; comes again where a stream ends or the server goes away."""
        seen: dict[str, str] = {}
        events: Iterator[JobOut] = iter(())

        def following() -> JobOut | None:
            nonlocal events
            job = next(events, None)
            if job is None:  # a new stream goes on behind the last event
                events = self._events(job_id, seen)
            return job

        while True:
            job = patiently(following, also=Unreachable)
            if job is not None:
                yield job
                if job.ended_at is not None:
                    return

    def _events(self, job_id: str, seen: dict[str, str]) -> Iterator[JobOut]:
        """One stream of them; `seen` is what a next one has to be told."""
        number = ""
        try:
            with self._target.stream(_path(job_id, "/events"), seen) as answer:
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        number = value
                    if name == "data":
                        job = JobOut.model_validate_json(value)
                        seen["Last-Event-ID"] = number
                        yield job
        except httpx.TransportError as error:
            raise Unreachable(f"{self._target.place} broke off: {error}.") from error


def _path(job_id: str, below: str = "") -> str:
    return f"/jobs/{quote(job_id, safe='')}{below}"

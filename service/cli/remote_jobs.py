"""Imports on a server: sending, watching."""

from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

import httpx

from service.api.job_answers import JobOut
from service.cli.errors import Unreachable
from service.cli.patience import patiently
from service.cli.remote import RemoteTarget

_CHUNK = 2**20


class RemoteJobs:
    """The part of a server that imports."""

    def __init__(self, target: RemoteTarget) -> None:
        self._target = target

    def send(self, gallery: str, content: BinaryIO, key: str, **query: str) -> JobOut:
        """Upload a ZIP file."""
        headers = {"Content-Type": "application/zip", "Idempotency-Key": key}
        path = f"/galleries/{quote(gallery, safe='')}/imports"

        def once() -> JobOut:
            content.seek(0)
            chunks = iter(lambda: content.read(_CHUNK), b"")
            return self._target.ask(
                JobOut, "POST", path, content=chunks, headers=headers, params=query
            )

        return patiently(once)

    def job(self, job_id: str) -> JobOut:
        """A job as it is now; raises Refused."""
        return self._target.ask(JobOut, "GET", f"/jobs/{quote(job_id, safe='')}")

    def report(self, job_id: str) -> bytes:
        """What became of each file, as CSV."""
        return self._target.send("GET", f"/jobs/{quote(job_id, safe='')}/report.csv").content

    def watch(self, job_id: str) -> Iterator[JobOut]:
        """Its states until it ends; comes again where a stream ends or the server goes away."""
        seen: dict[str, str] = {}
        while True:
            for job in patiently(lambda: list(self._stream(job_id, seen)), also=Unreachable):
                yield job
                if job.ended_at is not None:
                    return

    def _stream(self, job_id: str, seen: dict[str, str]) -> Iterator[JobOut]:
        """One event, or none: the connection is short, the next one goes on behind it."""
        path = f"/jobs/{quote(job_id, safe='')}/events"
        try:
            with self._target.stream(path, seen) as answer:
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        seen["Last-Event-ID"] = value
                    if name == "data":
                        yield JobOut.model_validate_json(value)
                        return
        except httpx.TransportError as error:
            raise Unreachable("The server broke off.") from error

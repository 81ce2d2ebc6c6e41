"""Imports that were asked for while workers were killed, and what must have become of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from desk import Desk
from ledger import Ledger
from zips import ZIP, zipped

SECONDS = 120.0


@dataclass
class Upload:
    """One import. By its key it can be asked for again, wherever it was cut off.

    `files`: subject and number of each, by position. An erasure or a cancellation is `doubtful`
    from when it is asked for until it is answered.
    """

    key: str
    files: list[tuple[str, int]]
    content: bytes
    job_id: str = ""
    erased: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    cancelled_at: int | None = None
    may_be_cancelled: bool = False

    @classmethod
    def of(cls, key: str, files: dict[str, tuple[str, int]], images: list[bytes]) -> "Upload":
        content = zipped(dict(zip(files, images, strict=True)))
        return cls(key, list(files.values()), content)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.files))

    def send(self, desk: Desk) -> httpx.Response:
        headers = ZIP | {"Idempotency-Key": self.key}
        return desk.client.post(desk.at("imports"), content=self.content, headers=headers)

    def settle(self, desk: Desk, ledger: Ledger) -> None:
        """Wait for the end of the job, check it, and tell the ledger who is there now."""
        answer = _patiently(lambda: self.send(desk))
        assert answer.status_code == 202, answer.text
        assert self.job_id in ("", answer.json()["job_id"]), "an acknowledged import was lost"
        job = _ended(desk, answer.json())
        assert job["state"] == "done" or (job["state"], self.may_be_cancelled) == (
            "cancelled",
            True,
        ), job
        if self.cancelled_at is not None:
            assert job["enrolled"] == self.cancelled_at, "enrolled after it was cancelled"
        for name, numbers in self._enrolled(desk, job).items():
            ledger.know(name, numbers)

    def _enrolled(self, desk: Desk, job: dict[str, Any]) -> dict[str, tuple[int, ...]]:
        """Subject -> numbers, by the outcomes of the files."""
        path = f"/jobs/{job['job_id']}/files"
        files = _patiently(lambda: desk.client.get(path, params={"limit": 1000})).json()
        there: dict[str, list[int]] = {name: [] for name in self.names}
        for file, (name, number) in zip(files["files"], self.files, strict=True):
            if file["subject_id"] is None:  # erased, before its turn or after
                assert name in self.erased | self.doubtful, (name, file)
                continue
            assert name not in self.erased, f"{name} was erased, and is told of: {file}"
            if file["code"] is None:
                assert job["state"] == "cancelled", (job, file)
                continue
            assert file["code"] == "enrolled", file
            there[name].append(number)
        return {name: tuple(numbers) for name, numbers in there.items()}


def _ended(desk: Desk, job: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS
    while job["ended_at"] is None:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
        path = f"/jobs/{job['job_id']}"
        job = _patiently(lambda path=path: desk.client.get(path)).raise_for_status().json()
    return job


def _patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer, once the service is not `busy` any more."""
    deadline = time.monotonic() + SECONDS
    while (answer := ask()).status_code == 503:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer

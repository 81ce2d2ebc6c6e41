"""ZIP files of drawn photos, and a clerk who has them imported."""

import io
import time
import zipfile
from typing import Any

import httpx
from drawn import jpeg, photo

CSV = {"Content-Type": "text/csv"}
ZIP = {"Content-Type": "application/zip"}


def picture(person: int) -> bytes:
    return jpeg(photo(person, side=64))


def zipped(files: dict[str, bytes], **options: Any) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def people(*numbers: int) -> bytes:
    return zipped({f"person-{number}/photo.jpg": picture(number) for number in numbers})


class Importing:
    """Has archives imported into one gallery."""

    def __init__(self, client: httpx.Client, gallery: str) -> None:
        self.client, self.gallery = client, gallery

    def send(self, content: bytes, headers: dict[str, str] = ZIP, **query: str) -> httpx.Response:
        path = f"/galleries/{self.gallery}/imports"
        return self.client.post(path, content=content, headers=headers, params=query)

    def begin(self, content: bytes, headers: dict[str, str] = ZIP, **query: str) -> str:
        answer = self.send(content, headers, **query)
        assert answer.status_code == 202, answer.text
        return answer.json()["job_id"]

    def job(self, job_id: str) -> dict[str, Any]:
        return self.client.get(f"/jobs/{job_id}").raise_for_status().json()

    def ended(self, job_id: str, seconds: float = 60) -> dict[str, Any]:
        """The job once it has ended."""
        deadline = time.monotonic() + seconds
        while (job := self.job(job_id))["ended_at"] is None:
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
        return job

    def outcomes(self, job_id: str) -> dict[str, str]:
        """File -> code."""
        files = self.client.get(f"/jobs/{job_id}/files", params={"limit": 1000}).json()["files"]
        return {file["file"]: file["code"] for file in files}

    def carry_out(
        self, content: bytes, headers: dict[str, str] = ZIP, **query: str
    ) -> dict[str, str]:
        job_id = self.begin(content, headers, **query)
        job = self.ended(job_id)
        assert job["state"] == "done", job
        return self.outcomes(job_id)

    def templates(self) -> dict[str, int]:
        path, query = f"/galleries/{self.gallery}/subjects", {"limit": 1000}
        page = self.client.get(path, params=query).json()
        return {one["subject_id"]: one["template_count"] for one in page["subjects"]}

"""Which job an `import` has begun, so that the same command, run again, goes on watching it."""

import hashlib
import json
import uuid
from pathlib import Path

from faces.locate import FacePolicy
from faces.modality import Modality
from service.cli.journal import journal_path


class ImportNote:
    """A small file until the job has ended. `key` is the Idempotency-Key of the upload."""

    def __init__(
        self, server: str, gallery: str, source: Path, modality: Modality, policy: FacePolicy
    ) -> None:
        self._path = journal_path(server, gallery, source).with_suffix(".import.json")
        state = f"{_state(source)} {modality} {policy}"
        try:
            noted = json.loads(self._path.read_text())
        except (OSError, ValueError):
            noted = {}
        if noted.get("state") != state:
            noted = {"state": state, "key": uuid.uuid4().hex, "job_id": None}
        self._noted = noted
        self._write()

    @property
    def key(self) -> str:
        """Of the upload, whether it arrived or not."""
        return str(self._noted["key"])

    @property
    def job_id(self) -> str | None:
        """The job that was begun."""
        found = self._noted["job_id"]
        return None if found is None else str(found)

    def begun(self, job_id: str) -> None:
        """The server has everything."""
        self._noted["job_id"] = job_id
        self._write()

    def remove(self) -> None:
        """The job has ended."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        self._path.write_text(json.dumps(self._noted))


def _state(source: Path) -> str:
    """Changes with every file that is added, removed or written to."""
    files = [source] if source.is_file() else sorted(source.rglob("*"))
    seen = hashlib.sha256()
    for file in files:
        stat = file.lstat()
        line = f"{file.relative_to(source.parent)}\t{stat.st_size}\t{stat.st_mtime_ns}\n"
        seen.update(line.encode(errors="replace"))
    return seen.hexdigest()

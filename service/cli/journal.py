"""What an earlier, unfinished run of `enroll` did, so that the next one need not send it again.

Only a short cut: the server refuses what it has, so a lost journal costs time and nothing else.
And only believed as far as the server agrees: see `Journal.trust`.
"""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import typer

from service.cli.bulk import Outcome
from service.cli.photos import Photo

Entry = tuple[str, str, str]
"""Subject, code, detail."""


class Journal:
    """A file of lines, one an outcome; a line torn by a crash is left out."""

    def __init__(self, path: Path, about: Mapping[str, str]) -> None:
        """Open the journal of the run that `about` describes (server, gallery, model ...)."""
        header = json.dumps({"about": dict(about)}, sort_keys=True)
        self._path = path
        self._entries = _read(path, header)
        self._file = path.open("a" if self._entries else "w", encoding="utf-8")
        if not self._entries:
            self._write(header)
        elif not path.read_bytes().endswith(b"\n"):
            self._write("")

    def close(self) -> None:
        """Let everything go."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._entries)

    def trust(self, templates: Mapping[str, int]) -> None:
        """Forget every subject of whom the server has fewer templates than are noted here."""
        noted = Counter(
            subject for subject, code, _ in self._entries.values() if not _is_refusal(code)
        )
        lost = {subject for subject, count in noted.items() if templates.get(subject, 0) < count}
        self._entries = {key: one for key, one in self._entries.items() if one[0] not in lost}

    def recall(self, photo: Photo) -> Outcome | None:
        """What became of a photo, if its file has not been touched since."""
        entry = self._entries.get(_key(photo))
        return Outcome(photo, entry[1], entry[2], earlier=True) if entry else None

    def note(self, outcome: Outcome) -> None:
        """Add an outcome."""
        self._write(
            json.dumps(
                [_key(outcome.photo), [outcome.photo.subject_id, outcome.code, outcome.detail]]
            )
        )

    def remove(self) -> None:
        """The run is complete: nothing has to be remembered, least of all people's names."""
        self._path.unlink(missing_ok=True)

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()


def journal_path(server: str, gallery: str, folder: Path) -> Path:
    """Where the journal of enrolling `folder` into a gallery lies."""
    name = hashlib.sha256("\n".join((server, gallery, str(folder.resolve()))).encode()).hexdigest()
    place = Path(typer.get_app_dir("null-face")) / "journals"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:  # no home to write to, as in many a container
        place = Path(tempfile.mkdtemp(prefix="null-face-"))
    return place / f"{name[:24]}.jsonl"


def _is_refusal(code: str) -> bool:
    return code not in ("enrolled", "duplicate")


def _read(path: Path, header: str) -> dict[str, Entry]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    if not lines or lines[0] != header:
        return {}
    entries: dict[str, Entry] = {}
    for line in lines[1:]:
        try:
            key, (subject, code, detail) = json.loads(line)
        except ValueError:
            continue
        entries[key] = (subject, code, detail)
    return entries


def _key(photo: Photo) -> str:
    """The file as it is now."""
    try:
        state = photo.path.stat()
    except OSError:
        return photo.place
    return f"{photo.place}\t{state.st_size}\t{state.st_mtime_ns}"

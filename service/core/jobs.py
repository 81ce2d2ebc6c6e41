"""Imports in the background: what a job is, and what its use cases need of the world."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO, Protocol

from faces.locate import FacePolicy
from faces.modality import Modality
from service.core.access import Actor
from service.core.gallery import Gallery, Hit, Once, Page, SubjectChange

ENROLLED = "enrolled"
DUPLICATE = "duplicate"
ERASED = "erased"
"""What became of a file whose subject was erased: it is not enrolled any more."""


class JobState(StrEnum):
    """`queued` until a worker takes it; `failed` where it cannot go on, whoever takes it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that a job is to enrol, or (with a `code`) will not even try to.

    `place` is its path, with forward slashes.
    """

    place: str
    subject_id: str | None = None
    change: SubjectChange | None = None
    code: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file of a job. `code` None: its turn has not come. `position` counts from 1.

    `alike` are templates of other subjects than the one enrolled, with a face as like.
    """

    position: int
    place: str
    subject_id: str | None
    change: SubjectChange
    code: str | None
    detail: str
    alike: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class NewJob:
    """An import about to be stored. `folder` is where its files are on the server, if not in an
    upload; `once` stands for the request.
    """

    job_id: str
    modality: Modality
    policy: FacePolicy
    folder: str | None
    once: Once | None


@dataclass(frozen=True, slots=True)
class Job:
    """An import. `version` grows with every change; `code` and `detail` tell why it failed.

    `id` is the store's own. Whoever asked for the import is `actor`, and it acts for them.
    `replayed`: made by an earlier request with this Idempotency-Key.
    """

    id: int
    job_id: str
    gallery_id: int
    gallery: str
    state: JobState
    actor: Actor
    modality: Modality
    policy: FacePolicy
    folder: str | None
    files: int
    enrolled: int
    duplicates: int
    refused: int
    version: int
    code: str | None
    detail: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to work on a job, until somebody cancels it or it lies idle for `lease`."""

    job: Job
    token: str
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a job that is being carried out. Settled in the very transaction that enrols it,
    so that it is enrolled once, whoever is killed when.
    """

    turn: Turn
    position: int


class Jobs(Protocol):
    """Where jobs are kept. Every method that changes something returns after the commit.

    Raises Forbidden for a job of a gallery that the actor may not use.
    """

    def acting_for(self, actor: Actor) -> "Jobs":
        """These jobs, for what `actor` does."""

    def create(self, gallery: Gallery, new: NewJob, files: Sequence[NewFile]) -> Job:
        """Raises UnknownGallery, IdempotencyConflict."""

    def job(self, job_id: str) -> Job:
        """Raises UnknownJob."""

    def of_gallery(self, gallery: Gallery, after: int, limit: int) -> Page[Job]:
        """The next jobs, oldest first."""

    def files(self, job: Job, after: int, limit: int) -> Page[JobFile]:
        """The next files, by position."""

    def cancel(self, job_id: str) -> Job:
        """End a job, unless it has ended: nothing more is enrolled. Raises UnknownJob."""

    def claim(self, can_do: Callable[[Job], bool]) -> Turn | None:
        """Take the oldest job that nobody works on, of those that can be done here."""

    def pending(self, turn: Turn, after: int, limit: int) -> list[JobFile]:
        """The next files without an outcome; the turn is kept. Raises TurnLost."""

    def settle(self, step: Step, code: str, detail: str = "") -> None:
        """Note what became of a file; raises TurnLost."""

    def finish(self, turn: Turn, code: str | None = None, detail: str = "") -> None:
        """The job is done, or has failed for a reason; nothing where the turn is lost."""

    def release(self, turn: Turn) -> None:
        """Let another one go on with the job at once."""

    def have_ended(self, job_ids: Sequence[str]) -> Mapping[str, bool]:
        """Whether each of those jobs that are there has ended."""

    def forget(self, before: datetime) -> None:
        """Drop jobs that ended before a moment; end those that nobody worked on since."""


class Source(Protocol):
    """Files to be imported."""

    def read(self, file: JobFile) -> bytes:
        """The content, though no more than shows that it is too large.

        Raises UnusableFile for one that is not there or cannot be read.
        """

    def close(self) -> None:
        """Let everything go."""


class Archive(Source, Protocol):
    """An uploaded ZIP file."""

    def names(self) -> Sequence[str]:
        """Names of the entries, in order, folders included; with forward slashes.

        Raises UnusableArchive.
        """

    def manifest(self, index: int) -> bytes:
        """The content of the entry at an index; raises UnusableArchive, InvalidManifest."""


@dataclass(frozen=True, slots=True)
class Held:
    """An upload on disk; `age` is the seconds since it was last written to."""

    gallery_id: int
    job_id: str
    age: float


class Uploads(Protocol):
    """Uploads on disk, each until its job ends."""

    def receive(self, gallery_id: int, job_id: str) -> BinaryIO:
        """A new upload to write to; raises Busy where there are too many, or no room."""

    def open(self, gallery_id: int, job_id: str) -> BinaryIO:
        """An upload as it was sent; raises FileNotFoundError."""

    def archive(self, gallery_id: int, job_id: str) -> Archive:
        """An upload as a ZIP file; raises UnusableArchive, FileNotFoundError."""

    def folder(self, folder: str) -> Source:
        """A folder of the server; raises FolderNotAllowed."""

    def has(self, gallery_id: int, job_id: str) -> bool:
        """Whether the upload is here; it may be on another host."""

    def discard(self, gallery_id: int, job_id: str) -> None:
        """Remove an upload, if it is there."""

    def discard_all_of(self, gallery_id: int) -> None:
        """Remove every upload for a gallery that is no more."""

    def held(self) -> Sequence[Held]:
        """Every upload that is here."""


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """How much an import may be: bytes as sent and as unpacked, files, seconds to arrive."""

    max_bytes: int = 2 * 2**30
    max_files: int = 100_000
    seconds: float = 3600.0
    keep: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Imports:
    """What imports run on."""

    jobs: Jobs
    uploads: Uploads
    limits: ImportLimits = ImportLimits()

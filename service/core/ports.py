"""What the use cases need of the world, in their own words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faces.locate import FacePolicy
from faces.modality import Modality
from faces.similarity import Calibration
from service.core.access import Access, Actor
from service.core.audit import Entry, Recorder
from service.core.errors import ModelMismatch, Rejection
from service.core.gallery import (
    Alike,
    Changes,
    Encoded,
    Enrolment,
    Gallery,
    Hit,
    Mark,
    Model,
    NewTemplate,
    Once,
    Owner,
    Page,
    Size,
    Subject,
    SubjectChange,
    SubjectTemplate,
    Template,
)
from service.core.gallery_settings import Fusion, SettingsChange
from service.core.jobs import Imports, Step
from service.core.metadata_filter import MetadataFilter
from service.core.reembedding import Reembeddings


class Encode(Protocol):
    """Image bytes -> the content vector of one face; modality None means: guess it.

    Raises:
        ImageError, NoFace, SeveralFaces, LowQuality: what is wrong with the image.
        UnsupportedModality: the model has no encoder for it.
        Busy: no core became free in time.
    """

    def __call__(self, data: bytes, modality: Modality | None, policy: FacePolicy) -> Encoded:
        """Encode the face that `policy` means."""


class Log(Protocol):
    """The changes of each gallery, in the order in which they were committed."""

    def head(self, gallery: int) -> int:
        """Number of the newest committed change; 0 before the first and once it is deleted."""

    def changes(self, gallery: int, after: int, limit: int) -> Changes:
        """The next changes with a number above `after`, oldest first, as of one moment."""

    def marks(self, galleries: Sequence[int]) -> Mapping[int, Mark]:
        """Where the logs of those of the galleries stand that are there."""

    def token(self, gallery: int, seq: int) -> int | None:
        """What was drawn at random for the change `seq`, if it is still in the log.

        A database restored from a backup counts on from an older number: there, the same number
        stands for something else, with another token.
        """


class Store(Log, Recorder, Protocol):
    """The truth. Every method that changes something returns after the commit, or raises; and it
    records in the same transaction that `actor` did so.

    A method that takes a `Gallery` raises UnknownGallery once that gallery is deleted. There is no
    other way to a `Gallery` than `gallery`, `galleries` and `create_gallery`, which raise Forbidden
    for one (or leave out those) that the actor may not use.
    """

    def acting_for(self, actor: Actor) -> "Store":
        """This store, for what `actor` does."""

    def create_gallery(self, name: str, model: Model, change: SettingsChange) -> Gallery:
        """Raises Duplicate."""

    def gallery(self, name: str) -> Gallery:
        """Raises UnknownGallery."""

    def galleries(self, after: int, limit: int) -> Page[Gallery]:
        """The next galleries, oldest first."""

    def sizes(self, galleries: Sequence[int]) -> Mapping[int, Size]:
        """How much each of the galleries holds."""

    def change_gallery(self, gallery: Gallery, change: SettingsChange) -> Gallery:
        """Change what can be set of a gallery."""

    def delete_gallery(self, gallery: Gallery) -> None:
        """Erase it with all its subjects."""

    def tidy(self) -> None:
        """Shorten the log where that is worth it; finish erasures that had to wait for a reader."""

    def expire(self, now: datetime) -> None:
        """Erase what galleries keep no longer: templates that were enrolled too long ago, and
        subjects that are as old and have no other; each once, however many processes do this.
        """

    def recall(self, once: Once) -> Enrolment | None:
        """What the actor was answered under this key; raises IdempotencyConflict."""

    def image_sums(self, gallery: Gallery, subject_id: str) -> frozenset[str]:
        """The sha256 of every image enrolled for the subject; empty for an unknown one."""

    def enroll(
        self,
        gallery: Gallery,
        subject_id: str,
        change: SubjectChange,
        templates: Sequence[NewTemplate],
        rejected: Sequence[Rejection],
        once: Once | None,
        alike: Alike = Alike(),
        step: Step | None = None,
    ) -> Enrolment:
        """Add templates to a subject, made where needed; and their log entries, and the answer.

        Raises NothingEnrolled when every image has been enrolled meanwhile, TurnLost when the step
        of an import has been settled or its job has been taken away.
        """

    def subject(self, gallery: Gallery, subject_id: str) -> tuple[Subject, list[Template]]:
        """Raises UnknownSubject."""

    def subjects(
        self, gallery: Gallery, after: int, limit: int, wanted: MetadataFilter | None = None
    ) -> Page[Subject]:
        """The next subjects that are meant, in the order of their first enrolment."""

    def matching(self, gallery: Gallery, wanted: MetadataFilter) -> Sequence[int]:
        """Numbers of the subjects that are meant: what an index searches among."""

    def change_subject(
        self, gallery: Gallery, subject_id: str, change: SubjectChange
    ) -> tuple[Subject, list[Template]]:
        """Raises UnknownSubject."""

    def delete_subject(self, gallery: Gallery, subject_id: str) -> None:
        """Erase the subject and its templates; raises UnknownSubject."""

    def template(self, gallery: Gallery, template_id: str) -> SubjectTemplate:
        """Raises UnknownTemplate."""

    def templates(self, gallery: Gallery, after: int, limit: int) -> Page[SubjectTemplate]:
        """The next templates, in the order of their enrolment."""

    def delete_template(self, gallery: Gallery, template_id: str) -> None:
        """Erase one template; raises UnknownTemplate."""

    def vectors(self, gallery: Gallery, subject_id: str) -> NDArray[np.float32]:
        """(n, d) of the subject's templates; raises UnknownSubject."""

    def audit(
        self, before: int, limit: int, *, gallery: str | None = None, subject_id: str | None = None
    ) -> Page[Entry]:
        """Entries before a number (0: the newest), newest first; `after` is where to go on.

        Who may use some galleries only sees what concerns these. What was done to a subject is
        found by their id until they are erased.
        """

    def owners(self, gallery: Gallery, templates: Sequence[int]) -> Mapping[int, Owner]:
        """Owners of those templates that are still there."""


@dataclass(frozen=True, slots=True)
class Found:
    """The nearest templates, or subjects, among `searched` of them."""

    hits: Sequence[Hit]
    searched: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How much an index holds of a gallery, and up to which number of its log."""

    templates: int
    applied: int


class Index(Protocol):
    """A cache of the log that finds near vectors. Safe to share between threads."""

    def catch_up(self, log: Log, gallery: int) -> None:
        """Apply what `log` has and this index lacks; returns when it is level."""

    def search(
        self,
        gallery: int,
        vector: NDArray[np.float32],
        k: int,
        *,
        fusion: Fusion = Fusion.BEST,
        among: Sequence[int] | None = None,
    ) -> Found:
        """At least the `k` nearest templates, or all there are; ties in no given order.

        With `Fusion.MEAN` it is the `k` nearest subjects, by the mean of their templates; each is a
        hit of its most similar template with the score of the mean. With `among`, only templates of
        these subjects (the store's numbers) are searched.
        """

    def standing(self) -> Mapping[int, Standing]:
        """What is held of each gallery at this moment."""

    def forget(self, gallery: int) -> None:
        """Drop what is held of a gallery."""

    def refresh(self, log: Log) -> None:
        """Bring every gallery that is held level; drop those deleted by another process.

        What is left on disk for the next start is brought up to date from time to time.
        """

    def save(self, log: Log) -> None:
        """Leave behind now what makes the next start faster."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How much a client may send at once, and how long it may take to."""

    max_image_bytes: int = 20 * 2**20
    max_body_bytes: int = 64 * 2**20
    max_images: int = 20
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class About:
    """What the parts are made of, for people."""

    provider: str = "none"
    index: str = "none"
    database: str = "none"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application runs on; `service.wiring` builds it, tests build their own.

    `calibration` gives a modality's score table, or None. `check` raises where the parts cannot
    serve; `start` begins what goes on beside requests; `close` lets everything go. `upcoming` are
    the same on the bundle that is to follow, for galleries that have been switched to it.
    """

    encode: Encode
    store: Store
    imports: Imports
    reembeddings: Reembeddings
    index: Index
    model: Model
    modalities: Sequence[Modality]
    calibration: Callable[[Modality], Calibration | None]
    check: Callable[[], None] = lambda: None
    start: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
    limits: UploadLimits = UploadLimits()
    about: About = About()
    access: Access = Access()
    upcoming: "Parts | None" = None

    def acting_for(self, actor: Actor) -> "Parts":
        """These parts, for what `actor` does."""
        imports = replace(self.imports, jobs=self.imports.jobs.acting_for(actor))
        upcoming = self.upcoming and self.upcoming.acting_for(actor)
        return replace(
            self,
            store=self.store.acting_for(actor),
            imports=imports,
            reembeddings=self.reembeddings.acting_for(actor),
            upcoming=upcoming,
        )

    def of(self, gallery: Gallery) -> "Parts":
        """Those of the model that the gallery is of; raises ModelMismatch."""
        for parts in (self, self.upcoming):
            if parts is not None and parts.model.identity == gallery.model.identity:
                return parts
        raise ModelMismatch(
            f"The gallery {gallery.name} was made with the model {gallery.model.name} "
            f"({gallery.model.identity[:12]}); this service runs {self.model.name} "
            f"({self.model.identity[:12]}), whose vectors cannot be compared with it."
        )

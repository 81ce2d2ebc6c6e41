"""The nouns: galleries, subjects, reference templates, the change log, candidates."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from faces.errors import Box
from faces.modality import Modality
from faces.quality import Quality
from service.core.errors import Rejection
from service.core.gallery_settings import GallerySettings

T = TypeVar("T")

DEFAULT_GALLERY = "default"
GALLERY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_SUBJECT_ID = 200


@dataclass(frozen=True, slots=True)
class Model:
    """The model bundle that made a vector; vectors of two identities cannot be compared."""

    name: str
    identity: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Gallery:
    """A set of subjects whose templates come from one model.

    `id` is the store's own and never used twice, so that a gallery made again under an old name
    is another gallery. `head` is the number of the newest committed change.
    """

    id: int
    name: str
    model: Model
    head: int
    created_at: datetime
    settings: GallerySettings = GallerySettings()


@dataclass(frozen=True, slots=True)
class Size:
    """How much a gallery holds."""

    subjects: int = 0
    templates: int = 0


@dataclass(frozen=True, slots=True)
class FaceFound:
    """Where a face was, in pixels of the upright image; see `faces.locate.Face`."""

    box: Box
    points: tuple[tuple[float, float], ...]
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """An aligned face, from which another model can be served: the bytes of its pixels (uint8).

    `kind` says what the pixels are: see `faces.prepare.kind_of`.
    """

    pixels: bytes
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One face of one image. `vector` is (d,) float32 of unit length; `crop` where it is kept."""

    vector: NDArray[np.float32]
    face: FaceFound
    quality: Quality
    modality: Modality
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A stored reference, without its vector; `index` is that of its image in the request.

    `crop_kept`: another model can be served without a new image.
    """

    template_id: str
    modality: Modality
    face: FaceFound
    quality: Quality
    created_at: datetime
    index: int | None = None
    crop_kept: bool = False


@dataclass(frozen=True, slots=True)
class SubjectTemplate:
    """A stored reference, and whose it is."""

    subject_id: str
    template: Template


@dataclass(frozen=True, slots=True, eq=False)
class NewTemplate:
    """A reference about to be stored."""

    index: int
    image_sha256: str
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class Subject:
    """One person of a gallery, under the caller's own id."""

    subject_id: str
    name: str | None
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    template_count: int


class SubjectChange(TypedDict, total=False):
    """What to change of a subject; a key that is absent leaves its value alone."""

    name: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hit:
    """A template near a probe, by the store's own number."""

    template: int
    score: float


@dataclass(frozen=True, slots=True)
class Alike:
    """Templates of others that look like somebody about to be enrolled.

    The index stood at `applied` of the log; what was enrolled since counts from `threshold` on,
    None: nothing is looked for.
    """

    hits: tuple[Hit, ...] = ()
    applied: int = 0
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an enrolment did. `replayed`: done by an earlier request with this Idempotency-Key.

    `alike` are templates of others with a face as like.
    """

    subject: Subject
    gallery: str
    templates: tuple[Template, ...]
    rejected: tuple[Rejection, ...]
    replayed: bool = False
    alike: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key and the digest of the request that it stands for."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list; `after` is where the next part starts, None at the end."""

    items: tuple[T, ...]
    after: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One entry of a gallery's log.

    `vector` is that of an added template and `subject` the number of whom it shows; None and 0 for
    a removal, and for an addition whose template has been removed since.
    """

    seq: int
    template: int
    vector: NDArray[np.float32] | None
    subject: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """The next entries of a gallery's log, and where the log stood at that very moment.

    Whoever has applied them stands at `applied`. Up to `floor` the log is compacted: it tells what
    is there, and no longer what went.
    """

    entries: Sequence[Change]
    head: int
    floor: int
    is_last: bool

    @property
    def applied(self) -> int:
        """The number reached with these entries; compaction leaves gaps, also before `head`."""
        return self.head if self.is_last else self.entries[-1].seq


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a gallery's log stands: its newest number, the newest removal, and see `Changes`.

    `removals` counts the entries that compaction could drop.
    """

    head: int
    floor: int
    erased: int
    removals: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a template is."""

    subject_id: str
    name: str | None
    template_id: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One subject of a candidate list; `fpir` is None where the score is not calibrated.

    `template` is the store's own number of the template.
    """

    rank: int
    subject_id: str
    name: str | None
    score: float
    fpir: float | None
    template_id: str
    template: int


def subject_id_objection(text: str) -> str | None:
    """Why `text` cannot be a subject's id, or None.

    Any text that survives a URL path unharmed is fine, slashes inside included; clients and
    proxies resolve `.` and `..` and may merge `//`.
    """
    if not 1 <= len(text) <= MAX_SUBJECT_ID:
        return f"must have 1 to {MAX_SUBJECT_ID} characters"
    if text != text.strip():
        return "must not begin or end with white space"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        return "must not contain control characters"
    if any(part in ("", ".", "..") for part in text.split("/")):
        return "must not have an empty, '.' or '..' part between slashes"
    return None

"""Use case: enrol one or more images of a subject."""

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faces.errors import ImageError, LowQuality, NoFace, SeveralFaces
from faces.locate import FacePolicy
from faces.modality import Modality
from service.core import duplicates, galleries
from service.core.errors import Duplicate, NothingEnrolled, Rejection
from service.core.gallery import Enrolment, NewTemplate, Once, SubjectChange
from service.core.jobs import Step
from service.core.ports import Encode, Parts
from service.core.quality import Bound, require

Upload = Callable[[], bytes]
"""Reads one uploaded image; called when its turn comes, so that one image is in memory at once."""


@dataclass(frozen=True, slots=True)
class EnrollRequest:
    """What a caller wants enrolled; without a `subject_id` a new subject is made.

    `step` is the file of an import that it is; it is settled with the enrolment.
    """

    images: Sequence[Upload]
    gallery: str
    subject_id: str | None
    change: SubjectChange
    modality: Modality
    policy: FacePolicy
    key: str | None = None
    step: Step | None = None


def enroll(request: EnrollRequest, parts: Parts) -> Enrolment:
    """Encode every image and store those that can be used, in one commit.

    Raises:
        UnknownGallery, ModelMismatch: see `galleries.opened`.
        IdempotencyConflict: the key was used for another request.
        NothingEnrolled: no image could be used.
        TurnLost: the import is not ours to go on with.
    """
    once = Once(request.key, fingerprint(request)) if request.key else None
    if once and (earlier := parts.store.recall(once)):
        return earlier
    gallery, parts = galleries.opened(parts, request.gallery)
    subject_id = request.subject_id or uuid.uuid4().hex
    known = set(parts.store.image_sums(gallery, subject_id))
    templates, rejected = _encode_all(request, known, gallery.settings.quality, parts.encode)
    if not templates:
        raise NothingEnrolled(rejected)
    alike = duplicates.search(templates, gallery, subject_id, parts)
    return parts.store.enroll(
        gallery, subject_id, request.change, templates, rejected, once, alike, request.step
    )


def _encode_all(
    request: EnrollRequest, known: set[str], bounds: Sequence[Bound], encode: Encode
) -> tuple[list[NewTemplate], list[Rejection]]:
    templates: list[NewTemplate] = []
    rejected: list[Rejection] = []
    for index, read in enumerate(request.images):
        data = read()
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            if sha256 in known:
                raise Duplicate(ALREADY_ENROLLED)
            encoded = encode(data, request.modality, request.policy)
            require(encoded.quality, encoded.modality, bounds)
        except (ImageError, NoFace, SeveralFaces, LowQuality, Duplicate) as error:
            rejected.append(Rejection.of(index, error))
        else:
            known.add(sha256)
            templates.append(NewTemplate(index, sha256, encoded))
    return templates, rejected


ALREADY_ENROLLED = "This very image is enrolled for the subject already."


def fingerprint(request: EnrollRequest) -> str:
    """Digest of everything in a request that matters to its outcome."""
    fields = {
        "images": [hashlib.sha256(read()).hexdigest() for read in request.images],
        "gallery": request.gallery,
        "subject_id": request.subject_id,
        "change": request.change,
        "modality": request.modality,
        "policy": request.policy,
    }
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

"""Use cases of imports: begin one, end one, clear away what they leave."""

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from faces.locate import FacePolicy
from faces.modality import Modality
from service.core import galleries, layout, manifest
from service.core.duplicates import Resemblance, resemblances
from service.core.errors import (
    ImportTooLarge,
    InvalidManifest,
    UnsupportedModality,
)
from service.core.gallery import Gallery, Once, Page
from service.core.jobs import Imports, Job, JobFile, NewFile, NewJob
from service.core.ports import Parts

_ABANDONED = 3600.0
"""Seconds after which an upload that nobody writes to, and without a job, is given up."""


@dataclass(frozen=True, slots=True)
class Received:
    """An upload that has arrived as a whole, for a job to come."""

    gallery: Gallery
    job_id: str
    sha256: str
    is_manifest: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file, and whom its face resembles besides."""

    file: JobFile
    resemblance: Resemblance


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What a caller wants imported; `folder` is where a manifest's files are on the server."""

    received: Received
    folder: str
    modality: Modality
    policy: FacePolicy
    key: str | None = None


def begin(request: ImportRequest, parts: Parts) -> Job:
    """Make a job of an upload. Where that fails, or an earlier request has made one, it is removed.

    Raises:
        UnsupportedModality: the model has no encoder for it.
        UnusableArchive, InvalidManifest, ImportTooLarge, FolderNotAllowed: what is wrong with it.
        IdempotencyConflict: the key was used for another request.
        UnknownGallery: the gallery has been deleted meanwhile.
    """
    received, uploads = request.received, parts.imports.uploads
    kept = False
    try:
        of_it = parts.of(received.gallery)
        if request.modality not in of_it.modalities:
            raise UnsupportedModality(
                f"The model {of_it.model.name} encodes no {request.modality}."
            )
        files = _listed(request, parts.imports)
        if len(files) > parts.imports.limits.max_files:
            raise ImportTooLarge(f"{len(files):,} files are more than one import may have.")
        job = parts.imports.jobs.create(received.gallery, _new_job(request), files)
        kept = job.job_id == received.job_id and not received.is_manifest
        return job
    finally:
        if not kept:
            uploads.discard(received.gallery.id, received.job_id)


def _new_job(request: ImportRequest) -> NewJob:
    received = request.received
    folder = request.folder if received.is_manifest else None
    fields = [received.sha256, received.gallery.name, folder, request.modality, request.policy]
    fingerprint = hashlib.sha256(json.dumps(fields).encode()).hexdigest()
    once = Once(request.key, fingerprint) if request.key else None
    return NewJob(received.job_id, request.modality, request.policy, folder, once)


def _listed(request: ImportRequest, imports: Imports) -> list[NewFile]:
    received, limits = request.received, imports.limits
    where = received.gallery.id, received.job_id
    if received.is_manifest:
        imports.uploads.folder(request.folder).close()
        with imports.uploads.open(*where) as file:
            content = file.read(manifest.MAX_BYTES + 1)
        if len(content) > manifest.MAX_BYTES:
            raise ImportTooLarge(f"A manifest has at most {manifest.MAX_BYTES:,} bytes.")
        files = manifest.read(content, limits.max_files)
    else:
        with closing(imports.uploads.archive(*where)) as archive:
            names = archive.names()
            found = layout.manifest_in(names)
            if found is None:
                files = layout.by_folder(names)
            else:
                listed = manifest.read(archive.manifest(found[0]), limits.max_files)
                files = layout.by_manifest(names, listed, found[1])
    if not files:
        raise InvalidManifest("There is no file in it to enrol.")
    return files


def list_jobs(parts: Parts, gallery: str, after: int, limit: int) -> Page[Job]:
    """A gallery's imports, oldest first; raises UnknownGallery."""
    return parts.imports.jobs.of_gallery(galleries.find(parts.store, gallery), after, limit)


def list_files(parts: Parts, job_id: str, after: int, limit: int) -> Page[Outcome]:
    """What became of each file; raises UnknownJob."""
    jobs = parts.imports.jobs
    job = jobs.job(job_id)
    page = jobs.files(job, after, limit)
    alike = resemblances([file.alike for file in page.items], job.gallery, parts.store)
    return Page(tuple(map(Outcome, page.items, alike)), page.after)


def cancel(parts: Parts, job_id: str) -> Job:
    """End an import; what it has enrolled stays. Raises UnknownJob."""
    job = parts.imports.jobs.cancel(job_id)
    parts.imports.uploads.discard(job.gallery_id, job.job_id)
    return job


def sweep(parts: Parts) -> None:
    """Forget what is old, and remove every upload whose job has ended or will not come."""
    imports = parts.imports
    imports.jobs.forget(before=datetime.now(UTC) - imports.limits.keep)
    held = imports.uploads.held()
    ended = imports.jobs.have_ended([upload.job_id for upload in held])
    there = parts.store.marks([upload.gallery_id for upload in held])
    for upload in held:
        over = ended.get(upload.job_id, upload.age > _ABANDONED)
        if over or upload.gallery_id not in there:
            imports.uploads.discard(upload.gallery_id, upload.job_id)

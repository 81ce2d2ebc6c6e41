"""POST and GET /galleries/{gallery}/imports."""

import hashlib
import uuid
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from faces.locate import FacePolicy
from faces.modality import Modality
from service.api.deps import (
    After,
    GalleryInPath,
    IdempotencyKey,
    Limit,
    PartsDep,
    cursor_to,
    parts_of,
)
from service.api.guard import GuardedRoute, needs
from service.api.job_answers import JobOut, JobPageOut
from service.api.problems import documented, problem, request_id_of
from service.core import galleries, imports
from service.core.access import Scope
from service.core.imports import ImportRequest, Received

ZIP = "application/zip"
CSV = "text/csv"
_SPOOL = 2**20
"""Bytes gathered before they are written."""


class UploadRoute(GuardedRoute):
    """Writes the body to disk as it arrives; whatever goes wrong, nothing of it stays there."""

    def admitted(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `GuardedRoute`."""
        handle = super().admitted()
        if "POST" not in (self.methods or ()):
            return handle

        async def received(request: Request) -> Response:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in (ZIP, CSV):
                detail = f"Send a ZIP file as {ZIP}, or a manifest as {CSV}."
                return problem("unsupported_media_type", detail, request_id_of(request))
            request.state.received = await _receive(request, is_manifest=kind == CSV)
            try:
                return await handle(request)
            except BaseException:
                await run_in_threadpool(_give_up, request)
                raise

        return received


async def _receive(request: Request, *, is_manifest: bool) -> Received:
    parts, job_id = parts_of(request), uuid.uuid4().hex
    gallery, _ = await run_in_threadpool(galleries.opened, parts, request.path_params["gallery"])
    uploads = parts.imports.uploads
    file = await run_in_threadpool(uploads.receive, gallery.id, job_id)
    try:
        sha256 = await _write(request, file)
    except BaseException:
        await run_in_threadpool(uploads.discard, gallery.id, job_id)
        raise
    return Received(gallery, job_id, sha256, is_manifest)


async def _write(request: Request, file: BinaryIO) -> str:
    digest, left = hashlib.sha256(), bytearray()

    def write() -> None:
        digest.update(left)
        file.write(bytes(left))
        left.clear()

    try:
        async for chunk in request.stream():
            left += chunk
            if len(left) >= _SPOOL:
                await run_in_threadpool(write)
        await run_in_threadpool(write)
    finally:
        await run_in_threadpool(file.close)
    return digest.hexdigest()


def _give_up(request: Request) -> None:
    received: Received = request.state.received
    parts_of(request).imports.uploads.discard(received.gallery.id, received.job_id)


router = APIRouter(prefix="/galleries/{gallery}/imports", route_class=UploadRoute, tags=["imports"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            ZIP: {"schema": {"type": "string", "format": "binary"}},
            CSV: {"schema": {"type": "string"}},
        },
    }
}


@router.post(
    "",
    operation_id="create_import",
    openapi_extra=needs(Scope.ENROL) | _BODY,
    summary="Enrol many images in the background",
    status_code=202,
    response_model=JobOut,
    responses=documented(
        "malformed_request",
        "unknown_gallery",
        "idempotency_conflict",
        "model_mismatch",
        "import_too_large",
        "unusable_archive",
        "invalid_manifest",
        "folder_not_allowed",
        "request_timeout",
        "unsupported_media_type",
        "unknown_field",
        "unsupported_modality",
        "busy",
    ),
)
def post_import(
    request: Request,
    gallery: GalleryInPath,
    parts: PartsDep,
    response: Response,
    modality: Annotated[Modality, Query(description="How the images were taken.")] = Modality.VIS,
    face_policy: Annotated[
        FacePolicy, Query(description="Which face is meant where there are several.")
    ] = FacePolicy.REQUIRE_SINGLE,
    folder: Annotated[
        str, Query(max_length=1000, description="With a manifest: where below the allowed folder.")
    ] = "",
    idempotency_key: IdempotencyKey = None,
) -> JobOut:
    """Send a ZIP file, or a manifest (CSV) of files in a folder of the server.

    In a ZIP, a folder is a subject and named by their id; or a `manifest.csv` in it says who is on
    which file: columns `file`, `subject_id`, `name` (optional), all others are metadata. Files of
    the server need a folder that its operator allows.

    The answer comes when all is on disk; the rest happens in the background, and goes on after a
    crash. An image that a subject has already is not enrolled again.
    """
    wanted = ImportRequest(request.state.received, folder, modality, face_policy, idempotency_key)
    job = imports.begin(wanted, parts)
    response.headers["Location"] = f"/jobs/{job.job_id}"
    if job.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return JobOut.of(job)


@router.get(
    "",
    operation_id="list_imports",
    openapi_extra=needs(Scope.ENROL),
    summary="List the imports of a gallery",
    response_model=JobPageOut,
    responses=documented("unknown_gallery", "unknown_field", "busy"),
)
def get_imports(
    gallery: GalleryInPath, parts: PartsDep, after: After, limit: Limit = 100
) -> JobPageOut:
    """Imports that have not been forgotten yet, oldest first, in parts."""
    page = imports.list_jobs(parts, gallery, after, limit)
    return JobPageOut.of(page, cursor_to(page.after))

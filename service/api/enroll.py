"""POST /enroll."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from service import metrics
from service.api.answers import EnrollOut
from service.api.deps import IdempotencyKey, ManyImagesRoute, PartsDep
from service.api.forms import EnrollForm
from service.api.guard import needs
from service.api.problems import documented
from service.core.access import Scope
from service.core.duplicates import resemblances
from service.core.enroll import enroll

router = APIRouter(route_class=ManyImagesRoute, tags=["recognition"])


@router.post(
    "/enroll",
    operation_id="enroll",
    openapi_extra=needs(Scope.ENROL),
    summary="Enrol images of a person",
    status_code=201,
    response_model=EnrollOut,
    responses=documented(
        "malformed_request",
        "unknown_gallery",
        "duplicate",
        "idempotency_conflict",
        "model_mismatch",
        "image_too_large",
        "unsupported_image",
        "unsupported_media_type",
        "unknown_field",
        "unsupported_modality",
        "no_face",
        "several_faces",
        "low_quality",
        "busy",
    ),
)
def post_enroll(
    form: Annotated[EnrollForm, Form(media_type="multipart/form-data")],
    parts: PartsDep,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> EnrollOut:
    """Add one or more images to a subject; without `subject_id`, a new subject is made.

    The answer leaves after the commit: the very next search, in any worker, finds the person.
    Images that cannot be used are told in `rejected`; where none can be used, the answer is the
    error of the first. The very image that the subject has already is a `duplicate`. A face that
    another subject seems to have is enrolled all the same, and `possible_duplicates` tells whose.
    """
    enrolment = enroll(form.request(idempotency_key, parts.limits), parts)
    if enrolment.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    for rejection in enrolment.rejected:
        metrics.rejections.labels(rejection.code).inc()
    [resemblance] = resemblances([enrolment.alike], enrolment.gallery, parts.store)
    return EnrollOut.of(enrolment, resemblance)

"""POST /verify."""

from typing import Annotated

from fastapi import APIRouter, Form

from service.api.answers import VerifyOut
from service.api.deps import FormRoute, PartsDep
from service.api.forms import VerifyForm, modality_of, reader
from service.api.guard import needs
from service.api.problems import documented
from service.core.access import Scope
from service.core.verify import verify

router = APIRouter(route_class=FormRoute, tags=["recognition"])


@router.post(
    "/verify",
    operation_id="verify",
    openapi_extra=needs(Scope.READ),
    summary="Compare a face with another, or with a subject",
    response_model=VerifyOut,
    responses=documented(
        "malformed_request",
        "unknown_gallery",
        "unknown_subject",
        "model_mismatch",
        "image_too_large",
        "unsupported_image",
        "unsupported_media_type",
        "unknown_field",
        "unsupported_modality",
        "uncalibrated",
        "no_face",
        "several_faces",
        "low_quality",
        "busy",
    ),
)
def post_verify(
    form: Annotated[VerifyForm, Form(media_type="multipart/form-data")], parts: PartsDep
) -> VerifyOut:
    """Compare the face in `image` with that in `reference`, or with the templates of a subject.

    Of several templates the most similar counts, and `fmr` accounts for their number.
    """
    verification = verify(
        reader(form.image, parts.limits)(),
        modality_of(form.modality),
        form.face_policy,
        form.claim(parts.limits),
        form.threshold(),
        parts,
        form.purpose,
    )
    return VerifyOut.of(verification)

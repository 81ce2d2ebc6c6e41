"""POST /identify."""

from typing import Annotated

from fastapi import APIRouter, Form

from service.api.answers import IdentifyOut
from service.api.deps import FormRoute, PartsDep
from service.api.forms import IdentifyForm, reader
from service.api.guard import needs
from service.api.problems import documented
from service.core.access import Scope
from service.core.identify import identify

router = APIRouter(route_class=FormRoute, tags=["recognition"])


@router.post(
    "/identify",
    operation_id="identify",
    openapi_extra=needs(Scope.READ),
    summary="Rank the people of a gallery by likeness",
    response_model=IdentifyOut,
    responses=documented(
        "malformed_request",
        "unknown_gallery",
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
def post_identify(
    form: Annotated[IdentifyForm, Form(media_type="multipart/form-data")], parts: PartsDep
) -> IdentifyOut:
    """Search a gallery for the face in an image: one row a subject, its best template wins.

    Nobody above the threshold is an empty list. A score is a similarity and no probability; `fpir`
    says what it means for a gallery of this size.
    """
    found = identify(reader(form.image, parts.limits)(), form.search(), parts)
    return IdentifyOut.of(found)

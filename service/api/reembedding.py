"""GET /galleries/{gallery}/reembedding and /reenrolments: on the way to another model.

It is begun, switched and cancelled by whoever can open the database (`null-face reembed`). Crops
leave the service through no call.
"""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.api.deps import After, GalleryInPath, Limit, PartsDep, cursor_to
from service.api.guard import GuardedRoute, needs
from service.api.problems import documented
from service.core.access import Scope
from service.core.reembed import Standing, reenrolments, standing
from service.core.reembedding import Reason

router = APIRouter(prefix="/galleries/{gallery}", route_class=GuardedRoute, tags=["galleries"])


class ReembeddingOut(BaseModel):
    """How far a gallery is on its way to another model."""

    gallery: str = Field(examples=["default"])
    model: str = Field(description="Name of the model that serves it.")
    model_identity: str = Field(description="Digest of all that its vectors depend on.")
    next_model: str | None = Field(description="Name of the model that follows; null: none.")
    next_model_identity: str | None
    started_at: datetime | None
    templates: int = Field(examples=[150])
    done: int = Field(description="Templates that the next model has encoded.", examples=[64])
    pending: int = Field(description="Templates that it can encode and has not.", examples=[80])
    reenrolments: int = Field(
        description="Templates that it cannot encode: their subjects must be enrolled again.",
        examples=[6],
    )

    @classmethod
    def of(cls, standing: Standing) -> "ReembeddingOut":
        """From the core's words."""
        gallery, one, at = standing.gallery, standing.under_way, standing.progress
        return cls(
            gallery=gallery.name,
            model=gallery.model.name,
            model_identity=gallery.model.identity,
            next_model=one.target.model.name if one else None,
            next_model_identity=one.target.model.identity if one else None,
            started_at=one.started_at if one else None,
            templates=at.templates,
            done=at.done,
            pending=at.pending,
            reenrolments=at.reenrolments,
        )


class ReenrolmentOut(BaseModel):
    """A template that the next model cannot encode from what is kept."""

    subject_id: str = Field(examples=["staff-0042"])
    template_id: str = Field(examples=["6f1d0a3c5a5b4b5f8a1d8d5c0e2f7a90"])
    reason: Reason = Field(
        description="`no_crop`: none was kept; `other_crop`: it is not of the kind that the next "
        "model takes; `unsupported_modality`: the next model does not encode its modality.",
    )


class ReenrolmentPageOut(BaseModel):
    """Part of the templates whose subjects must be enrolled again, oldest first."""

    reenrolments: list[ReenrolmentOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next part.")


@router.get(
    "/reembedding",
    operation_id="get_reembedding",
    openapi_extra=needs(Scope.ADMIN),
    summary="How far is a gallery on its way to another model?",
    response_model=ReembeddingOut,
    responses=documented("unknown_gallery", "unknown_field", "busy"),
)
def get_reembedding(gallery: GalleryInPath, parts: PartsDep) -> ReembeddingOut:
    """While the next model encodes what is kept, the present one serves; then both change at once.

    Where nothing is under way, the counts are those that a model of the same crops would meet.
    """
    return ReembeddingOut.of(standing(parts.store, parts.reembeddings, gallery))


@router.get(
    "/reenrolments",
    operation_id="list_reenrolments",
    openapi_extra=needs(Scope.ENROL, Scope.ADMIN),
    summary="Who must be enrolled again for another model?",
    response_model=ReenrolmentPageOut,
    responses=documented("unknown_gallery", "unknown_field", "busy"),
)
def get_reenrolments(
    gallery: GalleryInPath, parts: PartsDep, after: After, limit: Limit = 100
) -> ReenrolmentPageOut:
    """Templates that cannot be encoded from what is kept, in parts."""
    page = reenrolments(parts.store, parts.reembeddings, gallery, after, limit)
    listed = [ReenrolmentOut.model_validate(one, from_attributes=True) for one in page.items]
    return ReenrolmentPageOut(reenrolments=listed, next_cursor=cursor_to(page.after))

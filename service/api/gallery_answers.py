"""Galleries, as the service shows them."""

from datetime import datetime

from pydantic import BaseModel, Field

from service.core.galleries import Described
from service.core.gallery import Page
from service.core.gallery_settings import Fusion


class BoundOut(BaseModel):
    """What a measure has to be; both ends are allowed."""

    min: float | None
    max: float | None


class DuplicatesOut(BaseModel):
    """From which score on a face is told to be another subject's, too; one of both is null."""

    target_fpir: float | None
    min_score: float | None


class GalleryOut(BaseModel):
    """A gallery."""

    gallery: str = Field(examples=["default"])
    model: str = Field(description="Name of the model bundle that made its vectors.")
    model_identity: str = Field(description="Digest of all that its vectors depend on.")
    created_at: datetime
    subjects: int = Field(examples=[143])
    templates: int = Field(examples=[150])
    quality: dict[str, BoundOut] = Field(
        description="What images have to be like to be enrolled, by measure.",
        examples=[{"inter_eye_distance": {"min": 40, "max": None}}],
    )
    fusion: Fusion = Field(description="How a subject of several templates is compared.")
    duplicates: DuplicatesOut | None = Field(
        description="From which score on an enrolment tells that another subject has this face; "
        "null: it is not looked for.",
        examples=[{"target_fpir": 0.05, "min_score": None}],
    )
    retention_days: int | None = Field(
        description="Templates enrolled longer ago are erased; null: kept for ever.", examples=[365]
    )

    @classmethod
    def of(cls, described: Described) -> "GalleryOut":
        """From the core's words."""
        settings = described.gallery.settings
        duplicates = settings.duplicates
        return cls(
            gallery=described.gallery.name,
            model=described.gallery.model.name,
            model_identity=described.gallery.model.identity,
            created_at=described.gallery.created_at,
            subjects=described.size.subjects,
            templates=described.size.templates,
            quality={
                bound.measure: BoundOut(min=bound.minimum, max=bound.maximum)
                for bound in settings.quality
            },
            fusion=settings.fusion,
            duplicates=DuplicatesOut.model_validate(duplicates, from_attributes=True)
            if duplicates.is_on
            else None,
            retention_days=settings.retention_days,
        )


class GalleryPageOut(BaseModel):
    """Part of all galleries, oldest first."""

    galleries: list[GalleryOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next part.")

    @classmethod
    def of(cls, page: Page[Described], cursor: str | None) -> "GalleryPageOut":
        """From the core's words."""
        return cls(galleries=[GalleryOut.of(one) for one in page.items], next_cursor=cursor)

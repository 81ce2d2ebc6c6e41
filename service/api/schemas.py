"""Galleries, subjects, templates and faces, as the service shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from faces.errors import Box
from faces.modality import Modality
from faces.quality import Quality
from service.core.errors import Rejection
from service.core.gallery import FaceFound, Subject, SubjectTemplate, Template


class BoxOut(BaseModel):
    """A rectangle, in pixels of the upright image."""

    x: float = Field(examples=[64.0])
    y: float = Field(examples=[48.0])
    width: float = Field(examples=[120.0])
    height: float = Field(examples=[120.0])

    @classmethod
    def of(cls, box: Box) -> "BoxOut":
        """From the core's words."""
        x, y, width, height = box
        return cls(x=x, y=y, width=width, height=height)


class PointOut(BaseModel):
    """A place, in pixels of the upright image."""

    x: float
    y: float


class FaceOut(BaseModel):
    """Where a face was found."""

    box: BoxOut
    points: list[PointOut] = Field(
        description="The eye on the left of the image, the eye on the right, nose tip, left mouth "
        "corner, right mouth corner.",
    )
    score: float = Field(description="The locator's confidence that this is a face.")

    @classmethod
    def of(cls, face: FaceFound) -> "FaceOut":
        """From the core's words."""
        points = [PointOut(x=x, y=y) for x, y in face.points]
        return cls(box=BoxOut.of(face.box), points=points, score=face.score)


class QualityOut(BaseModel):
    """How fit the image is, in the spirit of ISO/IEC 29794-5. Poses are proxies, not angles."""

    inter_eye_distance: float = Field(description="Pixels between the eyes.", examples=[58.3])
    sharpness: float = Field(description="Variance of the Laplacian of the aligned face.")
    under_exposure: float = Field(description="Share of the face that is nearly black.")
    over_exposure: float = Field(description="Share of the face that is nearly white.")
    head_pose_roll: float = Field(description="Degrees; positive: the right eye is lower.")
    head_pose_yaw: float = Field(description="0: the nose is midway between the eyes.")
    head_pose_pitch: float = Field(description="0: the nose is midway between eyes and mouth.")
    luminance_mean: float | None = Field(
        description="Mean of the face, 0 to 1; this and what follows is null in templates of "
        "older versions.",
        examples=[0.47],
    )
    dynamic_range: float | None = Field(
        description="Entropy of the face's grey levels, in bits, 0 to 8.", examples=[7.1]
    )
    illumination_uniformity: float | None = Field(
        description="How alike the left and the right half are lit, 0 to 1.", examples=[0.8]
    )

    @classmethod
    def of(cls, quality: Quality) -> "QualityOut":
        """From the core's words."""
        return cls.model_validate(quality, from_attributes=True)


class TemplateOut(BaseModel):
    """A reference template. Its vector never leaves the service."""

    template_id: str = Field(examples=["6f1d0a3c5a5b4b5f8a1d8d5c0e2f7a90"])
    modality: Modality
    face: FaceOut
    quality: QualityOut
    created_at: datetime
    crop_kept: bool = Field(
        description="The aligned face is kept, encrypted, for another model; it never leaves the "
        "service."
    )

    @classmethod
    def of(cls, template: Template) -> "TemplateOut":
        """From the core's words."""
        return cls(
            template_id=template.template_id,
            modality=template.modality,
            face=FaceOut.of(template.face),
            quality=QualityOut.of(template.quality),
            created_at=template.created_at,
            crop_kept=template.crop_kept,
        )


class SubjectTemplateOut(TemplateOut):
    """A reference template, and whose it is."""

    subject_id: str = Field(examples=["staff-0042"])

    @classmethod
    def of_subject(cls, found: SubjectTemplate) -> "SubjectTemplateOut":
        """From the core's words."""
        return cls(subject_id=found.subject_id, **dict(TemplateOut.of(found.template)))


class TemplatePageOut(BaseModel):
    """Part of a gallery's templates, in the order of their enrolment."""

    templates: list[SubjectTemplateOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next part.")


class EnrolledTemplateOut(TemplateOut):
    """A reference template just made."""

    index: int = Field(description="Which of the request's images it was made of, from 0.")

    @classmethod
    def of(cls, template: Template) -> "EnrolledTemplateOut":
        """From the core's words."""
        made = TemplateOut.of(template)
        return cls(index=template.index or 0, **dict(made))


class RejectedOut(BaseModel):
    """An image that was not enrolled."""

    index: int = Field(description="Which of the request's images, from 0.")
    code: str = Field(examples=["no_face"])
    detail: str = Field(examples=["No face was found in the image."])
    boxes: list[BoxOut] | None = Field(None, description="With `several_faces`: where they are.")

    @classmethod
    def of(cls, rejection: Rejection) -> "RejectedOut":
        """From the core's words."""
        boxes = [BoxOut.of(box) for box in rejection.boxes] or None
        return cls(index=rejection.index, code=rejection.code, detail=rejection.detail, boxes=boxes)


class SubjectOut(BaseModel):
    """One person of a gallery."""

    subject_id: str = Field(examples=["staff-0042"])
    name: str | None = Field(examples=["Ada Lovelace"])
    metadata: dict[str, Any] = Field(examples=[{"department": "engines"}])
    created_at: datetime
    updated_at: datetime
    template_count: int = Field(examples=[2])

    @classmethod
    def of(cls, subject: Subject) -> "SubjectOut":
        """From the core's words."""
        return cls(
            subject_id=subject.subject_id,
            name=subject.name,
            metadata=dict(subject.metadata),
            created_at=subject.created_at,
            updated_at=subject.updated_at,
            template_count=subject.template_count,
        )


class SubjectDetailOut(SubjectOut):
    """One person of a gallery, with their templates."""

    templates: list[TemplateOut]

    @classmethod
    def of_both(cls, both: tuple[Subject, list[Template]]) -> "SubjectDetailOut":
        """From the core's words."""
        subject, templates = both
        listed = [TemplateOut.of(template) for template in templates]
        return cls(templates=listed, **dict(SubjectOut.of(subject)))


class PossibleDuplicateOut(BaseModel):
    """Another subject whose face is as like as one person's."""

    subject_id: str = Field(examples=["staff-0007"])
    name: str | None = Field(examples=["Ada King"])
    score: float = Field(description="Similarity, at most 1; no probability.", examples=[0.91])
    template_id: str = Field(description="That subject's most similar template.")


class SubjectPageOut(BaseModel):
    """Part of a gallery's subjects, in the order of their first enrolment."""

    subjects: list[SubjectOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next part.")

"""What clients send of galleries and subjects, as JSON."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from faces.quality import Measure
from service.api.forms import Form, Metadata, Name, Rate, Score
from service.core.gallery import GALLERY_NAME, SubjectChange
from service.core.gallery_settings import DEFAULT_CHECK, DuplicateCheck, Fusion, SettingsChange
from service.core.quality import Bound

MAX_RETENTION_DAYS = 36_500

NewGalleryName = Annotated[
    str,
    Field(
        pattern=f"^{GALLERY_NAME.pattern}$",
        description="1 to 64 letters, digits, '.', '_' and '-'; the first a letter or a digit.",
        examples=["visitors"],
    ),
]


class BoundForm(Form):
    """What a measure has to be; both ends are allowed."""

    min: Annotated[float | None, Field(allow_inf_nan=False)] = None
    max: Annotated[float | None, Field(allow_inf_nan=False)] = None

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("min or max is needed")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class DuplicatesForm(Form):
    """From which score on a face is told to be another subject's, too."""

    target_fpir: Annotated[
        Rate | None,
        Field(description="At most this share of the enrolments of strangers tells so."),
    ] = None
    min_score: Score | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.target_fpir is None) == (self.min_score is None):
            raise ValueError("send either target_fpir or min_score")
        return self


class GallerySettingsForm(Form):
    """What can be set of a gallery; what is left out stays as it is."""

    quality: Annotated[
        dict[Measure, BoundForm],
        Field(
            default_factory=dict,
            description="What images have to be like to be enrolled, by measure; {} for anything.",
            examples=[{"inter_eye_distance": {"min": 40}, "head_pose_yaw": {"min": -0.5}}],
        ),
    ]
    fusion: Annotated[
        Fusion,
        Field(
            default_factory=lambda: Fusion.BEST,
            description="How a subject of several templates is compared: by the most similar one, "
            "or by their mean.",
        ),
    ]
    duplicates: Annotated[
        DuplicatesForm | None,
        Field(
            default_factory=lambda: DuplicatesForm(target_fpir=DEFAULT_CHECK.target_fpir),
            description="From which score on an enrolment tells that another subject has this "
            "face; null: it is not looked for.",
            examples=[{"target_fpir": 0.01}, {"min_score": 0.7}, None],
        ),
    ]
    retention_days: Annotated[
        Annotated[int, Field(ge=1, le=MAX_RETENTION_DAYS)] | None,
        Field(
            default_factory=lambda: None,
            description="Templates enrolled longer ago are erased, and subjects with them; null: "
            "kept for ever. What is too old by a new number is erased at once.",
            examples=[365, None],
        ),
    ]

    def change(self) -> SettingsChange:
        """In the core's words."""
        change, sent = SettingsChange(), self.model_fields_set
        if "quality" in sent:
            bounds = sorted(self.quality.items())
            change["quality"] = tuple(Bound(name, one.min, one.max) for name, one in bounds)
        if "fusion" in sent:
            change["fusion"] = self.fusion
        if "duplicates" in sent:
            asked = self.duplicates.model_dump() if self.duplicates else {}
            change["duplicates"] = DuplicateCheck(**asked)
        if "retention_days" in sent:
            change["retention_days"] = self.retention_days
        return change


class NewGallery(GallerySettingsForm):
    """A gallery to be made."""

    gallery: NewGalleryName


class GalleryPatch(GallerySettingsForm):
    """What to change of a gallery."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("send at least one setting")
        return self


class SubjectPatch(Form):
    """What to change of a subject; what is left out stays as it is."""

    name: Name | None = Field(None, description="A name to show; null takes it away.")
    metadata: Metadata | None = Field(
        None, description="Replaces the metadata as a whole; null empties it."
    )

    def change(self) -> SubjectChange:
        """In the core's words."""
        change = SubjectChange()
        if "name" in self.model_fields_set:
            change["name"] = self.name
        if "metadata" in self.model_fields_set:
            change["metadata"] = self.metadata or {}
        return change

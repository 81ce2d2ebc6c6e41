"""What clients send: form and JSON bodies, parsed and checked before a use case sees them."""

import json
import math
import unicodedata
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import UploadFile
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from faces.locate import FacePolicy
from faces.modality import Modality
from service.api.filters import FilterText
from service.core.enroll import EnrollRequest, Upload
from service.core.gallery import (
    DEFAULT_GALLERY,
    MAX_SUBJECT_ID,
    SubjectChange,
    subject_id_objection,
)
from service.core.identify import Search
from service.core.ports import UploadLimits
from service.core.verify import Reference, Threshold

MAX_METADATA = 16_384
MAX_DEPTH = 8

ModalityOrAuto = Literal["auto", "vis", "nir", "sketch"]


def _subject_id(text: str) -> str:
    if objection := subject_id_objection(text):
        raise ValueError(objection)
    return text


def _name(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("must not contain control characters")
    return text


def _metadata_of_text(sent: object) -> object:
    if not isinstance(sent, str):
        return sent
    try:
        return json.loads(sent)
    except (ValueError, RecursionError):
        raise ValueError("must be a JSON object") from None


def _metadata(sent: dict[str, Any]) -> dict[str, Any]:
    for depth, value in _values(sent, 1):
        if depth > MAX_DEPTH:
            raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("must not hold NaN or infinite numbers")
        if isinstance(value, str) and any(
            character == "\0" or unicodedata.category(character) == "Cs" for character in value
        ):
            raise ValueError("must not hold NUL or half a surrogate pair")
    if len(json.dumps(sent, ensure_ascii=False).encode()) > MAX_METADATA:
        raise ValueError(f"must not take more than {MAX_METADATA:,} bytes as JSON")
    return sent


def _values(value: object, depth: int) -> Iterator[tuple[int, object]]:
    """Every value and key inside, and how deep it lies; no deeper than the first too deep."""
    yield depth, value
    if depth > MAX_DEPTH or not isinstance(value, dict | list):
        return
    for key in value if isinstance(value, dict) else ():
        yield depth, key
    for inner in value.values() if isinstance(value, dict) else value:
        yield from _values(inner, depth + isinstance(inner, dict | list))


SubjectId = Annotated[
    str,
    AfterValidator(_subject_id),
    Field(
        min_length=1,
        max_length=MAX_SUBJECT_ID,
        description="Your own id of the person: any text without control characters, without white "
        "space at its ends, and without empty, '.' or '..' parts between slashes.",
        examples=["staff-0042"],
    ),
]
Name = Annotated[
    str,
    AfterValidator(_name),
    Field(max_length=200, description="A name to show.", examples=["Ada Lovelace"]),
]
Metadata = Annotated[dict[str, Any], AfterValidator(_metadata)]
MetadataText = Annotated[
    Metadata,
    BeforeValidator(_metadata_of_text),
    WithJsonSchema(
        {
            "type": "string",
            "contentMediaType": "application/json",
            "description": f"A JSON object of your own, at most {MAX_METADATA:,} bytes.",
            "examples": ['{"department": "engines"}'],
        }
    ),
]
GalleryName = Annotated[
    str, Field(max_length=64, description="Name of the gallery.", examples=["default"])
]
Image = Annotated[UploadFile, Field(description="A JPEG, PNG, WebP or BMP file.")]
Score = Annotated[
    float, Field(ge=-1, le=1, allow_inf_nan=False, description="Least score that counts.")
]
Rate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


Purpose = Annotated[
    str,
    AfterValidator(_name),
    Field(
        min_length=1,
        max_length=200,
        description="What the search is for, in your words; kept in the audit.",
        examples=["case 2026-0815"],
    ),
]


class Form(BaseModel):
    """What a client sends: nothing in it is ignored."""

    model_config = ConfigDict(extra="forbid")


class EnrollForm(Form):
    """One or more images of one person."""

    image: Annotated[
        list[UploadFile],
        Field(min_length=1, description="One or more JPEG, PNG, WebP or BMP files."),
    ]
    subject_id: SubjectId | None = None
    name: Name | None = None
    metadata: MetadataText | None = None
    gallery: GalleryName = DEFAULT_GALLERY
    modality: Annotated[Modality, Field(description="How the images were taken.")] = Modality.VIS
    face_policy: Annotated[
        FacePolicy, Field(description="Which face is meant where there are several.")
    ] = FacePolicy.REQUIRE_SINGLE

    def request(self, key: str | None, limits: UploadLimits) -> EnrollRequest:
        """In the core's words."""
        change = SubjectChange()
        if self.name is not None:
            change["name"] = self.name
        if self.metadata is not None:
            change["metadata"] = self.metadata
        return EnrollRequest(
            images=[reader(file, limits) for file in self.image],
            gallery=self.gallery,
            subject_id=self.subject_id,
            change=change,
            modality=self.modality,
            policy=self.face_policy,
            key=key,
        )


class IdentifyForm(Form):
    """One image of an unknown person."""

    image: Image
    gallery: GalleryName = DEFAULT_GALLERY
    modality: Annotated[ModalityOrAuto, Field(description="How the image came to be.")] = "auto"
    filter: FilterText | None = None
    top_k: Annotated[int, Field(ge=1, le=200, description="How many subjects to list at most.")] = (
        10
    )
    min_score: Score | None = None
    target_fpir: Annotated[
        Rate | None,
        Field(
            description="Instead of `min_score`: list only scores that a stranger's search reaches "
            "with at most this chance, given the size of the gallery.",
            examples=[0.01],
        ),
    ] = None
    face_policy: Annotated[
        FacePolicy, Field(description="Which face is meant where there are several.")
    ] = FacePolicy.LARGEST
    purpose: Purpose | None = None

    @model_validator(mode="after")
    def _one_threshold(self) -> "IdentifyForm":
        if self.min_score is not None and self.target_fpir is not None:
            raise ValueError("send min_score or target_fpir, not both")
        return self

    def search(self) -> Search:
        """In the core's words."""
        return Search(
            gallery=self.gallery,
            modality=modality_of(self.modality),
            policy=self.face_policy,
            top_k=self.top_k,
            min_score=self.min_score,
            target_fpir=self.target_fpir,
            purpose=self.purpose,
            wanted=self.filter,
        )


class VerifyForm(Form):
    """One image, and who it is claimed to be: a second image, or a subject of a gallery."""

    image: Image
    reference: Annotated[UploadFile | None, Field(description="An image of the person.")] = None
    subject_id: Annotated[
        str | None,
        Field(max_length=MAX_SUBJECT_ID, description="Instead of `reference`: who it should be."),
    ] = None
    gallery: GalleryName = DEFAULT_GALLERY
    modality: Annotated[ModalityOrAuto, Field(description="How `image` came to be.")] = "auto"
    reference_modality: Annotated[
        ModalityOrAuto, Field(description="How `reference` came to be.")
    ] = "auto"
    min_score: Score | None = None
    target_fmr: Annotated[
        Rate | None,
        Field(
            description="Instead of `min_score`: the false match rate to accept; 0.001 where "
            "neither is sent and the model is calibrated.",
            examples=[0.001],
        ),
    ] = None
    face_policy: Annotated[
        FacePolicy, Field(description="Which face is meant where there are several.")
    ] = FacePolicy.LARGEST
    purpose: Purpose | None = None

    @model_validator(mode="after")
    def _one_each(self) -> "VerifyForm":
        if (self.reference is None) == (self.subject_id is None):
            raise ValueError("send either reference or subject_id")
        if self.min_score is not None and self.target_fmr is not None:
            raise ValueError("send min_score or target_fmr, not both")
        return self

    def claim(self, limits: UploadLimits) -> Reference:
        """In the core's words."""
        return Reference(
            image=reader(self.reference, limits)() if self.reference else None,
            modality=modality_of(self.reference_modality),
            gallery=self.gallery,
            subject_id=self.subject_id or "",
        )

    def threshold(self) -> Threshold:
        """In the core's words."""
        return Threshold(self.min_score, self.target_fmr)


def modality_of(text: ModalityOrAuto) -> Modality | None:
    """None means: guess it."""
    return None if text == "auto" else Modality(text)


def reader(file: UploadFile, limits: UploadLimits) -> Upload:
    """Reads an uploaded image from its start, though no more than shows that it is too large."""
    return partial(_read, file, limits.max_image_bytes + 1)


def _read(file: UploadFile, most: int) -> bytes:
    file.file.seek(0)
    return file.file.read(most)

"""What enrolment, identification and verification answer with."""

import math

from pydantic import BaseModel, Field

from faces.modality import Modality
from service.api.schemas import (
    EnrolledTemplateOut,
    FaceOut,
    PossibleDuplicateOut,
    QualityOut,
    RejectedOut,
    SubjectOut,
)
from service.core.duplicates import Resemblance
from service.core.gallery import Candidate, Encoded, Enrolment
from service.core.identify import Identification
from service.core.verify import Verification


class WarningOut(BaseModel):
    """Something to know about an answer."""

    code: str = Field(examples=["target_unreachable"])
    detail: str


class EnrollOut(BaseModel):
    """What an enrolment did."""

    subject: SubjectOut
    gallery: str = Field(examples=["default"])
    templates: list[EnrolledTemplateOut]
    rejected: list[RejectedOut]
    possible_duplicates: list[PossibleDuplicateOut] = Field(
        description="Other subjects whose face is as like as one person's, best first, for a key "
        "that may search."
    )
    warnings: list[WarningOut]

    @classmethod
    def of(cls, enrolment: Enrolment, resemblance: Resemblance) -> "EnrollOut":
        """From the core's words."""
        return cls(
            subject=SubjectOut.of(enrolment.subject),
            gallery=enrolment.gallery,
            templates=[EnrolledTemplateOut.of(one) for one in enrolment.templates],
            rejected=[RejectedOut.of(one) for one in enrolment.rejected],
            possible_duplicates=[
                PossibleDuplicateOut.model_validate(one, from_attributes=True)
                for one in resemblance.told
            ],
            warnings=_resembling(resemblance),
        )


class ProbeOut(BaseModel):
    """The face that was searched for or compared."""

    face: FaceOut
    modality: Modality = Field(description="As given, or as guessed with `auto`.")
    quality: QualityOut

    @classmethod
    def of(cls, probe: Encoded) -> "ProbeOut":
        """From the core's words."""
        quality = QualityOut.of(probe.quality)
        return cls(face=FaceOut.of(probe.face), modality=probe.modality, quality=quality)


class CandidateOut(BaseModel):
    """One subject of a candidate list."""

    rank: int = Field(examples=[1])
    subject_id: str = Field(examples=["staff-0042"])
    name: str | None = Field(examples=["Ada Lovelace"])
    score: float = Field(description="Similarity, at most 1; no probability.", examples=[0.62])
    fpir: float | None = Field(
        description="Chance that the search of a stranger among `searched` templates lists anybody "
        "with this score or more; null where the model is not calibrated.",
        examples=[0.004],
    )
    template_id: str = Field(description="The subject's most similar template.")

    @classmethod
    def of(cls, candidate: Candidate) -> "CandidateOut":
        """From the core's words."""
        return cls.model_validate(candidate, from_attributes=True)


class IdentifyOut(BaseModel):
    """A candidate list, best first; empty where nobody reaches the threshold."""

    probe: ProbeOut
    gallery: str = Field(examples=["default"])
    model: str = Field(description="Name of the model bundle.", examples=["null-half-3"])
    candidates: list[CandidateOut]
    searched: int = Field(description="How many templates were compared.", examples=[150])
    threshold: float | None = Field(description="Least score listed; null where there is none.")
    warnings: list[WarningOut]

    @classmethod
    def of(cls, found: Identification) -> "IdentifyOut":
        """From the core's words."""
        return cls(
            probe=ProbeOut.of(found.probe),
            gallery=found.gallery,
            model=found.model,
            candidates=[CandidateOut.of(candidate) for candidate in found.candidates],
            searched=found.searched,
            threshold=_finite(found.threshold),
            warnings=_unreachable(found.threshold),
        )


class VerifyOut(BaseModel):
    """Whether two faces are one person's."""

    score: float = Field(description="Similarity, at most 1; no probability.", examples=[0.62])
    fmr: float | None = Field(
        description="False match rate of a threshold at this score; null where the model is not "
        "calibrated for the probe's modality.",
        examples=[0.0001],
    )
    match: bool | None = Field(
        description="score >= threshold; null where no threshold is known: the model is not "
        "calibrated and no `min_score` was sent."
    )
    threshold: float | None = Field(examples=[0.41])
    probe: ProbeOut
    model: str = Field(description="Name of the model bundle.", examples=["null-half-3"])
    warnings: list[WarningOut]

    @classmethod
    def of(cls, verification: Verification) -> "VerifyOut":
        """From the core's words."""
        threshold = verification.threshold
        return cls(
            score=verification.score,
            fmr=verification.fmr,
            match=verification.match,
            threshold=None if threshold is None else _finite(threshold),
            probe=ProbeOut.of(verification.probe),
            model=verification.model,
            warnings=[] if threshold is None else _unreachable(threshold),
        )


def _resembling(resemblance: Resemblance) -> list[WarningOut]:
    if not resemblance.subjects:
        return []
    detail = f"Other subjects of this gallery have a face as like: {resemblance.subjects}."
    if not resemblance.told:
        detail += " A key with the scope read is told which."
    return [WarningOut(code="possible_duplicate", detail=detail)]


def _finite(threshold: float) -> float | None:
    return threshold if math.isfinite(threshold) else None


def _unreachable(threshold: float) -> list[WarningOut]:
    if threshold != math.inf:
        return []
    detail = "The model's calibration reaches no rate so low, so that nobody can match."
    return [WarningOut(code="target_unreachable", detail=detail)]

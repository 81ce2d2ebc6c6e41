"""Jobs as the service shows them."""

from datetime import datetime

from pydantic import BaseModel, Field

from service.api.schemas import PossibleDuplicateOut
from service.core.gallery import Page
from service.core.imports import Outcome
from service.core.jobs import Job, JobState


class JobOut(BaseModel):
    """An import in the background."""

    job_id: str = Field(examples=["6f1d0a3c5a5b4b5f8a1d8d5c0e2f7a90"])
    gallery: str = Field(examples=["staff"])
    state: JobState
    files: int = Field(description="How many there are in it.", examples=[1200])
    done: int = Field(description="How many of them are settled.", examples=[640])
    enrolled: int = Field(examples=[600])
    duplicates: int = Field(
        description="The very image was enrolled for the subject already.", examples=[30]
    )
    refused: int = Field(description="`/files` tells why.", examples=[10])
    code: str | None = Field(description="With `failed`: why.", examples=[None])
    detail: str | None = Field(description="With `failed`: why, for people.", examples=[None])
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        """From the core's words."""
        return cls(
            job_id=job.job_id,
            gallery=job.gallery,
            state=job.state,
            files=job.files,
            done=job.enrolled + job.duplicates + job.refused,
            enrolled=job.enrolled,
            duplicates=job.duplicates,
            refused=job.refused,
            code=job.code,
            detail=job.detail or None,
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
        )


class JobPageOut(BaseModel):
    """Part of a gallery's imports, oldest first."""

    jobs: list[JobOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next part.")

    @classmethod
    def of(cls, page: Page[Job], cursor: str | None) -> "JobPageOut":
        """From the core's words."""
        return cls(jobs=[JobOut.of(job) for job in page.items], next_cursor=cursor)


class JobFileOut(BaseModel):
    """What became of one file of an import."""

    position: int = Field(description="Its place in the archive or manifest, from 1.")
    file: str = Field(description="Empty once its subject was erased.", examples=["ada/1.jpg"])
    subject_id: str | None = Field(examples=["ada"])
    code: str | None = Field(
        description="`enrolled`, `duplicate`, or why it was refused; null: not yet.",
        examples=["enrolled"],
    )
    detail: str | None
    alike: int = Field(
        description="How many other subjects have a face as like; named in `possible_duplicates` "
        "to who may search.",
        examples=[1],
    )
    possible_duplicates: list[PossibleDuplicateOut]

    @classmethod
    def of(cls, outcome: Outcome) -> "JobFileOut":
        """From the core's words."""
        file, resemblance = outcome.file, outcome.resemblance
        return cls(
            alike=resemblance.subjects,
            possible_duplicates=[
                PossibleDuplicateOut.model_validate(one, from_attributes=True)
                for one in resemblance.told
            ],
            position=file.position,
            file=file.place,
            subject_id=file.subject_id,
            code=file.code,
            detail=file.detail or None,
        )


class JobFilePageOut(BaseModel):
    """Part of an import's files."""

    files: list[JobFileOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next part.")

    @classmethod
    def of(cls, page: Page[Outcome], cursor: str | None) -> "JobFilePageOut":
        """From the core's words."""
        return cls(files=[JobFileOut.of(file) for file in page.items], next_cursor=cursor)

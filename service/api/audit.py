"""GET /audit."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from service.api.deps import NO_NUL, After, Limit, PartsDep, cursor_to
from service.api.guard import GuardedRoute, needs
from service.api.problems import documented
from service.core.access import Scope
from service.core.audit import Entry
from service.core.gallery import Page

router = APIRouter(route_class=GuardedRoute, tags=["service"])


class AuditEntryOut(BaseModel):
    """Something that somebody did. It outlives the subject, whom it knows by a number only."""

    seq: int = Field(description="Its number; there are no gaps.", examples=[4711])
    at: datetime
    actor: str = Field(description="Name of the API key, or who else.", examples=["front-desk"])
    key: str | None = Field(description="Id of the API key.", examples=["9f86d081"])
    action: str = Field(examples=["identify"])
    gallery: str | None = Field(examples=["staff"])
    subject: int | None = Field(
        description="Number of the subject, never used twice.", examples=[815]
    )
    subject_id: str | None = Field(
        description="Your own id of the subject, looked up; null once they are erased.",
        examples=["staff-0042"],
    )
    detail: dict[str, Any] = Field(examples=[{"purpose": "case 2026-0815", "listed": 10}])
    previous: str = Field(description="Hash of the entry before.")
    hash: str = Field(description="SHA-256 over this entry and `previous`.")

    @classmethod
    def of(cls, entry: Entry) -> "AuditEntryOut":
        """From the core's words."""
        return cls(
            seq=entry.seq,
            at=entry.at,
            actor=entry.actor,
            key=entry.key,
            action=entry.action,
            gallery=entry.gallery,
            subject=entry.subject,
            subject_id=entry.subject_id,
            detail=dict(entry.detail),
            previous=entry.previous,
            hash=entry.hash,
        )


class AuditPageOut(BaseModel):
    """Part of the audit, newest first."""

    entries: list[AuditEntryOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next part.")

    @classmethod
    def of(cls, page: Page[Entry]) -> "AuditPageOut":
        """From the core's words."""
        entries = [AuditEntryOut.of(entry) for entry in page.items]
        return cls(entries=entries, next_cursor=cursor_to(page.after))


@router.get(
    "/audit",
    operation_id="list_audit",
    openapi_extra=needs(Scope.ADMIN),
    summary="Who did what",
    response_model=AuditPageOut,
    responses=documented("unknown_field", "busy"),
)
def get_audit(
    parts: PartsDep,
    before: After,
    limit: Limit = 100,
    gallery: Annotated[
        str | None,
        Query(max_length=64, pattern=NO_NUL, description="Only what was done in this gallery."),
    ] = None,
    subject_id: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=NO_NUL,
            description="Only what was done to this subject, until erased.",
        ),
    ] = None,
) -> AuditPageOut:
    """What was enrolled, searched, changed and erased, newest first, in parts.

    A key for some galleries is shown what was done in these. `null-face audit verify` proves that
    nothing was taken out.
    """
    page = parts.store.audit(before, limit, gallery=gallery, subject_id=subject_id)
    return AuditPageOut.of(page)

"""The audit: who did what and when, each entry bound to the one before by its hash.

It knows a subject by a number of the store's own, never used twice, and holds nothing else of them:
no image, no vector, no name, no score, and not the caller's id. So it may outlive them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from service.core.access import Actor
from service.core.gallery import Enrolment, SubjectChange

NO_HASH = "0" * 64
"""Stands before the first entry."""

Detail = Mapping[str, str | int | list[str] | None]


class Action(StrEnum):
    """What was done, by the operationId of the call where there is one."""

    ENROLL = "enroll"
    IDENTIFY = "identify"
    VERIFY = "verify"
    CREATE_GALLERY = "create_gallery"
    UPDATE_GALLERY = "update_gallery"
    DELETE_GALLERY = "delete_gallery"
    UPDATE_SUBJECT = "update_subject"
    DELETE_SUBJECT = "delete_subject"
    DELETE_TEMPLATE = "delete_template"
    CREATE_IMPORT = "create_import"
    CANCEL_JOB = "cancel_job"
    CREATE_KEY = "create_key"
    ROTATE_KEY = "rotate_key"
    REVOKE_KEY = "revoke_key"
    BEGIN_REEMBEDDING = "begin_reembedding"
    CANCEL_REEMBEDDING = "cancel_reembedding"
    SWITCH_MODEL = "switch_model"
    ERASE_CROPS = "erase_crops"
    ENCRYPT_TEMPLATES = "encrypt_templates"
    BACK_UP = "back_up"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Event:
    """Something done; `detail` is counts, ids of templates, and the purpose of a search."""

    action: Action
    gallery: str | None = None
    subject_id: str | None = None
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit. `key` is the id of the API key, None without one.

    `subject_id` is no part of it, but looked up: None once the subject is erased.
    """

    seq: int
    at: datetime
    actor: str
    key: str | None
    action: str
    gallery: str | None
    subject: int | None
    detail: Detail
    previous: str
    hash: str
    subject_id: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of the newest entry; written down elsewhere, an anchor."""

    seq: int = 0
    hash: str = NO_HASH

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class Recorder(Protocol):
    """The part of the store that `note_search` needs."""

    @property
    def actor(self) -> Actor:
        """For whom the store acts."""

    def record(self, event: Event) -> None:
        """Write down what the actor did; returns after the commit."""


def note_search(store: Recorder, event: Event) -> None:
    """Record a search before it is answered, unless its caller is nobody's and gives no purpose."""
    if store.actor.searches_recorded or event.detail.get("purpose"):
        store.record(event)


def enrolled(enrolment: Enrolment, change: SubjectChange) -> Event:
    """That these templates were added to a subject."""
    detail: Detail = {
        "templates": [one.template_id for one in enrolment.templates],
        "rejected": len(enrolment.rejected),
        "changed": sorted(change),
        "alike": len(enrolment.alike) or None,
        "crops": sum(one.crop_kept for one in enrolment.templates) or None,
    }
    return Event(Action.ENROLL, enrolment.gallery, enrolment.subject.subject_id, detail)


def following(head: Head, actor: Actor, event: Event, subject: int | None) -> Entry:
    """The entry for what `actor` did, after `head`; `subject` is the number of the subject."""
    detail = {name: value for name, value in event.detail.items() if value not in (None, [])}
    if actor.request_id is not None:
        detail["request_id"] = actor.request_id
    entry = Entry(
        seq=head.seq + 1,
        at=datetime.now(UTC),
        actor=actor.name,
        key=actor.key,
        action=event.action,
        gallery=event.gallery,
        subject=subject,
        detail=detail,
        previous=head.hash,
        hash=NO_HASH,
    )
    return replace(entry, hash=digest(entry))


def digest(entry: Entry) -> str:
    """SHA-256 over the entry as it is stored, but for its own hash, as canonical JSON."""
    fields = {
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "key": entry.key,
        "action": str(entry.action),
        "gallery": entry.gallery,
        "subject": entry.subject,
        "detail": dict(entry.detail),
        "previous": entry.previous,
    }
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def faults(entries: Iterable[Entry], head: Head, anchor: Head | None = None) -> Iterator[str]:
    """What is wrong with the chain, one sentence each; nothing for one as it was written.

    `head` was noted in the same database and betrays a tail that was cut off; `anchor`, kept
    elsewhere, also betrays whoever wrote all hashes anew.
    """
    last = Head()
    for entry in entries:
        if entry.seq != last.seq + 1:
            yield f"Entry {entry.seq} comes right after {last.seq}: some are missing or moved."
        elif entry.previous != last.hash:
            yield f"Entry {entry.seq} does not follow the entry {last.seq} that is there now."
        if entry.hash != digest(entry):
            yield f"Entry {entry.seq} was changed."
        last = Head(entry.seq, entry.hash)
        if anchor is not None and entry.seq == anchor.seq and entry.hash != anchor.hash:
            yield f"Entry {entry.seq} is not the one of the anchor: the audit was written anew."
    if last != head:
        yield f"The audit ends with entry {last.seq}, but {head.seq} was the newest: a tail is cut."
    if anchor is not None and anchor.seq > last.seq:
        yield f"The anchor's entry {anchor.seq} is missing: a tail is cut."

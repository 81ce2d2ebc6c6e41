"""What routes ask for: the parts, cursors, and forms read within limits."""

import base64
import binascii
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any, ClassVar

from fastapi import Depends, Header, Path, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData

from service.api.guard import GuardedRoute
from service.api.problems import problem, request_id_of
from service.core.errors import InvalidRequest
from service.core.ports import Parts

MAX_FIELDS = 20
MAX_FIELD_BYTES = 128 * 1024


def parts_of(request: Request) -> Parts:
    """What the application runs on, acting for who sent the request."""
    found: Parts = request.app.state.parts
    return found.acting_for(request.state.actor)


def known_query(request: Request) -> None:
    """Refuse query parameters that the route does not have: a misspelt one must not be ignored."""
    known = set(_query_names(request.scope["route"].dependant))
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            _refuse("query", name, "extra_forbidden", "")
        if names.count(name) > 1:
            _refuse("query", name, "value_error", "This parameter is there more than once.")


def _query_names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _query_names(inner)


PartsDep = Annotated[Parts, Depends(parts_of)]
GalleryInPath = Annotated[str, Path(description="Name of the gallery.", examples=["default"])]
SubjectInPath = Annotated[
    str,
    Path(description="Your own id of the person, percent-encoded.", examples=["staff-0042"]),
]
NO_NUL = r"^[^\x00]*$"
"""PostgreSQL takes no text with a NUL in it."""

Limit = Annotated[int, Query(ge=1, le=1000, description="How many to answer with at most.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of your choice, for example a UUID. A second request with the same "
        "key and the same content is not carried out again, but answered as the first was.",
    ),
]


def cursor_of(
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the part before.")
    ] = None,
) -> int:
    """Where a list goes on."""
    if cursor is None:
        return 0
    try:
        kind, number = base64.urlsafe_b64decode(cursor.encode()).decode().split(":")
        if kind != "after" or not 0 <= int(number) < 2**63:
            raise ValueError
        return int(number)
    except (ValueError, binascii.Error):
        raise InvalidRequest("cursor: this is not one that we gave out.") from None


def cursor_to(after: int | None) -> str | None:
    """The opaque form of `after`."""
    return None if after is None else base64.urlsafe_b64encode(f"after:{after}".encode()).decode()


After = Annotated[int, Depends(cursor_of)]


class FormRoute(GuardedRoute):
    """Reads a multipart form within limits, and refuses fields that are empty or repeated."""

    repeatable: ClassVar[frozenset[str]] = frozenset()

    def admitted(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `GuardedRoute`."""
        handle = super().admitted()

        async def within_limits(request: Request) -> Response:
            kind = request.headers.get("content-type", "")
            if not kind.lower().startswith("multipart/form-data"):
                detail = "Send multipart/form-data (curl -F image=@photo.jpg)."
                return problem("unsupported_media_type", detail, request_id_of(request))
            most = request.app.state.parts.limits.max_images
            form = await request.form(
                max_files=most + 1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
            )
            try:
                self._check(form, most)
                return await handle(request)  # finds the form already read
            finally:
                await request.close()

        return within_limits

    def _check(self, form: FormData, most: int) -> None:
        names = [name for name, _ in form.multi_items()]
        for name, value in form.multi_items():
            if value == "":
                _refuse("body", name, "value_error", "This field is empty: leave it out instead.")
            if names.count(name) > (most if name in self.repeatable else 1):
                _refuse("body", name, "value_error", "This field is there too often.")


class ManyImagesRoute(FormRoute):
    """A form with one or more images."""

    repeatable = frozenset({"image"})


def _refuse(place: str, field: str, kind: str, message: str) -> None:
    error = {"type": kind, "loc": (place, field[:80]), "msg": message, "input": ""}
    raise RequestValidationError([error])

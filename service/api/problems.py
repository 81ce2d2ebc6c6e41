"""Errors -> RFC 9457 problem documents: one table from code to HTTP status."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from faces.errors import FaceError, SeveralFaces
from service import metrics
from service.api.schemas import BoxOut, RejectedOut
from service.core.errors import Busy, NothingEnrolled, RateLimited, Unauthorised, VaultError

log = logging.getLogger("null_face")

MEDIA_TYPE = "application/problem+json"

STATUS: dict[str, int] = {
    "malformed_request": 400,
    "key_in_url": 400,
    "unauthorised": 401,
    "forbidden": 403,
    "folder_not_allowed": 403,
    "not_found": 404,
    "unknown_gallery": 404,
    "unknown_subject": 404,
    "unknown_template": 404,
    "unknown_job": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "duplicate": 409,
    "idempotency_conflict": 409,
    "model_mismatch": 409,
    "image_too_large": 413,
    "body_too_large": 413,
    "import_too_large": 413,
    "unsupported_image": 415,
    "unsupported_media_type": 415,
    "invalid_request": 422,
    "unknown_field": 422,
    "unusable_archive": 422,
    "invalid_manifest": 422,
    "unsupported_modality": 422,
    "uncalibrated": 422,
    "no_face": 422,
    "several_faces": 422,
    "low_quality": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "busy": 503,
}
"""Every code a client can meet."""

_CODE_OF_STATUS = {404: "not_found", 405: "method_not_allowed"}
_MESSAGES = {
    "extra_forbidden": "There is no such field.",
    "missing": "This field is required.",
    "dict_type": "This must be a JSON object.",
    "model_attributes_type": "Send a JSON object, as application/json.",
    "json_invalid": "This is not JSON.",
}
_PLACES = ("body", "query", "path", "header", "cookie")


class FieldError(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(examples=["top_k"])
    detail: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """An error (RFC 9457). `code` never changes its meaning; `detail` is for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:null-face:problem:no_face",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "No face was found in the image.",
                    "code": "no_face",
                    "request_id": "0d6a2b9f4c5e4f0f9f6f1f0c1c2d3e4f",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    errors: list[FieldError] | None = Field(None, description="What is wrong, field by field.")
    boxes: list[BoxOut] | None = Field(None, description="With `several_faces`: where they are.")
    rejected: list[RejectedOut] | None = Field(
        None, description="With a refused enrolment: what is wrong with each image."
    )


def problem(
    code: str,
    detail: str,
    request_id: str | None,
    *,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> JSONResponse:
    """The answer that tells of an error."""
    status = STATUS[code]
    body = Problem.model_validate(
        {
            "type": f"urn:null-face:problem:{code}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "code": code,
            "request_id": request_id,
            **members,
        }
    )
    content = body.model_dump(mode="json", exclude_none=True)
    return _Counted(code, content, status, dict(headers or {}))


class _Counted(JSONResponse):
    """Counts itself once it is sent: the answer to a body too large is ready for every request."""

    media_type = MEDIA_TYPE

    def __init__(self, code: str, content: object, status: int, headers: dict[str, str]) -> None:
        super().__init__(content, status, headers)
        self._code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `Response`."""
        metrics.rejections.labels(self._code).inc()
        await super().__call__(scope, receive, send)


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: the problems it may answer with, by status."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in (*codes, "invalid_request", "key_in_url", "internal_error"):
        by_status[STATUS[code]].append(code)
    return {
        status: {"description": _described(found), "model": Problem}
        for status, found in sorted(by_status.items())
    }


def complete(schema: dict[str, Any]) -> None:
    """Put errors under the media type that they have, and add those of operations with a key."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            for status, response in responses.items():
                if int(status) >= 400:
                    response["content"] = _AS_PROBLEM
            if operation["security"]:
                responses |= _KEY_REFUSALS
            if "requestBody" in operation:
                responses.setdefault(*_CODED_BODY)
            operation["responses"] = dict(sorted(responses.items()))


def _described(codes: Iterable[str]) -> str:
    return "Codes: " + ", ".join(f"`{code}`" for code in sorted(set(codes)))


_AS_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_CODED_BODY = (
    str(STATUS["unsupported_media_type"]),
    {"description": _described(["unsupported_media_type"]), "content": _AS_PROBLEM},
)
_KEY_REFUSALS = {
    str(STATUS[code]): {"description": _described([code]), "content": _AS_PROBLEM}
    for code in ("unauthorised", "forbidden", "rate_limited")
}


def install(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem document."""
    app.add_exception_handler(FaceError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


def request_id_of(request: Request) -> str | None:
    """The id that the answer's header carries."""
    found = getattr(request.state, "request_id", None)
    return found if isinstance(found, str) else None


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FaceError)  # noqa: S101 - registered for this class only
    code, members = error.code, dict[str, object]()
    if isinstance(error, NothingEnrolled):
        first = error.rejected[0]
        code, boxes = first.code, first.boxes
        members["rejected"] = [RejectedOut.of(rejection) for rejection in error.rejected]
        members["boxes"] = [BoxOut.of(box) for box in boxes] or None
    if isinstance(error, SeveralFaces):
        members["boxes"] = [BoxOut.of(box) for box in error.boxes]
    headers = {}
    if isinstance(error, Unauthorised):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Busy | RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Busy):
        log.warning("%s: %s", code, error.__cause__ or error.detail)
    if isinstance(error, VaultError):
        log.error("%s", error.detail)
    if code not in STATUS:
        log.error("no status for the code %s: %s", code, error.detail)
        code = "internal_error"
    return problem(code, error.detail, request_id_of(request), headers=headers, **members)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    found = error.errors()
    unknown = any(one["type"] == "extra_forbidden" for one in found)
    errors = [FieldError(field=_field(one), detail=_message(one)) for one in found]
    detail = "; ".join(f"{one.field}: {one.detail}" if one.field else one.detail for one in errors)
    code = "unknown_field" if unknown else "invalid_request"
    return problem(code, detail[:2000], request_id_of(request), errors=errors[:50])


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    refused = 400 <= error.status_code < 500
    fallback = "malformed_request" if refused else "internal_error"
    code = _CODE_OF_STATUS.get(error.status_code, fallback)
    detail = {
        "not_found": "There is nothing at this address.",
        "method_not_allowed": f"{request.method} is not possible at this address.",
    }.get(code, error.detail)
    headers = dict(error.headers or {})
    if code == "method_not_allowed":  # Starlette names the methods of the first route only
        path = getattr(request.scope.get("route"), "path", "")
        headers |= request.app.state.allow.get(path, {})
    return problem(code, detail, request_id_of(request), headers=headers)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    """The client went away while it was sending: nobody reads this."""
    return Response(status_code=400)


def _field(error: Mapping[str, Any]) -> str:
    """Path of the field, without the part of the request it is in; "" for the whole."""
    location = () if error["type"] == "json_invalid" else error["loc"]
    parts = location[1:] if location and location[0] in _PLACES else location
    return ".".join(str(part) for part in parts)


def _message(error: Mapping[str, Any]) -> str:
    """Only words of ours or of pydantic's: what was sent is not echoed."""
    if "UploadFile" in str(error["msg"]):
        return "Send a file here (curl -F image=@photo.jpg)."
    known = _MESSAGES.get(error["type"], str(error["msg"]))
    return known.removeprefix("Value error, ")

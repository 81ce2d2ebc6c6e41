"""ASGI middleware: a body is counted and timed while it arrives, whatever Content-Length says.

A compressed one is refused: what is counted would not be what it unpacks to.
"""

import contextlib
import re

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import problem
from service.core.jobs import ImportLimits
from service.core.ports import UploadLimits

MAX_PLAIN_BODY = 2**20
"""Bytes of a body that is not a form: such a body is read into memory as a whole."""

_IMPORTS = re.compile(r"/galleries/[^/]+/imports")
"""Where a body is written to disk as it arrives."""

CLOSE = {"Connection": "close"}
"""Without it uvicorn reads what is left of a refused body, to its end, if it has one."""


class BodyRefused(Exception):
    """Ends the reading of a body; the middleware has an answer ready."""


class BodyLimit:
    """Answers 413 as soon as a body is known to be too large, 408 once it takes too long to come.

    No more of it is read, and the connection is closed.

    (FastAPI's own `max_body_size` answers in plain text where a route does not read its body.)
    """

    def __init__(self, app: ASGIApp, limits: UploadLimits, imports: ImportLimits) -> None:
        self._app = app
        self._limits = limits
        self._imports = imports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application on a counted body."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        limit, seconds, code = self._allowed(scope, headers)
        request_id = scope["state"].get("request_id")
        if headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
            return await _coded(request_id)(scope, receive, send)
        too_large = problem(
            code, f"The request is larger than {limit:,} bytes.", request_id, headers=CLOSE
        )
        if _declared(headers) > limit:
            return await too_large(scope, receive, send)
        body = _Counted(receive, send, limit, seconds, endless="transfer-encoding" in headers)
        with contextlib.suppress(BodyRefused):
            await self._app(scope, body.receive, body.send)
        if body.refused and not body.answered:
            detail = f"The request took longer than {seconds:g} seconds to arrive."
            too_slow = problem("request_timeout", detail, request_id, headers=CLOSE)
            await (too_slow if body.late else too_large)(scope, receive, send)
        return None

    def _allowed(self, scope: Scope, headers: Headers) -> tuple[int, float, str]:
        """Bytes, seconds, and the code of the refusal of more bytes."""
        if scope["method"] == "POST" and _IMPORTS.fullmatch(scope["path"]):
            return self._imports.max_bytes, self._imports.seconds, "import_too_large"
        if headers.get("content-type", "").lower().startswith("multipart/"):
            return self._limits.max_body_bytes, self._limits.seconds, "image_too_large"
        return MAX_PLAIN_BODY, self._limits.seconds, "body_too_large"


class _Counted:
    """The two ends of a connection, until too much has come in or it has taken too long."""

    def __init__(
        self, receive: Receive, send: Send, limit: int, seconds: float, *, endless: bool
    ) -> None:
        self._receive, self._send, self._left = receive, send, limit
        self._endless = endless
        self._deadline = anyio.current_time() + seconds
        self._complete = False
        self.late = False
        self.answered = False

    @property
    def refused(self) -> bool:
        return self.late or self._left < 0

    async def receive(self) -> Message:
        message = await self._next()
        if message["type"] == "http.request":
            self._complete = not message.get("more_body", False)
            self._left -= len(message.get("body", b""))
            if self.refused:
                raise BodyRefused
        return message

    async def send(self, message: Message) -> None:
        """Let an answer through, unless it is the application's comment on the cut body.

        One that does not wait for a body of unknown length is the last on its connection.
        """
        if self.refused and not self.answered:
            return
        self.answered = True
        if message["type"] == "http.response.start" and self._endless and not self._complete:
            MutableHeaders(scope=message).update(CLOSE)
        await self._send(message)

    async def _next(self) -> Message:
        """The next message; what comes after the body is the client's going, whenever that is."""
        if self._complete:
            return await self._receive()
        with anyio.CancelScope(deadline=self._deadline):
            return await self._receive()
        self.late = True
        raise BodyRefused


def _coded(request_id: str | None) -> Response:
    """RFC 9110, 15.5.16: says what would be accepted."""
    headers = {"Accept-Encoding": "identity", **CLOSE}
    detail = "Send the body as it is, without a Content-Encoding."
    return problem("unsupported_media_type", detail, request_id, headers=headers)


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0

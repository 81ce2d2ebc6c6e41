"""ASGI middleware: a body is counted while it arrives, whatever its Content-Length says."""

import contextlib

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import problem
from service.core.ports import UploadLimits

MAX_PLAIN_BODY = 2**20
"""Bytes of a body that is not a form: such a body is read into memory as a whole."""


class BodyTooLarge(Exception):
    """Ends the reading of a body; the middleware has an answer ready."""


class BodyLimit:
    """Answers 413 as soon as a body is known to be too large, and reads no more of it.

    (FastAPI's own `max_body_size` answers in plain text where a route does not read its body.)
    """

    def __init__(self, app: ASGIApp, limits: UploadLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application on a counted body."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        form = headers.get("content-type", "").lower().startswith("multipart/")
        limit = self._limits.max_body_bytes if form else MAX_PLAIN_BODY
        refusal = problem(
            "image_too_large" if form else "body_too_large",
            f"The request is larger than {limit:,} bytes.",
            scope["state"].get("request_id"),
        )
        if _declared(headers) > limit:
            return await refusal(scope, receive, send)
        body = _Counted(receive, send, limit)
        with contextlib.suppress(BodyTooLarge):
            await self._app(scope, body.receive, body.send)
        if body.exceeded and not body.answered:
            await refusal(scope, receive, send)
        return None


class _Counted:
    """The two ends of a connection, until too much has come in."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send, self._left = receive, send, limit
        self.answered = False

    @property
    def exceeded(self) -> bool:
        return self._left < 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self.exceeded:
                raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        """Let an answer through, unless it is the application's comment on the cut body."""
        if self.exceeded and not self.answered:
            return
        self.answered = True
        await self._send(message)


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0

"""ASGI middleware: every request has an id, one line in the log, and an answer."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import logs, metrics
from service.api.problems import problem

log = logging.getLogger("null_face.request")

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestLog:
    """Logs the route, not the path (which holds subjects' ids), and catches what nobody caught."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application within the request's id."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = Headers(scope=scope).get(HEADER, "")
        number = given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = number
        token = logs.request_id.set(number)
        answer = _Observed(send, number)
        started = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            log.exception("unexpected error")
            if not answer.status:
                refusal = problem("internal_error", "An unexpected error; see the log.", number)
                await refusal(scope, receive, answer.send)
        finally:
            _log(scope, answer.status, time.perf_counter() - started)
            logs.request_id.reset(token)
        return None


class _Observed:
    def __init__(self, send: Send, number: str) -> None:
        self._send, self._number = send, number
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[HEADER] = self._number
        await self._send(message)


def _log(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", None)
    metrics.requests.labels(scope["method"] if route else "-", route or "-", status).inc()
    metrics.request_seconds.labels(route or "-").observe(seconds)
    fields = {
        "method": scope["method"],
        "route": route,
        "key": getattr(scope["state"].get("actor"), "key", None),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    log.info("%s %s %s", scope["method"], route or "-", status, extra=fields)

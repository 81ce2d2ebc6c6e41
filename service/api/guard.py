"""Who may call what. A route says so in its OpenAPI security requirement, and obeys just that."""

import math
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, unquote_plus, urlsplit

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from service.api.problems import request_id_of
from service.core.access import (
    NOBODY,
    Access,
    AccessMode,
    Actor,
    Scope,
    is_loopback,
)
from service.core.errors import Forbidden, KeyInUrl, RateLimited, Unauthorised
from service.core.keys import TOKEN

SCHEME = "key"
SECURITY_SCHEMES = {
    SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, made by `null-face keys create`; `X-API-Key: ...` does as "
        "well. Each operation names the scopes of which the key needs one.",
    }
}
PUBLIC: dict[str, Any] = {"security": []}
"""`openapi_extra` of a route that everybody may call."""

_KEY_NAMES = frozenset({"key", "api_key", "apikey", "x-api-key", "access_token", "token"})
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def needs(*any_of: Scope) -> dict[str, Any]:
    """`openapi_extra` of a route that needs a key with one of these scopes; without any, any key.

    A key is not asked for where the access mode lets callers in without.
    """
    requirements = [{SCHEME: [str(scope)]} for scope in any_of] or [{SCHEME: []}]
    return {"security": requirements}


class GuardedRoute(APIRoute):
    """Lets nobody in who may not call it, before anything of a body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        answer = self.admitted()

        async def guarded(request: Request) -> Response:
            await self._admit(request)
            return await answer(request)

        return guarded

    def admitted(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What happens to a request that was let in."""
        return super().get_route_handler()

    @property
    def is_decided(self) -> bool:
        """Whether the route says who may call it."""
        return "security" in (self.openapi_extra or {})

    async def _admit(self, request: Request) -> None:
        """Note who asks, for the routes and the log; raises where they may not."""
        _refuse_key_in_url(request)
        security = (self.openapi_extra or {})["security"]
        if not security:
            request.state.actor = NOBODY
            return
        actor = await actor_of(request, request.app.state.parts.access)
        request.state.actor = replace(actor, request_id=request_id_of(request))
        actor.require_scope(*_scopes(security))
        gallery = request.path_params.get("gallery")
        if gallery is not None:
            actor.require_gallery(gallery)


def _scopes(security: Sequence[dict[str, list[str]]]) -> list[Scope]:
    return [Scope(scope) for one in security for scope in one[SCHEME]]


async def actor_of(request: Request, access: Access) -> Actor:
    """Who sends this; raises Unauthorised, Forbidden, RateLimited.

    A key that is sent counts, also where none is asked for.
    """
    token = _token(request)
    if token is None:
        return _without_key(request, access)
    actor = await run_in_threadpool(access.authenticate, token)
    seconds = access.wait(actor.key or "")
    if seconds > 0:
        raise RateLimited("This key has made too many requests.", math.ceil(seconds))
    return actor


def _token(request: Request) -> str | None:
    given = _BEARER.fullmatch(request.headers.get("authorization", ""))
    return given[1] if given else request.headers.get("x-api-key")


def _without_key(request: Request, access: Access) -> Actor:
    if access.mode is AccessMode.OPEN:
        return access.anyone
    if access.mode is AccessMode.KEYS:
        raise Unauthorised("Send an API key: Authorization: Bearer nf_...")
    if not _is_from_here(request):
        raise Unauthorised(
            "Without a key this service answers only callers on its own machine that call it by a "
            "loopback address. Send an API key: Authorization: Bearer nf_..."
        )
    if _is_foreign_page(request, access.origins):
        raise Forbidden("Web pages of other origins may not call this service.")
    return access.anyone


def _is_from_here(request: Request) -> bool:
    """Both ends of the connection are this machine, and so is the name that the caller used.

    The name matters because a web page can have its own name resolve to 127.0.0.1. Behind a proxy
    on this machine, the caller is whom X-Forwarded-For names (see uvicorn's `--proxy-headers`).
    """
    ends = (request.scope.get("server"), request.scope.get("client"))
    address = _split(f"//{request.headers.get('host', '')}")
    name = address.hostname if address else None
    return all(end is not None and is_loopback(end[0]) for end in ends) and is_loopback(name or "")


def _is_foreign_page(request: Request, origins: Sequence[str]) -> bool:
    origin = request.headers.get("origin")
    if origin is None or origin in origins:
        return False
    page = _split(origin)
    return page is None or page.netloc != request.headers.get("host")


def _split(address: str) -> SplitResult | None:
    """None for what is no address at all, such as `http://[`."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _refuse_key_in_url(request: Request) -> None:
    """What a URL holds ends up in histories and logs (never in ours, which name routes only)."""
    names = {name.lower() for name, _ in request.query_params.multi_items()}
    url = unquote_plus(f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}")
    if names & _KEY_NAMES or TOKEN.search(url):
        raise KeyInUrl(
            "A key belongs into the header (Authorization: Bearer nf_...), never into a URL, where "
            "logs keep it. If this was a real one, rotate it: null-face keys rotate NAME."
        )

"""The application: `uvicorn --factory service.app:create_app --workers N`."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from service import logs
from service.api import (
    audit,
    docs,
    enroll,
    galleries,
    health,
    identify,
    imports,
    jobs,
    metrics,
    problems,
    reembedding,
    verify,
)
from service.api.deps import known_query
from service.api.guard import SECURITY_SCHEMES, GuardedRoute
from service.api.headers import SecurityHeaders
from service.api.limits import BodyLimit
from service.api.requests import HEADER, RequestLog
from service.core.ports import Parts
from service.settings import Settings
from service.wiring import wire

DESCRIPTION = """\
Enrol visible-light photos, then find people by near-infrared frames or sketches.

Errors are `application/problem+json` (RFC 9457) with a stable `code`.
"""

ROUTERS = [
    module.router
    for module in (
        *(enroll, identify, verify),
        *(galleries, reembedding, imports, jobs),
        *(audit, health, metrics, docs),
    )
]


def create_app(parts: Parts | None = None) -> FastAPI:
    """The application on `parts`, or on what the settings in the environment ask for."""
    if parts is None:
        settings = Settings()
        logs.configure(settings.log_level)
        parts = wire(settings)
    app = FastAPI(
        title="null-face",
        version=health.installed_version(),
        description=DESCRIPTION,
        dependencies=[Depends(known_query)],
        lifespan=_lifespan,
        redirect_slashes=False,
        docs_url=None,  # ours loads nothing from elsewhere: see service.api.docs
        redoc_url=None,
    )
    app.state.parts = parts
    _every_route_is_decided(ROUTERS)
    app.state.allow = _allow(ROUTERS)
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    app.add_middleware(BodyLimit, limits=parts.limits, imports=parts.imports.limits)
    if parts.access.origins:
        _let_pages_call(app, parts.access.origins)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]
    return app


def _let_pages_call(app: FastAPI, origins: Sequence[str]) -> None:
    """Web pages of these origins may call, with a key but without cookies."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=("GET", "POST", "PATCH", "DELETE"),
        allow_headers=("Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", HEADER),
        expose_headers=("Idempotent-Replayed", "Retry-After", HEADER),
    )


def _every_route_is_decided(routers: Iterable[APIRouter]) -> None:
    """Raises TypeError for a route that does not say who may call it: see `service.api.guard`."""
    for route in (route for router in routers for route in router.routes):
        if not (isinstance(route, GuardedRoute) and route.is_decided):
            raise TypeError(f"{route} needs openapi_extra=needs(...) or PUBLIC.")


def _allow(routers: Iterable[APIRouter]) -> dict[str, dict[str, str]]:
    """Path -> the header that names every method there."""
    methods: dict[str, set[str]] = defaultdict(set)
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute):
            methods[route.path] |= route.methods or set()
    return {path: {"Allow": ", ".join(sorted(found))} for path, found in methods.items()}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.parts.start()
    yield
    app.state.parts.close()


def _schema(app: FastAPI) -> dict[str, Any]:
    """FastAPI's schema, with errors under the media type that they really have."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schema["components"]["securitySchemes"] = SECURITY_SCHEMES
        problems.complete(schema)
        app.openapi_schema = schema
    return app.openapi_schema

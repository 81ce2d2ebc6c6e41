"""/docs: Swagger UI from files of our own, so that it works offline and asks nobody else."""

from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from service.api.guard import PUBLIC, GuardedRoute

router = APIRouter(prefix="/docs", route_class=GuardedRoute, include_in_schema=False)

_OURS = files("service.api")
_SWAGGER = files("fastapi_offline") / "static"
_FOR_A_DAY = {"Cache-Control": "max-age=86400"}


@router.get("", openapi_extra=PUBLIC)
def docs() -> HTMLResponse:
    """The page."""
    return HTMLResponse((_OURS / "docs.html").read_text("utf-8"))


@router.get("/start.js", openapi_extra=PUBLIC)
def start() -> Response:
    """What a policy without inline scripts keeps out of the page."""
    return _file(_OURS / "docs.js", "text/javascript")


@router.get("/swagger-ui-bundle.js", openapi_extra=PUBLIC)
def swagger_script() -> Response:
    """Swagger UI."""
    return _file(_SWAGGER / "swagger-ui-bundle.js", "text/javascript")


@router.get("/swagger-ui.css", openapi_extra=PUBLIC)
def swagger_style() -> Response:
    """Its looks."""
    return _file(_SWAGGER / "swagger-ui.css", "text/css")


def _file(path: Traversable, kind: str) -> Response:
    return Response(path.read_bytes(), media_type=kind, headers=_FOR_A_DAY)

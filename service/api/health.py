"""/livez, /readyz, /version and the front page."""

from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from service.api.deps import PartsDep
from service.api.guard import PUBLIC, GuardedRoute, needs
from service.api.problems import documented

router = APIRouter(route_class=GuardedRoute, tags=["service"])


class StatusOut(BaseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


class VersionOut(BaseModel):
    """What runs here."""

    model_config = ConfigDict(protected_namespaces=())

    version: str = Field(examples=["0.1.0"])
    model: str = Field(description="Name of the model bundle.")
    model_identity: str = Field(description="Digest of all that its vectors depend on.")
    next_model: str | None = Field(description="Held ready to follow; null: none.")
    next_model_identity: str | None
    dimension: int = Field(examples=[256])
    modalities: list[str] = Field(examples=[["nir", "sketch", "vis"]])
    calibrated: list[str] = Field(description="Modalities whose scores have an FMR and an FPIR.")
    provider: str = Field(examples=["CPUExecutionProvider"])
    index: str = Field(examples=["faiss"])
    database: str = Field(examples=["sqlite"])


@router.head("/livez", include_in_schema=False, openapi_extra=PUBLIC)
@router.get(
    "/livez",
    operation_id="livez",
    openapi_extra=PUBLIC,
    summary="Is the process alive?",
    response_model=StatusOut,
    responses=documented("unknown_field"),
)
async def livez() -> StatusOut:
    """Answers while the event loop turns, however busy the workers are."""
    return StatusOut()


@router.head("/readyz", include_in_schema=False, openapi_extra=PUBLIC)
@router.get(
    "/readyz",
    operation_id="readyz",
    openapi_extra=PUBLIC,
    summary="Can it serve?",
    response_model=StatusOut,
    responses=documented("unknown_field", "busy"),
)
def readyz(parts: PartsDep) -> StatusOut:
    """The model was tried at start-up; the database is tried now."""
    parts.check()
    return StatusOut()


@router.get(
    "/version",
    operation_id="version",
    openapi_extra=needs(),
    summary="What runs here?",
    response_model=VersionOut,
    responses=documented("unknown_field"),
)
def get_version(parts: PartsDep) -> VersionOut:
    """Versions, the model, and the provider that really runs it."""
    calibrated = [one for one in parts.modalities if parts.calibration(one) is not None]
    return VersionOut(
        version=installed_version(),
        model=parts.model.name,
        model_identity=parts.model.identity,
        next_model=parts.upcoming.model.name if parts.upcoming else None,
        next_model_identity=parts.upcoming.model.identity if parts.upcoming else None,
        dimension=parts.model.dimension,
        modalities=sorted(parts.modalities),
        calibrated=sorted(calibrated),
        provider=parts.about.provider,
        index=parts.about.index,
        database=parts.about.database,
    )


@router.get("/", include_in_schema=False, openapi_extra=PUBLIC)
def front_page() -> HTMLResponse:
    """Where to go from here."""
    return HTMLResponse(files("service.api").joinpath("front_page.html").read_text("utf-8"))


def installed_version() -> str:
    """The version of this package, also where it runs from a checkout that is not installed."""
    try:
        return version("null-face")
    except PackageNotFoundError:
        return "0+checkout"

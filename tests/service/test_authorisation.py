"""Who may call what: every operation, with every scope, on one's own and on another's gallery."""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from databases import NewDatabase
from drawn import photo, png
from fastapi import APIRouter
from fastapi.routing import APIRoute
from guarded import Guarded, guarded

from faces.bundle import Bundle
from service import app
from service.core import keys as core_keys
from service.core.access import Scope
from service.core.ports import Parts

READ, ENROL, ADMIN = Scope.READ, Scope.ENROL, Scope.ADMIN
PROBE = png(photo(1))
ZIP = {"Content-Type": "application/zip"}

MAY: dict[str, set[Scope]] = {
    "enroll": {ENROL},
    "identify": {READ},
    "verify": {READ},
    "list_galleries": {READ, ENROL, ADMIN},
    "create_gallery": {ADMIN},
    "get_gallery": {READ, ENROL, ADMIN},
    "update_gallery": {ADMIN},
    "delete_gallery": {ADMIN},
    "list_subjects": {READ, ENROL},
    "get_subject": {READ, ENROL},
    "update_subject": {ENROL},
    "delete_subject": {ENROL},
    "list_templates": {READ, ENROL},
    "get_template": {READ, ENROL},
    "delete_template": {ENROL},
    "create_import": {ENROL},
    "list_imports": {ENROL},
    "get_job": {ENROL},
    "cancel_job": {ENROL},
    "list_job_files": {ENROL},
    "get_job_report": {ENROL},
    "stream_job": {ENROL},
    "get_reembedding": {ADMIN},
    "list_reenrolments": {ENROL, ADMIN},
    "list_audit": {ADMIN},
    "version": {READ, ENROL, ADMIN},
}
"""Operation -> the scopes of which a key needs one. Written down here once more, so that no change
of a route's rule goes unseen."""

PUBLIC = {"livez", "readyz"}
OF_A_JOB = {"get_job", "cancel_job", "list_job_files", "get_job_report", "stream_job"}
OF_NO_GALLERY = {"list_galleries", "list_audit", "version"}

HIDDEN: dict[str, list[object]] = {
    "/": [],
    "/docs": [],
    "/docs/start.js": [],
    "/docs/swagger-ui-bundle.js": [],
    "/docs/swagger-ui.css": [],
    "/livez": [],
    "/metrics": [{"key": []}],
    "/readyz": [],
}
"""Path of a route that is not in the schema -> its security requirement; empty: for everybody."""

CALLS: dict[str, tuple[str, str, dict[str, object]]] = {
    "enroll": ("POST", "/enroll", {"data": {"gallery": "GALLERY"}, "files": {"image": PROBE}}),
    "identify": ("POST", "/identify", {"data": {"gallery": "GALLERY"}, "files": {"image": PROBE}}),
    "verify": (
        "POST",
        "/verify",
        {"data": {"gallery": "GALLERY", "subject_id": "a"}, "files": {"image": PROBE}},
    ),
    "list_galleries": ("GET", "/galleries", {}),
    "create_gallery": ("POST", "/galleries", {"json": {"gallery": "GALLERY"}}),
    "get_gallery": ("GET", "/galleries/GALLERY", {}),
    "update_gallery": ("PATCH", "/galleries/GALLERY", {"json": {"quality": {}}}),
    "delete_gallery": ("DELETE", "/galleries/GALLERY", {}),
    "list_subjects": ("GET", "/galleries/GALLERY/subjects", {}),
    "get_subject": ("GET", "/galleries/GALLERY/subjects/a", {}),
    "update_subject": ("PATCH", "/galleries/GALLERY/subjects/a", {"json": {"name": "A"}}),
    "delete_subject": ("DELETE", "/galleries/GALLERY/subjects/a", {}),
    "list_templates": ("GET", "/galleries/GALLERY/templates", {}),
    "get_template": ("GET", "/galleries/GALLERY/templates/a", {}),
    "delete_template": ("DELETE", "/galleries/GALLERY/templates/a", {}),
    "create_import": ("POST", "/galleries/GALLERY/imports", {"content": b"", "headers": ZIP}),
    "list_imports": ("GET", "/galleries/GALLERY/imports", {}),
    "get_job": ("GET", "/jobs/JOB", {}),
    "cancel_job": ("DELETE", "/jobs/JOB", {}),
    "list_job_files": ("GET", "/jobs/JOB/files", {}),
    "get_job_report": ("GET", "/jobs/JOB/report.csv", {}),
    "stream_job": ("GET", "/jobs/JOB/events", {}),
    "get_reembedding": ("GET", "/galleries/GALLERY/reembedding", {}),
    "list_reenrolments": ("GET", "/galleries/GALLERY/reenrolments", {}),
    "list_audit": ("GET", "/audit", {}),
    "livez": ("GET", "/livez", {}),
    "readyz": ("GET", "/readyz", {}),
    "version": ("GET", "/version", {}),
}
"""How each operation is called."""

Callers = dict[str, httpx.Client]
JOBS: dict[str, str] = {}
"""An import of each gallery that has ended."""


@pytest.fixture(scope="module")
def service(new_database: NewDatabase, bundle: Bundle) -> Iterator[Guarded]:
    with guarded(new_database(), bundle.folder, access="keys") as started:
        yield started


@pytest.fixture(scope="module")
def admin(service: Guarded) -> httpx.Client:
    return service.caller(service.token("may do everything"))


@pytest.fixture(scope="module")
def holders(service: Guarded) -> Callers:
    """A key of one scope each, all for the gallery `own` only."""
    return {
        scope: service.caller(service.token(f"only {scope}", scope, galleries=("own",)))
        for scope in Scope
    }


@pytest.fixture(scope="module")
def strangers(service: Guarded) -> Callers:
    """Callers without a key that works."""
    revoked = service.token("revoked")
    service.keys.revoke("revoked")
    rotated = service.token("rotated")
    core_keys.rotate(service.keys, "rotated", timedelta())
    good = service.token("good")
    changed = good[:-1] + ("A" if good[-1] != "A" else "B")
    tokens = {
        "no key": None,
        "expired": service.token("expired", lasts=timedelta(seconds=-1)),
        "revoked": revoked,
        "rotated": rotated,
        "changed": changed,
        "unknown": f"nf_{'0' * 12}_{'x' * 43}",
        "no token": "secret",
    }
    return {name: service.caller(token) for name, token in tokens.items()}


@pytest.fixture(autouse=True)
def galleries(admin: httpx.Client) -> None:
    """Both are there before each test, with an import that has ended."""
    for name in ("own", "other"):
        made = admin.post("/galleries", json={"gallery": name}).status_code
        assert made in (201, 409)
        if made == 201 or name not in JOBS:
            JOBS[name] = imported(admin, name)


def imported(admin: httpx.Client, gallery: str) -> str:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a/readme.txt", "no image")
    path, sent = f"/galleries/{gallery}/imports", {"content": content.getvalue(), "headers": ZIP}
    job = admin.post(path, **sent).json()["job_id"]
    admin.delete(f"/jobs/{job}").raise_for_status()
    return job


def call(caller: httpx.Client, operation: str, gallery: str = "own") -> httpx.Response:
    method, path, sent = CALLS[operation]
    filled = {
        how: {k: gallery if v == "GALLERY" else v for k, v in what.items()}
        if isinstance(what, dict)
        else what
        for how, what in sent.items()
    }
    path = path.replace("GALLERY", gallery).replace("JOB", JOBS.get(gallery, "0" * 32))
    answer = caller.request(method, path, **filled)
    assert answer.status_code < 500, answer.text
    return answer


def let_in(answer: httpx.Response) -> bool:
    """What comes after the door, such as an unknown subject, does not matter here."""
    return answer.status_code not in (401, 403)


def test_every_operation_is_in_the_matrix(admin: httpx.Client) -> None:
    """A new route has to be added to both tables above."""
    paths = admin.get("/openapi.json").json()["paths"]
    operations = {one["operationId"] for methods in paths.values() for one in methods.values()}

    assert operations == set(MAY) | PUBLIC == set(CALLS)


def test_every_route_that_the_schema_hides_is_listed() -> None:
    routes = [route for router in app.ROUTERS for route in router.routes]
    for route in routes:
        if isinstance(route, APIRoute) and not route.include_in_schema:
            assert (route.openapi_extra or {})["security"] == HIDDEN[route.path], route.path


@pytest.mark.parametrize("operation", MAY)
def test_a_key_does_what_its_scope_says_in_its_own_gallery_only(
    holders: Callers, admin: httpx.Client, operation: str
) -> None:
    found = {}
    for scope, caller in holders.items():
        for gallery in ("own", "other"):
            found[scope, gallery] = let_in(call(caller, operation, gallery))
            if admin.post("/galleries", json={"gallery": gallery}).status_code == 201:
                JOBS[gallery] = imported(admin, gallery)

    assert found == {
        (scope, gallery): scope in MAY[operation]
        and (gallery == "own" or operation in OF_NO_GALLERY)
        for scope in Scope
        for gallery in ("own", "other")
    }


@pytest.mark.parametrize("operation", MAY)
def test_without_a_key_that_works_nothing_is_done(strangers: Callers, operation: str) -> None:
    for name, caller in strangers.items():
        answer = call(caller, operation)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised"), name
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", sorted(PUBLIC))
def test_health_is_for_everybody(strangers: Callers, operation: str) -> None:
    for caller in strangers.values():
        assert call(caller, operation).status_code == 200


@pytest.mark.parametrize("operation", MAY)
def test_a_gallery_that_is_not_there_looks_like_any_other_to_a_key_not_for_it(
    holders: Callers, operation: str
) -> None:
    if operation in OF_NO_GALLERY | OF_A_JOB:
        return
    for scope in MAY[operation]:
        answers = [call(holders[scope], operation, name) for name in ("other", "nowhere")]
        assert [answer.json()["code"] for answer in answers] == ["forbidden", "forbidden"]


def test_the_schema_states_the_rules(admin: httpx.Client) -> None:
    schema = admin.get("/openapi.json").json()
    for methods in schema["paths"].values():
        for operation in methods.values():
            named = {scope for one in operation["security"] for scope in one["key"]}
            may = MAY.get(operation["operationId"], set())
            assert named == (set() if may == set(Scope) else may)
            assert ("401" in operation["responses"]) == bool(operation["security"])


def test_a_route_without_a_rule_does_not_start(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    careless = APIRouter()
    careless.get("/careless", operation_id="careless")(lambda: {})
    monkeypatch.setattr(app, "ROUTERS", [*app.ROUTERS, careless])

    with pytest.raises(TypeError, match="careless"):
        app.create_app(parts)
